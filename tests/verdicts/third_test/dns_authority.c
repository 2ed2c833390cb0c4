/* An authoritative DNS server: a zone in memory, a cache of signed answers with a limit, and a table that counts the
 * queries of each name. Nobody ever takes a name out of that table, and most of the names are random subdomains. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct counter {
  char* name;
  uint32_t queries;
  uint32_t missing;
};

struct counters {
  struct counter* slots;
  size_t capacity, used;
};

struct answer {
  uint32_t key;
  unsigned char* wire;
};

enum { kRounds = 72, kAnswers = 512, kZone = 3000 };

static struct counters counters;
static struct answer answers[kAnswers];
static char* zone[kZone];
static uint64_t state = 5;
static uint64_t sent;

static uint32_t next_random(void) {
  state ^= state << 7;
  state ^= state >> 9;
  return (uint32_t)(state >> 16);
}

static uint32_t hash_name(const char* name) {
  uint32_t hash = 2166136261u;
  for (; *name; ++name) hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash;
}

static struct counter* slot_of(struct counter* slots, size_t capacity, const char* name) {
  size_t i = hash_name(name) % capacity;
  while (slots[i].name && strcmp(slots[i].name, name) != 0) i = (i + 1) % capacity;
  return &slots[i];
}

static void grow(void) {
  size_t capacity = counters.capacity ? counters.capacity * 2 : 1024;
  struct counter* slots = calloc(capacity, sizeof *slots);
  for (size_t i = 0; i < counters.capacity; ++i) {
    if (counters.slots[i].name) *slot_of(slots, capacity, counters.slots[i].name) = counters.slots[i];
  }
  free(counters.slots);
  counters.slots = slots;
  counters.capacity = capacity;
}

static void count(const char* name, int missing) {
  if (2 * (counters.used + 1) > counters.capacity) grow();
  struct counter* counter = slot_of(counters.slots, counters.capacity, name);
  if (!counter->name) {
    counter->name = strdup(name);
    ++counters.used;
  }
  ++counter->queries;
  counter->missing += (uint32_t)missing;
}

static void query(void) {
  char name[160];
  uint32_t key = next_random() % kZone;
  int missing = next_random() % 3 != 0;
  uint32_t label = next_random();
  int length = snprintf(name, sizeof name, "%s", zone[key]);
  if (missing)
    snprintf(name, sizeof name, "%08x-%.*s.%s", label, (int)(label % 60),
             "a-very-long-label-of-a-client-that-probes-for-subdomains-----", zone[key]);
  count(name, missing);
  struct answer* cached = &answers[key % kAnswers];
  if (cached->key != key || !cached->wire) {
    free(cached->wire);
    cached->key = key;
    size_t bytes = 300 + next_random() % 900;
    cached->wire = malloc(bytes);
    memset(cached->wire, length, bytes);
  }
  sent += cached->wire[20];
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.9;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  for (int i = 0; i < kZone; ++i) {
    zone[i] = malloc(40);
    snprintf(zone[i], 40, "www%d.zone%d.example", i, i % 17);
  }
  for (int round = 0; round < kRounds; ++round) {
    int queries = (int)(scale * (1200 + next_random() % 1600));
    for (int i = 0; i < queries; ++i) query();
    struct timespec pause = {0, (long)(seconds / kRounds * (round < kRounds / 2 ? 1.4e9 : 0.6e9))};
    nanosleep(&pause, NULL);
  }
  printf("%llu answers, %zu names\n", (unsigned long long)sent, counters.used);
  return 0;
}
