/* An FTP server: control connections come and go, and each transfer has a job with a buffer. A transfer that the client
 * aborts while data is on its way detaches the job from its connection and forgets it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kRounds = 64, kConnections = 40 };

struct transfer {
  size_t bytes;
  unsigned char* data;
  char path[48];
};

struct connection {
  struct transfer* transfer;
  char* line; /* the command line, as long as the longest one so far */
  size_t line_capacity;
  unsigned long commands;
};

static struct connection* connections[kConnections];
static uint32_t random_state = 77;
static unsigned long checksum;

static uint32_t random_below(uint32_t limit) {
  random_state = random_state * 1664525u + 1013904223u;
  return (random_state >> 8) % limit;
}

static void read_command(struct connection* client) {
  size_t length = 16 + random_below(200);
  if (length > client->line_capacity) {
    client->line = realloc(client->line, length);
    client->line_capacity = length;
  }
  memset(client->line, 'r', length);
  client->line[length - 1] = 0;
  ++client->commands;
}

static struct transfer* open_transfer(const struct connection* client) {
  struct transfer* transfer = malloc(sizeof *transfer);
  transfer->bytes = 6000 + random_below(12000);
  transfer->data = malloc(transfer->bytes);
  memset(transfer->data, (int)(client->commands & 127), transfer->bytes);
  snprintf(transfer->path, sizeof transfer->path, "/pub/%lu", client->commands);
  return transfer;
}

static void finish(struct connection* client) {
  checksum += client->transfer->data[client->transfer->bytes / 2] + strlen(client->transfer->path);
  free(client->transfer->data);
  free(client->transfer);
  client->transfer = NULL;
}

static void serve(struct connection* client) {
  read_command(client);
  client->transfer = open_transfer(client);
  if (random_below(100) < 9) {
    client->transfer = NULL; /* ABOR: the data connection is reset */
    return;
  }
  finish(client);
}

static void reconnect(size_t slot) {
  if (connections[slot]) {
    free(connections[slot]->line);
    free(connections[slot]);
  }
  connections[slot] = calloc(1, sizeof *connections[slot]);
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  for (size_t i = 0; i < kConnections; ++i) reconnect(i);
  for (int round = 0; round < kRounds; ++round) {
    int commands = (int)(scale * (60 + random_below(120)));
    for (int i = 0; i < commands; ++i) serve(connections[random_below(kConnections)]);
    reconnect(random_below(kConnections));
    struct timespec pause = {0, (long)(seconds * 1e9 / kRounds)};
    nanosleep(&pause, NULL);
  }
  printf("%lu\n", checksum);
  return 0;
}
