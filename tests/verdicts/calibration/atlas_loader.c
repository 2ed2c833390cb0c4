// A navigation device: after it has come up and found its position it loads the map of the country, some time later the
// map of the neighbouring one, and plans routes on what is there.
//
// Two bursts of loading into one hash table, at a sixth and at two fifths of the run; nothing is added after them, and
// every route reads the places.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 60
#define BUCKETS 16384

struct place {
  unsigned key;
  double x, y;
  struct place* next;
  char name[];
};

static struct place* buckets[BUCKETS];
static double sink;

static struct place* find(unsigned key) {
  struct place* p = buckets[key % BUCKETS];
  while (p && p->key != key) p = p->next;
  return p;
}

static void load(unsigned first, unsigned count) {
  for (unsigned i = first; i < first + count; i++) {
    char line[160];
    int length = snprintf(line, sizeof line, "place %u, near the crossing of the roads %u and %u in the district %u", i,
                          i % 977, i % 331, i % 91);
    struct place* p = malloc(sizeof *p + (size_t)length + 1);
    if (!p) exit(1);
    p->key = i;
    p->x = i % 1009;
    p->y = i % 2003;
    memcpy(p->name, line, (size_t)length + 1);
    p->next = buckets[i % BUCKETS];
    buckets[i % BUCKETS] = p;
  }
}

struct step {
  struct step* before;
  const struct place* at;
  double cost;
};

static void plan(unsigned from, unsigned places) {
  struct step* last = NULL;
  for (unsigned i = 0; i < 60; i++) {
    struct step* s = malloc(sizeof *s);
    if (!s) exit(1);
    s->before = last;
    s->at = places ? find((from + i * 37u) % places) : NULL;
    s->cost = (last ? last->cost : 0) + (s->at ? s->at->x + s->at->y + s->at->name[7] : 1);
    last = s;
  }
  sink += last->cost;
  while (last) {
    struct step* before = last->before;
    free(last);
    last = before;
  }
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  const unsigned country = (unsigned)(90000 * scale), neighbour = (unsigned)(50000 * scale);
  const struct timespec pause = {0, (long)(seconds / ROUNDS * 1e9)};
  unsigned places = 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    if (round == ROUNDS / 6) load(0, places = country);
    if (round == ROUNDS * 2 / 5) {
      load(places, neighbour);
      places += neighbour;
    }
    for (unsigned i = 0; i < 100 * scale; i++) plan(round * 1000 + i, places);
    nanosleep(&pause, NULL);
  }
  printf("cost %.0f\n", sink);
  exit(0);
}
