/* A message broker. Clients come all the time, each gets a session with a queue of messages in flight, and a session
 * that was silent for a dozen ticks expires: a wheel of timers has a list of sessions for each tick to come. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WHEEL 32
#define TICKS 110

struct message {
  struct message* next;
  uint16_t id;
  uint16_t length;
  unsigned char payload[];
};

struct session {
  struct session* next_due;
  char client[32];
  char* subscriptions[4];
  struct message* in_flight;
  unsigned due;
};

struct broker {
  struct session* wheel[WHEEL];
  unsigned now;
  unsigned long opened, expired, delivered;
  uint64_t rng;
};

static void* must(void* p) {
  if (!p) {
    fputs("out of memory\n", stderr);
    _exit(1);
  }
  return p;
}

static unsigned rnd(struct broker* b, unsigned n) {
  b->rng = b->rng * 6364136223846793005ULL + 1442695040888963407ULL;
  return (unsigned)(b->rng >> 33) % n;
}

static void schedule(struct broker* b, struct session* s, unsigned ticks) {
  s->due = b->now + ticks;
  s->next_due = b->wheel[s->due % WHEEL];
  b->wheel[s->due % WHEEL] = s;
}

static void open_session(struct broker* b) {
  struct session* s = must(calloc(1, sizeof *s));
  snprintf(s->client, sizeof s->client, "sensor-%lu", ++b->opened);
  for (int i = 0; i < 4; ++i) {
    s->subscriptions[i] = must(malloc(64));
    snprintf(s->subscriptions[i], 64, "site/%u/floor/%u/room/+/temperature", rnd(b, 50), rnd(b, 9));
  }
  for (unsigned i = 0, n = 6 + rnd(b, 8); i < n; ++i) {
    uint16_t length = (uint16_t)(200 + rnd(b, 600));
    struct message* m = must(malloc(sizeof *m + length));
    m->id = (uint16_t)i;
    m->length = length;
    memset(m->payload, (int)i, length);
    m->next = s->in_flight;
    s->in_flight = m;
  }
  schedule(b, s, 10 + rnd(b, 5));
}

static void close_session(struct session* s) {
  while (s->in_flight) {
    struct message* m = s->in_flight;
    s->in_flight = m->next;
    free(m);
  }
  for (int i = 0; i < 4; ++i) free(s->subscriptions[i]);
  free(s);
}

static void tick(struct broker* b) {
  struct session* s = b->wheel[++b->now % WHEEL];
  b->wheel[b->now % WHEEL] = NULL;
  while (s) {
    struct session* next = s->next_due;
    close_session(s);
    ++b->expired;
    s = next;
  }
}

static void publish(struct broker* b) {
  char* topic = must(malloc(48));
  unsigned char* packet = must(malloc(300));
  int length = snprintf(topic, 48, "site/%u/floor/%u/room/7/temperature", rnd(b, 50), rnd(b, 9));
  memset(packet, length, 300);
  b->delivered += (unsigned long)packet[rnd(b, 300)];
  free(packet);
  free(topic);
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  int option;
  for (option = 1; option + 1 < argc; option += 2) {
    if (strcmp(argv[option], "--scale") == 0) scale = atof(argv[option + 1]);
    if (strcmp(argv[option], "--seconds") == 0) seconds = atof(argv[option + 1]);
  }
  static struct broker broker = {.rng = 5};
  for (int i = 0; i < TICKS; ++i) {
    for (int k = 0; k < (int)(50 * scale); ++k) open_session(&broker);
    for (int k = 0; k < (int)(800 * scale); ++k) publish(&broker);
    tick(&broker);
    usleep((useconds_t)(seconds * 1e6 / TICKS));
  }
  printf("%lu opened, %lu expired, %lu\n", broker.opened, broker.expired, broker.delivered);
  return 0;
}
