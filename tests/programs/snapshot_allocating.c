// snapshot_allocating [SECONDS]: threads that are in malloc, realloc and free all the time, so that whoever stops them
// mostly finds one of them with the allocator's lock. Each holds its blocks in its own frame, and each block knows the
// next: none is lost at any moment. Main takes snapshots, allocates itself, and returns while the threads go on.
#include <pthread.h>

#include "snapshot_common.h"

enum { kThreads = 4, kSlots = 256 };

static _Atomic long rounds[kThreads];

static void* allocate(void* argument) {
  void* volatile slots[kSlots] = {NULL};
  uint32_t random = 12345 + (uint32_t)(uintptr_t)argument;
  _Atomic long* round = argument;
  for (;;) {
    random = random * 1664525 + 1013904223;
    const unsigned slot = random >> 8 & (kSlots - 1);
    const size_t size = (random >> 16 & 1023) + sizeof(void*);
    if ((random & 7) == 0 && slots[slot] != NULL) {
      void* inner = *(void**)slots[slot];
      free(inner);
      *(void**)slots[slot] = NULL;
      void* moved = realloc(slots[slot], size);
      REQUIRE(moved != NULL);
      slots[slot] = moved;
    } else {
      if (slots[slot] != NULL) free(*(void**)slots[slot]);
      free(slots[slot]);
      slots[slot] = NULL;
      void** made = malloc(size);
      REQUIRE(made != NULL);
      *made = NULL;
      slots[slot] = made;
      *made = malloc(size);
    }
    atomic_fetch_add(round, 1);
  }
  return NULL;
}

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? atof(argv[1]) : 1;
  for (int i = 0; i < kThreads; ++i) {
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, allocate, (void*)&rounds[i]) == 0);
  }
  for (const double end = seconds_now() + seconds; seconds_now() < end; usleep(20000)) {
    const double before = seconds_now();
    tidemark_snapshot();
    EXPECT(seconds_now() - before < 10, "a snapshot took %.1f s", seconds_now() - before);
    free(malloc(1000));
  }
  for (int i = 0; i < kThreads; ++i) EXPECT(atomic_load(&rounds[i]) > 100, "thread %d did little", i);
  return verdict();
}
