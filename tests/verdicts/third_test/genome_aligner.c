/* A genome aligner: reads the reference and its index of seeds first, then aligns reads, each with a few candidates
 * and a matrix of scores that are freed at once. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kSeed = 7, kBuckets = 1 << (2 * kSeed), kBatches = 48, kBand = 16 };

static char* reference;
static size_t reference_length;
static uint32_t* positions[kBuckets];
static uint32_t counts[kBuckets];
static uint64_t state = 20;

static uint32_t base(void) {
  state = state * 6364136223846793005ull + 1;
  return (uint32_t)(state >> 40);
}

static uint32_t seed_at(const char* text) {
  uint32_t seed = 0;
  for (int i = 0; i < kSeed; ++i) seed = seed << 2 | (uint32_t)text[i];
  return seed;
}

static void build_index(void) {
  for (size_t i = 0; i + kSeed <= reference_length; ++i) ++counts[seed_at(reference + i)];
  for (size_t i = 0; i < kBuckets; ++i) {
    positions[i] = malloc((counts[i] + 1) * sizeof(uint32_t));
    counts[i] = 0;
  }
  for (size_t i = 0; i + kSeed <= reference_length; ++i) {
    uint32_t seed = seed_at(reference + i);
    positions[seed][counts[seed]++] = (uint32_t)i;
  }
}

static int extend(const char* read, size_t length, uint32_t at) {
  int* scores = malloc(2 * kBand * sizeof *scores);
  memset(scores, 0, 2 * kBand * sizeof *scores);
  int best = 0;
  for (size_t i = 0; i < length; ++i) {
    int* row = scores + (i % 2) * kBand;
    const int* above = scores + (1 - i % 2) * kBand;
    for (size_t j = 0; j < kBand && at + i + j < reference_length; ++j) {
      int score = above[j] + (read[i] == reference[at + i + j] ? 1 : -1);
      row[j] = score > 0 ? score : 0;
      if (row[j] > best) best = row[j];
    }
  }
  free(scores);
  return best;
}

static int align(void) {
  size_t length = 40 + base() % 40;
  char* read = malloc(length);
  size_t from = base() % (reference_length - 200);
  for (size_t i = 0; i < length; ++i) read[i] = base() % 50 ? reference[from + i] : (char)(base() % 4);
  int best = 0;
  uint32_t seed = seed_at(read + 10);
  for (uint32_t i = 0; i < counts[seed] && i < 2; ++i) {
    uint32_t at = positions[seed][i];
    int score = at > 10 ? extend(read, length, at - 10) : 0;
    if (score > best) best = score;
  }
  free(read);
  return best;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.8;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale")) scale = atof(argv[i + 1]);
    if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[i + 1]);
  }
  reference_length = (size_t)(800000 * scale);
  reference = malloc(reference_length);
  for (size_t i = 0; i < reference_length; ++i) reference[i] = (char)(base() % 4);
  build_index();
  long total = 0;
  for (int batch = 0; batch < kBatches; ++batch) {
    for (int i = 0; i < (int)(1500 * scale); ++i) total += align();
    struct timespec pause = {0, (long)(seconds * 1e9 / kBatches)};
    nanosleep(&pause, NULL);
  }
  printf("%ld\n", total);
  return 0;
}
