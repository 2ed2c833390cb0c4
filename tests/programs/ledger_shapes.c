/* Memory of known shapes, for the ledger of the resident set: SHAPE [FILE]. Prints "counts RSS BYTES": its resident set
 * as smaps_rollup has it, and how many bytes of the shape's kind it has touched; takes a snapshot at that moment, and
 * ends.
 *
 * full, free, pinned, half: 200,000 blocks of 16 to 415 bytes, of which all, only the last, each hundredth, each second
 *   are kept
 * large: 48 blocks of 1 MiB, each second kept
 * untouched: 64 MiB allocated, 8 MiB of them touched
 * threads: four threads with 50,000 blocks each, which end; each hundredth block is kept
 * stacks: six threads that have touched 1 MiB of stack and are still there
 * mapped, shared, memory_file: 24 MiB mapped by the program, private and shared, and through memfd_create
 * file: FILE mapped and read
 * forked: as full, freed in a forked child, which allocates as much again and keeps it
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tidemark.h"

enum { kBlocks = 200000, kLarge = 48, kThreads = 6, kArenaThreads = 4 };
#define MIB ((size_t)1 << 20)

static void** blocks;
static pthread_barrier_t touched;

static unsigned long long resident(void) {
  char text[256] = {0};
  const int fd = open("/proc/self/smaps_rollup", O_RDONLY);
  /* The first line is the address range, the second is "Rss:   123 kB". */
  if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) exit(2);
  close(fd);
  const char* const line = strstr(text, "Rss:");
  return line == NULL ? 0 : strtoull(line + 4, NULL, 10) << 10;
}

static void* touched_block(size_t size) {
  void* const block = malloc(size);
  if (block == NULL) exit(3);
  memset(block, 1, size);
  return block;
}

/* Blocks first to last - 1; every `keep`-th stays (0: only the last one). Returns the bytes that stay. */
static size_t fill(size_t first, size_t last, size_t keep) {
  uint32_t seed = (uint32_t)first + 1;
  size_t kept = 0;
  for (size_t i = first; i < last; ++i) {
    seed = seed * 1103515245 + 12345;
    const size_t size = 16 + (seed >> 16) % 400;
    blocks[i] = touched_block(size);
    if (keep == 0 ? i + 1 == last : i % keep == 0) kept += size;
  }
  for (size_t i = first; i < last; ++i) {
    if (keep == 0 ? i + 1 == last : i % keep == 0) continue;
    free(blocks[i]);
    blocks[i] = NULL;
  }
  return kept;
}

static void* fill_in_thread(void* argument) {
  const size_t share = kBlocks / kArenaThreads;
  const size_t first = (size_t)(uintptr_t)argument * share;
  return (void*)fill(first, first + share, 100);
}

static size_t large(void) {
  for (size_t i = 0; i < kLarge; ++i) blocks[i] = touched_block(MIB);
  for (size_t i = 1; i < kLarge; i += 2) free(blocks[i]), blocks[i] = NULL;
  return kLarge / 2 * MIB;
}

static size_t untouched(void) {
  blocks[0] = malloc(64 * MIB);
  if (blocks[0] == NULL) exit(3);
  memset(blocks[0], 1, 8 * MIB);
  return 8 * MIB;
}

static size_t threads(void) {
  pthread_t all[kArenaThreads];
  size_t kept = 0;
  for (uintptr_t i = 0; i < kArenaThreads; ++i) pthread_create(&all[i], NULL, fill_in_thread, (void*)i);
  for (size_t i = 0; i < kArenaThreads; ++i) {
    void* result = NULL;
    pthread_join(all[i], &result);
    kept += (size_t)(uintptr_t)result;
  }
  return kept;
}

static void* use_stack(void* unused) {
  char frame[MIB];
  memset(frame, 1, sizeof(frame));
  __asm__ volatile("" : : "r"(frame) : "memory");
  pthread_barrier_wait(&touched);
  for (;;) pause();
  return unused;
}

static size_t stacks(void) {
  pthread_barrier_init(&touched, NULL, kThreads + 1);
  for (int i = 0; i < kThreads; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, use_stack, NULL);
  }
  pthread_barrier_wait(&touched);
  return kThreads * MIB;
}

static size_t map(int flags, int fd, size_t bytes, int touch) {
  char* const memory = mmap(NULL, bytes, PROT_READ | (touch ? PROT_WRITE : 0), flags, fd, 0);
  if (memory == MAP_FAILED) exit(4);
  if (touch) memset(memory, 1, bytes);
  for (size_t i = 0; i < bytes; i += 4096) (void)*(volatile char*)(memory + i);
  return bytes;
}

static size_t map_file(const char* path) {
  struct stat status;
  const int fd = open(path, O_RDONLY);
  if (fd < 0 || fstat(fd, &status) != 0) exit(4);
  return map(MAP_PRIVATE | MAP_POPULATE, fd, (size_t)status.st_size, 0);
}

static size_t map_memory_file(void) {
  const int fd = memfd_create("memory", 0);
  if (fd < 0 || ftruncate(fd, 24 * MIB) != 0) exit(4);
  return map(MAP_SHARED, fd, 24 * MIB, 1);
}

static size_t make(const char* shape, const char* file) {
  if (strcmp(shape, "full") == 0) return fill(0, kBlocks, 1);
  if (strcmp(shape, "free") == 0) return fill(0, kBlocks, 0);
  if (strcmp(shape, "pinned") == 0) return fill(0, kBlocks, 100);
  if (strcmp(shape, "half") == 0) return fill(0, kBlocks, 2);
  if (strcmp(shape, "large") == 0) return large();
  if (strcmp(shape, "untouched") == 0) return untouched();
  if (strcmp(shape, "threads") == 0) return threads();
  if (strcmp(shape, "stacks") == 0) return stacks();
  if (strcmp(shape, "mapped") == 0) return map(MAP_PRIVATE | MAP_ANONYMOUS, -1, 24 * MIB, 1);
  if (strcmp(shape, "shared") == 0) return map(MAP_SHARED | MAP_ANONYMOUS, -1, 24 * MIB, 1);
  if (strcmp(shape, "memory_file") == 0) return map_memory_file();
  if (strcmp(shape, "file") == 0 && file != NULL) return map_file(file);
  exit(1);
}

static void show(size_t bytes) {
  const unsigned long long rss = resident();
  tidemark_snapshot();
  printf("counts %llu %zu\n", rss, bytes);
  fflush(stdout);
}

int main(int count, char** arguments) {
  if (count < 2) return 1;
  blocks = calloc(2 * kBlocks, sizeof(*blocks));
  if (blocks == NULL) return 3;
  if (strcmp(arguments[1], "forked") != 0) {
    show(make(arguments[1], count > 2 ? arguments[2] : NULL));
    return 0;
  }
  fill(0, kBlocks, 1);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    for (size_t i = 0; i < kBlocks; i += 2) free(blocks[i]);
    show(fill(kBlocks, 2 * kBlocks, 1));
    return 0;
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 9;
}
