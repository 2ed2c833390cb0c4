/* A renderer of thumbnails. For every folder it starts some threads; each scales its pictures in buffers of its own
 * and frees them before it returns. A small table of the results, of fixed size, is all that is kept. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

typedef struct {
  pthread_t thread;
  unsigned folder, worker;
  unsigned width;
} task;

enum { FOLDERS = 40, WORKERS = 6, HEIGHT = 240 };

static uint32_t checksums[256];
static atomic_ulong pictures;

static uint32_t thumbnail(unsigned id, unsigned width) {
  const size_t size = (size_t)width * HEIGHT;
  uint8_t* pixels = malloc(size);
  uint16_t* rows = malloc(HEIGHT * sizeof *rows);
  char* name = malloc(64);
  if (!pixels || !rows || !name) abort();
  snprintf(name, 64, "thumbnail-%u.png", id);
  for (size_t i = 0; i < size; ++i) pixels[i] = (uint8_t)(i * id >> 3);
  for (unsigned y = 0; y < HEIGHT; ++y) {
    rows[y] = 0;
    for (unsigned x = 0; x < width; ++x) rows[y] = (uint16_t)(rows[y] + pixels[(size_t)y * width + x]);
  }
  uint32_t sum = (uint32_t)strlen(name);
  for (unsigned y = 0; y < HEIGHT; ++y) sum = sum * 31 + rows[y];
  free(name);
  free(rows);
  free(pixels);
  return sum;
}

static void* worker(void* argument) {
  task* t = argument;
  uint32_t sum = 0;
  for (unsigned i = 0; i < 40; ++i) {
    sum ^= thumbnail(t->folder * 1000 + t->worker * 100 + i, t->width);
    atomic_fetch_add(&pictures, 1);
  }
  checksums[(t->folder * 7 + t->worker) % 256] = sum;
  return NULL;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.7;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--scale"))
      scale = atof(argv[i + 1]);
    else if (!strcmp(argv[i], "--seconds"))
      seconds = atof(argv[i + 1]);
  }
  struct timeval before, after;
  gettimeofday(&before, NULL);
  for (unsigned folder = 0; folder < FOLDERS; ++folder) {
    task* tasks = calloc(WORKERS, sizeof *tasks);
    if (!tasks) abort();
    for (unsigned i = 0; i < WORKERS; ++i) {
      tasks[i].folder = folder;
      tasks[i].worker = i;
      tasks[i].width = (unsigned)(240 * scale);
      if (pthread_create(&tasks[i].thread, NULL, worker, &tasks[i]) != 0) abort();
    }
    for (unsigned i = 0; i < WORKERS; ++i) pthread_join(tasks[i].thread, NULL);
    free(tasks);
    usleep((useconds_t)(seconds * 1e6 / FOLDERS));
  }
  gettimeofday(&after, NULL);
  uint32_t sum = 0;
  for (int i = 0; i < 256; ++i) sum ^= checksums[i];
  fprintf(stderr, "%lu pictures in %ld s\n", (unsigned long)pictures, (long)(after.tv_sec - before.tv_sec));
  return sum == 12345;
}
