/* The front of a speech recognizer: while somebody speaks, features are appended to one buffer that grows by realloc
 * and to a list of frames; at the end of the utterance both are decoded and dropped. Utterances are short and long,
 * with silence between. The microphone is switched off in the middle of the last one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct frame {
  struct frame* next;
  float energy;
  float spectrum[120];
};

static float* features;
static size_t feature_count, feature_capacity;
static struct frame *first, **last = &first;
static double scale = 1, seconds = 0.9;
static uint32_t seed = 8000;

static float noise(void) {
  seed = seed * 1664525u + 1013904223u;
  return (float)(seed >> 8) / 16777216.0f;
}

static void append(float feature) {
  if (feature_count == feature_capacity) {
    feature_capacity = feature_capacity + feature_capacity / 2 + 256;
    features = realloc(features, feature_capacity * sizeof *features);
  }
  features[feature_count++] = feature;
}

static void hear(int voiced) {
  float* window = malloc(400 * sizeof *window);
  for (int i = 0; i < 400; i++) window[i] = noise() - 0.5f;
  if (voiced) {
    struct frame* frame = malloc(sizeof *frame);
    frame->energy = 0;
    for (int i = 0; i < 120; i++) {
      frame->spectrum[i] = window[i] * window[399 - i];
      frame->energy += frame->spectrum[i];
    }
    frame->next = NULL;
    *last = frame;
    last = &frame->next;
    for (int i = 0; i < 40; i++) append(window[i * 10]);
  }
  free(window);
}

static float decode(void) {
  float best = 0;
  for (size_t i = 0; i < feature_count; i++)
    if (features[i] > best) best = features[i];
  while (first) {
    struct frame* next = first->next;
    best += first->energy;
    free(first);
    first = next;
  }
  last = &first;
  free(features);
  features = NULL;
  feature_count = feature_capacity = 0;
  return best;
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  /* Rounds of speech, and of silence after it. */
  static const int speech[] = {8, 6, 10, 7, 9, 5, 10, 6, 8, 7};
  static const int silence[] = {2, 4, 3, 2, 5, 3, 2, 4, 3, 0};
  enum { kUtterances = sizeof speech / sizeof *speech };
  int rounds = 0;
  for (int i = 0; i < kUtterances; i++) rounds += speech[i] + silence[i];
  float sum = 0;
  for (int utterance = 0; utterance < kUtterances; utterance++) {
    for (int round = 0; round < speech[utterance] + silence[utterance]; round++) {
      if (round == speech[utterance]) sum += decode();
      for (int i = 0; i < (int)(400 * scale); i++) hear(round < speech[utterance]);
      double pause = seconds / rounds;
      struct timespec time = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
      nanosleep(&time, NULL);
    }
  }
  printf("%zu features not decoded, %.2f\n", feature_count, (double)sum);
  exit(0);
}
