/* A chess engine: the opening book (nodes from slabs) and the transposition table are set up first. Then it searches
 * positions; move lists and lines are all that a search allocates, and it returns them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct book_move {
  uint64_t position;
  uint16_t move, weight;
  char opening[40];
  struct book_move* next;
};

struct entry {
  uint64_t key;
  int32_t score;
  uint16_t move, depth;
};

enum { kBuckets = 4096, kSlab = 500, kPositions = 80 };
static struct book_move* book[kBuckets];
static struct book_move* slab;
static int slab_left;
static struct entry* table;
static size_t table_size;
static double scale = 1, seconds = 0.8;
static uint64_t state = 1070372;

static uint64_t next_random(void) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 2685821657736338717u;
}

static struct book_move* new_book_move(void) {
  if (slab_left == 0) {
    slab = malloc(kSlab * sizeof *slab);
    slab_left = kSlab;
  }
  return &slab[--slab_left];
}

static void set_up(void) {
  table_size = (size_t)(200000 * scale);
  table = malloc(table_size * sizeof *table);
  memset(table, 0, table_size * sizeof *table);
  int moves = (int)(30000 * scale);
  for (int i = 0; i < moves; i++) {
    struct book_move* one = new_book_move();
    one->position = next_random();
    one->move = (uint16_t)i;
    one->weight = (uint16_t)(i % 100);
    snprintf(one->opening, sizeof one->opening, "opening %d, line %d", i / 50, i % 50);
    struct book_move** bucket = &book[one->position % kBuckets];
    one->next = *bucket;
    *bucket = one;
  }
}

static int search(uint64_t position, int depth) {
  struct entry* entry = &table[position % table_size];
  if (entry->key == position && entry->depth >= depth) return entry->score;
  if (depth == 0) return (int)(position % 200) - 100;
  int count = 3 + (int)(position % 3);
  uint16_t* moves = malloc((size_t)count * 10 * sizeof *moves);
  for (int i = 0; i < count; i++) moves[i * 10] = (uint16_t)(position >> i);
  int best = -1000;
  for (int i = 0; i < count; i++) {
    int score = -search((position ^ moves[i * 10]) * 6364136223846793005u + (uint64_t)i, depth - 1);
    if (score > best) {
      best = score;
      entry->move = moves[i * 10];
    }
  }
  entry->key = position;
  entry->score = best;
  entry->depth = (uint16_t)depth;
  free(moves);
  return best;
}

static int book_weight(uint64_t position) {
  int weight = 0;
  for (const struct book_move* one = book[position % kBuckets]; one; one = one->next) weight += one->weight;
  return weight;
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  set_up();
  long score = 0;
  for (int i = 0; i < kPositions; i++) {
    uint64_t position = next_random();
    score += book_weight(position);
    /* Middle games are searched for longer. */
    int repeats = (int)((i > 20 && i < 60 ? 8 : 3) * (scale < 1 ? 1 : scale));
    for (int j = 0; j < repeats; j++) score += search(position + (uint64_t)j, 6);
    double pause = seconds / kPositions;
    struct timespec time = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
    nanosleep(&time, NULL);
  }
  printf("%d positions, score %ld\n", kPositions, score);
  exit(0);
}
