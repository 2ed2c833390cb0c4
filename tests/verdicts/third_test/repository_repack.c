/* A version control server that repacks a repository: it reads every object with its delta candidates into memory,
 * chooses the deltas, frees them all and writes the pack's index; then it serves fetches from that index. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct candidate {
  struct candidate* next;
  uint32_t base;
  uint32_t size;
  unsigned char delta[];
};

struct object {
  uint32_t id;
  uint32_t type;
  struct candidate* candidates;
};

static struct object** objects; /* a C array of pointers */
static size_t object_count;
static uint32_t* pack_index;
static uint64_t word = 2005;
static unsigned long served;

static uint32_t rnd(void) {
  word ^= word >> 12;
  word ^= word << 25;
  word ^= word >> 27;
  return (uint32_t)(word * 2685821657736338717ull >> 32);
}

static void read_object(size_t i) {
  struct object* object = malloc(sizeof *object);
  object->id = rnd();
  object->type = rnd() % 3;
  object->candidates = NULL;
  for (uint32_t n = 1 + rnd() % 6; n > 0; --n) {
    uint32_t size = 40 + rnd() % 400;
    struct candidate* candidate = malloc(sizeof *candidate + size);
    candidate->base = rnd();
    candidate->size = size;
    memset(candidate->delta, (int)n, size);
    candidate->next = object->candidates;
    object->candidates = candidate;
  }
  objects[i] = object;
}

static uint32_t best_delta(const struct object* object) {
  const struct candidate* best = object->candidates;
  for (const struct candidate* one = best; one; one = one->next) {
    if (one->size < best->size) best = one;
  }
  return best->base ^ best->delta[0];
}

static void free_object(struct object* object) {
  while (object->candidates) {
    struct candidate* next = object->candidates->next;
    free(object->candidates);
    object->candidates = next;
  }
  free(object);
}

static void nap(double duration) {
  struct timespec pause = {(time_t)duration, (long)((duration - (double)(time_t)duration) * 1e9)};
  nanosleep(&pause, NULL);
}

static void fetch(void) {
  size_t wanted = 1 + rnd() % 60;
  uint32_t* list = malloc(wanted * sizeof *list);
  for (size_t i = 0; i < wanted; ++i) list[i] = pack_index[rnd() % 2000];
  served += list[wanted / 2] % 2;
  free(list);
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  object_count = (size_t)(24000 * scale);
  objects = malloc(object_count * sizeof *objects);
  for (size_t i = 0; i < object_count; ++i) {
    read_object(i);
    if (i % (object_count / 16) == 0) nap(seconds / 60);
  }
  uint32_t* chosen = malloc(2000 * sizeof *chosen);
  for (size_t i = 0; i < 2000; ++i) chosen[i] = best_delta(objects[i * (object_count / 2000)]);
  pack_index = chosen;
  for (size_t i = 0; i < object_count; ++i) free_object(objects[i]);
  free(objects);
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 600; ++i) fetch();
    nap(seconds * 2 / 3 / 40);
  }
  printf("%lu\n", served);
  return 0;
}
