// A message router: envelopes come in, wait in a ring of queues for a while, and go out.
//
// One message in ten thousand is sent again: the retry replaces its payload by a fresh copy and forgets the old one.
// The same line of code allocates every payload, so that nearly all blocks of that site die young. Ends by exit(), deep
// inside, with the queues full.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 60
#define WAITING 512

struct envelope {
  unsigned id, retries;
  size_t size;
  char* payload;
};

static struct envelope* ring[WAITING];
static double scale = 1, seconds = 0.5;
static unsigned long delivered;

static char* new_payload(size_t size, unsigned id) {
  char* bytes = malloc(size);
  if (!bytes) abort();
  memset(bytes, (int)(id & 0x7f), size);
  return bytes;
}

static struct envelope* receive(unsigned id) {
  struct envelope* e = malloc(sizeof *e);
  if (!e) abort();
  e->id = id;
  e->retries = 0;
  e->size = 1000 + id * 7919u % 3000;
  e->payload = new_payload(e->size, id);
  return e;
}

static void retry(struct envelope* e) {
  e->retries++;
  e->size = 4000;
  e->payload = new_payload(e->size, e->id + 1);
}

static void deliver(struct envelope* e) {
  if (!e) return;
  delivered += (unsigned char)e->payload[e->size / 2];
  free(e->payload);
  free(e);
}

static void route(unsigned id) {
  struct envelope** slot = &ring[id * 31u % WAITING];
  deliver(*slot);
  *slot = receive(id);
  if (id % 10000 == 9999) retry(*slot);
}

static void loop(unsigned per_round) {
  struct timespec pause = {0, (long)(seconds / ROUNDS * 1e9)};
  for (unsigned round = 0; round < ROUNDS; round++) {
    for (unsigned i = 0; i < per_round; i++) route(round * per_round + i);
    nanosleep(&pause, NULL);
  }
  printf("delivered %lu\n", delivered);
  exit(0);
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  loop((unsigned)(30000 * scale));
}
