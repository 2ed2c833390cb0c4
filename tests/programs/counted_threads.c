// counted_threads COUNTS_FILE [forks]: four threads that allocate and free for ever and count, in a shared file, every
// call after it has returned; to be killed at any moment. What was counted happened, so a trace must have it.
// With `forks` a fifth thread forks children all the time that allocate a little and end.
//
// The file: per thread two 64-bit numbers (allocations, frees), a cache line apart; then the threads' kernel ids.
// A free or a failed count never precedes its call, so that counts are at most what happened.
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define SLOTS 512

struct line {
  _Atomic uint64_t allocations, frees, tid;
  uint64_t rest[5];
};

static struct line* lines;
// Blocks pass from thread to thread through here.
static _Atomic(void*) exchange[64];

static uint32_t next_random(uint32_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

static void count(_Atomic uint64_t* counter) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_release);
}

static __attribute__((noinline)) void* get(struct line* line, uint32_t random) {
  void* block = (random & 64) != 0 ? calloc(1, random % 900 + 1) : malloc(random % 900 + 1);
  count(&line->allocations);
  return block;
}

static __attribute__((noinline)) void put(struct line* line, void* block) {
  if (block == NULL) return;
  free(block);
  count(&line->frees);
}

static __attribute__((noinline)) void step(struct line* line, void** slots, uint32_t random, int depth) {
  if (depth > 0) {
    step(line, slots, random, depth - 1);
    __asm__ volatile("" ::: "memory");
    return;
  }
  void** slot = &slots[random % SLOTS];
  if (random % 7 == 0) {
    put(line, atomic_exchange(&exchange[random / 7 % 64], get(line, random)));
  } else if (random % 11 == 0 && *slot != NULL) {
    *slot = realloc(*slot, random % 2000 + 1);  // one of each
    count(&line->allocations);
    count(&line->frees);
  } else if (*slot == NULL) {
    *slot = get(line, random);
  } else {
    put(line, *slot);
    *slot = NULL;
  }
}

static void* work(void* data) {
  struct line* line = data;
  uint32_t random = (uint32_t)(line - lines) * 7919 + 12345;
  void* slots[SLOTS];
  memset(slots, 0, sizeof(slots));
  atomic_store(&line->tid, (uint64_t)gettid());
  for (;;) {
    const uint32_t now = next_random(&random);
    step(line, slots, now, (int)(now >> 28));
  }
  return NULL;
}

static void* fork_all_the_time(void* data) {
  (void)data;
  for (;;) {
    const pid_t pid = fork();
    if (pid == 0) {
      free(malloc(100));
      _exit(0);
    }
    if (pid > 0) waitpid(pid, NULL, 0);
  }
  return NULL;
}

int main(int argument_count, char** arguments) {
  if (argument_count < 2) return 2;
  const int fd = open(arguments[1], O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, 4096) != 0) return 2;
  lines = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (lines == MAP_FAILED) return 2;
  pthread_t thread;
  for (int i = 0; i < THREADS; ++i)
    if (pthread_create(&thread, NULL, work, &lines[i]) != 0) return 2;
  if (argument_count > 2 && pthread_create(&thread, NULL, fork_all_the_time, NULL) != 0) return 2;
  pause();
  return 0;
}
