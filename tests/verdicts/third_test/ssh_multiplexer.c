/* An SSH multiplexer: sessions with channels, both counted by references. A channel that is closed lets go of its
 * session. A session whose peer vanishes is only dropped from the table, and its open channels and it keep each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 56
#define SESSIONS 24

typedef struct Session Session;
typedef struct Channel Channel;

struct Channel {
  int references;
  Session* session;
  Channel* next;
  unsigned char* window;
  size_t window_bytes;
};

struct Session {
  int references;
  Channel* channels;
  char host[64];
  unsigned char* kex;
};

static Session* table[SESSIONS];
static unsigned long long seed = 99;
static unsigned long bytes_moved;

static unsigned draw(unsigned limit) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  return (unsigned)(seed >> 33) % limit;
}

static void session_unref(Session* session) {
  if (--session->references > 0) return;
  free(session->kex);
  free(session);
}

static void channel_unref(Channel* channel) {
  if (--channel->references > 0) return;
  session_unref(channel->session);
  free(channel->window);
  free(channel);
}

static Session* session_open(void) {
  Session* session = calloc(1, sizeof *session);
  session->references = 1;
  session->kex = calloc(1, 1024);
  snprintf(session->host, sizeof session->host, "host-%u.example", draw(1000));
  return session;
}

static void channel_open(Session* session) {
  Channel* channel = calloc(1, sizeof *channel);
  channel->references = 1; /* the session's list */
  channel->session = session;
  ++session->references;
  channel->window_bytes = 2048 + draw(6144);
  channel->window = malloc(channel->window_bytes);
  memset(channel->window, 'w', channel->window_bytes);
  channel->next = session->channels;
  session->channels = channel;
}

static void channel_close_first(Session* session) {
  Channel* channel = session->channels;
  if (!channel) return;
  session->channels = channel->next;
  bytes_moved += channel->window[draw((unsigned)channel->window_bytes)];
  channel_unref(channel);
}

static void session_close(int slot) {
  while (table[slot]->channels) channel_close_first(table[slot]);
  session_unref(table[slot]);
  table[slot] = NULL;
}

static void peer_vanished(int slot) {
  session_unref(table[slot]);
  table[slot] = NULL;
}

static void turn(void) {
  int slot = (int)draw(SESSIONS);
  if (!table[slot]) table[slot] = session_open();
  unsigned channels = 2 + draw(5);
  for (unsigned i = 0; i < channels; ++i) channel_open(table[slot]);
  for (unsigned i = 0; i < channels; ++i) {
    if (draw(4)) channel_close_first(table[slot]);
  }
  unsigned event = draw(40);
  if (event < 8) session_close(slot);
  if (event == 9) peer_vanished(slot);
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  for (int round = 0; round < ROUNDS; ++round) {
    int turns = (int)(scale * (round % 7 == 3 ? 800 : 150 + draw(200)));
    for (int i = 0; i < turns; ++i) turn();
    long pause = (long)(seconds * 1e9 / ROUNDS);
    nanosleep(&(struct timespec){pause / 1000000000, pause % 1000000000}, NULL);
  }
  for (int slot = 0; slot < SESSIONS; ++slot) {
    if (table[slot]) session_close(slot);
  }
  printf("%lu\n", bytes_moved);
  exit(0);
}
