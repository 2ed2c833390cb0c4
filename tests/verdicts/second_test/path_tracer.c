/* A path tracer: a hierarchy of boxes over the scene, and for each frame a list of photons that the lamps threw. The
 * list is reused as long as no lamp moves. When one moves, the head of the list is set anew, but nobody frees the old
 * photons. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tidemark.h"

struct photon {
  double origin[3];
  double power;
  struct photon* next;
};

struct box {
  double low[3], high[3];
  struct box *left, *right;
};

struct tracer {
  struct box* root;
  struct photon* photons;
  int photon_count;
};

static struct tracer tracer;
static double scale = 1, seconds = 0.8;
static uint32_t seed = 20077;

static double random_unit(void) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) / 16777216.0;
}

static struct box* build(int primitives) {
  struct box* box = malloc(sizeof *box);
  for (int axis = 0; axis < 3; axis++) {
    box->low[axis] = random_unit();
    box->high[axis] = box->low[axis] + random_unit();
  }
  int left = (int)(primitives * (0.3 + 0.4 * random_unit()));
  box->left = primitives > 2 ? build(left) : NULL;
  box->right = primitives > 2 ? build(primitives - left) : NULL;
  return box;
}

static int hit(const struct box* box, double x) {
  int boxes = 0;
  while (box && x < box->high[0]) {
    box = x < (box->low[0] + box->high[0]) / 2 ? box->left : box->right;
    boxes++;
  }
  return boxes;
}

static void throw_photons(void) {
  tracer.photons = NULL;
  tracer.photon_count = (int)((700 + 700 * random_unit()) * scale);
  for (int i = 0; i < tracer.photon_count; i++) {
    struct photon* photon = malloc(sizeof *photon);
    for (int axis = 0; axis < 3; axis++) photon->origin[axis] = random_unit();
    photon->power = 1.0 / tracer.photon_count;
    photon->next = tracer.photons;
    tracer.photons = photon;
  }
}

static double render_tile(int width) {
  double* pixels = malloc((size_t)width * sizeof *pixels);
  double sum = 0;
  for (int x = 0; x < width; x++) {
    pixels[x] = hit(tracer.root, random_unit());
    if (x % 64 == 0 && tracer.photons) pixels[x] += sqrt(tracer.photons->power);
    sum += pixels[x];
  }
  free(pixels);
  return sum;
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  enum { kFrames = 64, kTiles = 60 };
  double sum = 0;
  tracer.root = build((int)(40000 * scale));
  for (int frame = 0; frame < kFrames; frame++) {
    int moved = frame % 4 != 3;
    if (moved) throw_photons();
    for (int tile = 0; tile < kTiles; tile++) sum += render_tile(128 + (int)(512 * random_unit()));
    tidemark_mark("frame");
    struct timespec pause = {(time_t)(seconds / kFrames), 0};
    pause.tv_nsec = (long)((seconds / kFrames - (double)pause.tv_sec) * 1e9);
    nanosleep(&pause, NULL);
  }
  printf("%d frames, %d photons in the last, %.1f\n", kFrames, tracer.photon_count, sum);
  return 0;
}
