/* An agent that collects metrics of a growing fleet: each minute more containers come than the minute before, and each
 * has a label set of its own. Label sets are put into an arena of chunks, found by an array that doubles, and are never
 * forgotten, though the containers are gone after a minute. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kChunk = 8192, kMinutes = 64 };

struct chunk {
  struct chunk* next;
  size_t used;
  char bytes[kChunk];
};

struct series {
  const char* labels;
  uint64_t hash;
  double value;
};

static struct chunk* arena;
static struct series* all;
static size_t count, capacity;
static double scale = 1, seconds = 0.9;
static uint32_t seed = 99991;

static uint32_t next_random(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

static char* keep(const char* text, size_t size) {
  if (!arena || arena->used + size > kChunk) {
    struct chunk* chunk = malloc(sizeof *chunk);
    chunk->next = arena;
    chunk->used = 0;
    arena = chunk;
  }
  char* copy = arena->bytes + arena->used;
  memcpy(copy, text, size);
  arena->used += size;
  return copy;
}

static uint64_t hash_of(const char* text) {
  uint64_t hash = 14695981039346656037u;
  for (; *text; text++) hash = (hash ^ (uint8_t)*text) * 1099511628211u;
  return hash;
}

static void observe(const char* labels, double value) {
  if (count == capacity) {
    capacity = capacity ? capacity * 2 : 64;
    all = realloc(all, capacity * sizeof *all);
  }
  all[count].labels = keep(labels, strlen(labels) + 1);
  all[count].hash = hash_of(labels);
  all[count].value = value;
  count++;
}

/* What a container's endpoint answers, parsed into lines. */
static void scrape(int minute, int container) {
  char* answer = malloc(4096);
  size_t length = 0;
  unsigned lines = 8 + next_random() % 8;
  for (unsigned line = 0; line < lines; line++) {
    unsigned zone = next_random() % 3;
    length += (size_t)snprintf(answer + length, 4096 - length,
                               "http_requests{container=\"c%d-%d\",path=\"/v1/resource/%u\",zone=\"%u\"} %u\n", minute,
                               container, line, zone, next_random());
  }
  for (char* line = answer; *line;) {
    char* end = strchr(line, '\n');
    *end = 0;
    char* space = strrchr(line, ' ');
    *space = 0;
    observe(line, atof(space + 1));
    line = end + 1;
  }
  free(answer);
}

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--scale") == 0) scale = atof(argv[i + 1]);
    if (strcmp(argv[i], "--seconds") == 0) seconds = atof(argv[i + 1]);
  }
  for (int minute = 0; minute < kMinutes; minute++) {
    int containers = (int)((10 + minute * 0.8) * scale);
    for (int container = 0; container < containers; container++) scrape(minute, container);
    double pause = seconds / kMinutes;
    struct timespec time = {(time_t)pause, (long)((pause - (double)(time_t)pause) * 1e9)};
    nanosleep(&time, NULL);
  }
  uint64_t hashes = 0;
  for (size_t i = 0; i < count; i++) hashes ^= all[i].hash;
  printf("%zu series, %llx\n", count, (unsigned long long)hashes);
  exit(0);
}
