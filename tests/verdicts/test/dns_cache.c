/* A resolver with a cache of answers: a hash table whose entries also stand in a circle. As long as there is room, new
 * answers are added; that lasts for two fifths of the run. Then a hand goes around the circle and gives those the axe
 * that nobody asked for since it last came by. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct answer {
  struct answer* chain;
  char* name;
  uint32_t hash;
  bool asked;
  size_t place;
  unsigned record_count;
  struct record {
    uint32_t address;
    uint32_t ttl;
  } * records;
} answer_t;

static answer_t** buckets;
static answer_t** circle;
static size_t bucket_count, capacity, filled, hand, evictions;

static uint32_t hash_name(const char* name) {
  uint32_t hash = 2166136261u;
  while (*name) hash = (hash ^ (unsigned char)*name++) * 16777619u;
  return hash;
}

static answer_t* find(const char* name, uint32_t hash) {
  for (answer_t* a = buckets[hash % bucket_count]; a; a = a->chain)
    if (a->hash == hash && strcmp(a->name, name) == 0) return a;
  return NULL;
}

static void evict(answer_t* victim) {
  answer_t** link = &buckets[victim->hash % bucket_count];
  while (*link != victim) link = &(*link)->chain;
  *link = victim->chain;
  free(victim->records);
  free(victim->name);
  free(victim);
  ++evictions;
}

static void place(answer_t* a) {
  if (filled < capacity) {
    a->place = filled++;
  } else {
    while (circle[hand]->asked) {
      circle[hand]->asked = false;
      hand = (hand + 1) % capacity;
    }
    a->place = hand;
    evict(circle[hand]);
    hand = (hand + 1) % capacity;
  }
  circle[a->place] = a;
}

static answer_t* resolve(const char* name, uint32_t hash) {
  answer_t* a = calloc(1, sizeof *a);
  if (!a) abort();
  a->name = strdup(name);
  a->hash = hash;
  a->record_count = 1 + hash % 9;
  a->records = malloc(a->record_count * sizeof *a->records);
  if (!a->name || !a->records) abort();
  for (unsigned i = 0; i < a->record_count; ++i) a->records[i] = (struct record){hash + i, 300 + i};
  place(a);
  a->chain = buckets[hash % bucket_count];
  buckets[hash % bucket_count] = a;
  return a;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2)
    if (strcmp(argv[i], "--scale") == 0)
      scale = atof(argv[i + 1]);
    else if (strcmp(argv[i], "--seconds") == 0)
      seconds = atof(argv[i + 1]);
  enum { ROUNDS = 100, NEW_NAMES = 500 };
  const int fresh = (int)(NEW_NAMES * scale);
  capacity = (size_t)fresh * ROUNDS * 2 / 5;
  bucket_count = capacity | 1;
  buckets = calloc(bucket_count, sizeof *buckets);
  circle = calloc(capacity, sizeof *circle);
  if (!buckets || !circle) abort();
  unsigned long long sum = 0, serial = 0;
  for (int round = 0; round < ROUNDS; ++round) {
    for (int i = 0; i < fresh * 4; ++i) {
      /* One question in four is for a name that nobody asked for before, the others for recent ones. */
      unsigned long long which = i % 4 == 0 ? ++serial : serial - (serial * 31u + (unsigned)i * 17u) % (serial / 3 + 1);
      char* question = malloc(80);
      if (!question) abort();
      snprintf(question, 80, "host-%llu.department-%llu.example.com", which, which % 37);
      uint32_t hash = hash_name(question);
      answer_t* a = find(question, hash);
      if (a)
        a->asked = true;
      else
        a = resolve(question, hash);
      sum += a->records[0].address;
      free(question);
    }
    struct timespec pause = {(time_t)(seconds / ROUNDS), (long)(seconds / ROUNDS * 1e9) % 1000000000L};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
  printf("%zu in the cache, %zu evicted, %llu\n", filled, evictions, sum);
  exit(EXIT_SUCCESS);
}
