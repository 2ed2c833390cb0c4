// A log shipper: lines are formatted into chunks, the chunks wait in a queue, and the queue is sent off when it has
// become long enough.
//
// Nothing waits longer than one filling of the queue. The chunks are mapped one by one, so that their pages go back at
// once. The run ends with a queue just sent.
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kChunkBytes = 200 << 10, kRounds = 70, kRoundsPerShipment = 10 };

struct chunk {
  struct chunk* next;
  size_t used;
  char bytes[];
};

static struct chunk *first, *last;
static unsigned long shipped;

static struct chunk* room_for(size_t length) {
  if (last != NULL && last->used + length <= kChunkBytes) return last;
  struct chunk* fresh = malloc(sizeof *fresh + kChunkBytes);
  if (fresh == NULL) abort();
  fresh->next = NULL;
  fresh->used = 0;
  if (last != NULL) last->next = fresh;
  if (first == NULL) first = fresh;
  return last = fresh;
}

static void log_line(unsigned number) {
  char* line = malloc(256);
  if (line == NULL) abort();
  const int length = snprintf(line, 256, "%010u worker %u has finished the request of %u bytes for /path/%u/%u\n",
                              number, number % 31, number * 7919u % 99991, number % 211, number % 17);
  struct chunk* target = room_for((size_t)length);
  memcpy(target->bytes + target->used, line, (size_t)length);
  target->used += (size_t)length;
  free(line);
}

static void ship(void) {
  while (first != NULL) {
    struct chunk* next = first->next;
    for (size_t i = 0; i < first->used; i += 64) shipped += (unsigned char)first->bytes[i];
    free(first);
    first = next;
  }
  last = NULL;
}

int main(int argc, char** argv) {
  double scale = 1, seconds = 0.6;
  for (int i = 1; i + 1 < argc; i += 2) *(strcmp(argv[i], "--scale") == 0 ? &scale : &seconds) = atof(argv[i + 1]);
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  const struct timespec pause = {0, (long)(seconds / kRounds * 1e9)};
  const unsigned lines = (unsigned)(12000 * scale);
  for (unsigned round = 0; round < kRounds; ++round) {
    for (unsigned i = 0; i < lines; ++i) log_line(round * lines + i);
    if (round % kRoundsPerShipment == kRoundsPerShipment - 1) ship();
    nanosleep(&pause, NULL);
  }
  printf("shipped %lu\n", shipped);
  return 0;
}
