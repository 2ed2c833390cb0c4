// maps: maps, remaps and unmaps memory itself, some of it in pieces, while its allocator maps for itself, too. Prints
// "counts MAPS LIVE_BYTES MALLOCS" of its own calls; blocks and maps that stay are kept to the end.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void* map(size_t size) {
  void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) abort();
  memset(memory, 1, size);
  return memory;
}

int main(void) {
  long maps = 0, live = 0, mallocs = 0;
  void* volatile kept;
  for (int i = 0; i < 100; ++i) {
    munmap(map(65536), 65536);
    ++maps;
    // Above malloc's threshold: a mapping, but the allocator's.
    kept = malloc(1 << 20);
    memset(kept, 1, 1 << 20);
    free(kept);
    ++mallocs;
  }
  // Unmapped from the front, the middle and the back.
  char* pieces = map(10 << 20);
  ++maps;
  munmap(pieces, 1 << 20);
  munmap(pieces + (4 << 20), 1 << 20);
  munmap(pieces + (9 << 20), 1 << 20);
  live += 7 << 20;
  char* moved = map(1 << 20);
  ++maps;
  moved = mremap(moved, 1 << 20, 3 << 20, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) abort();
  live += 3 << 20;
  kept = malloc(2 << 20);
  ++mallocs;
  if (mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) abort();  // fails: nothing to count
  printf("counts %ld %ld %ld\n", maps, live, mallocs);
  return 0;
}
