/* The recorder of a drone: the last so many frames of telemetry are held, each in a block of its own size, and a new
 * one replaces the oldest. Calm and busy phases take turns. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct frame {
  uint64_t number;
  size_t size;
  double values[];
};

static struct frame** ring;
static size_t ring_size;
static uint64_t frames;
static double scale = 1, seconds = 0.9;
static uint32_t seed = 40961;

static uint32_t next_random(void) {
  seed = seed * 1103515245u + 12345u;
  return seed >> 10;
}

static void record(const double* values, size_t count) {
  struct frame* frame = malloc(sizeof *frame + count * sizeof *values);
  frame->number = frames;
  frame->size = count;
  memcpy(frame->values, values, count * sizeof *values);
  free(ring[frames % ring_size]);
  ring[frames % ring_size] = frame;
  frames++;
}

static double sample(void) {
  size_t count = 200 + next_random() % 400;
  double* raw = malloc(count * sizeof *raw);
  for (size_t i = 0; i < count; i++) raw[i] = (double)(next_random() % 4096) / 4096;
  double* filtered = calloc(count, sizeof *filtered);
  for (size_t i = 1; i < count; i++) filtered[i] = 0.9 * filtered[i - 1] + 0.1 * raw[i];
  record(filtered, count);
  double last = filtered[count - 1];
  free(raw);
  free(filtered);
  return last;
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  enum { kRounds = 90 };
  ring_size = (size_t)(1500 * scale);
  ring = calloc(ring_size, sizeof *ring);
  double sum = 0;
  for (int round = 0; round < kRounds; round++) {
    int busy = round / 9 % 2;
    int count = (int)((busy ? 160 : 80) * scale);
    for (int i = 0; i < count; i++) sum += sample();
    double pause = seconds / kRounds;
    struct timespec time = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
    nanosleep(&time, NULL);
  }
  printf("%llu frames, %.3f\n", (unsigned long long)frames, sum);
  return 0;
}
