// recursion DEPTH [BLOCKS]: calls itself DEPTH deep and allocates there. The bottom function and main are frames, too;
// the blocks stay allocated, so that the report shows their stack. Prints the depth.
#include <stdio.h>
#include <stdlib.h>

static __attribute__((noinline)) int bottom(int blocks) {
  int made = 0;
  for (int i = 0; i < blocks; ++i) {
    void* volatile block = malloc(1000);
    made += block != NULL;
  }
  return made;
}

static __attribute__((noinline)) int descend(int depth, int blocks) {
  const int made = depth <= 1 ? bottom(blocks) : descend(depth - 1, blocks);
  __asm__ volatile("" ::: "memory");
  return made;
}

int main(int argument_count, char** arguments) {
  const int depth = argument_count > 1 ? atoi(arguments[1]) : 100;
  const int blocks = argument_count > 2 ? atoi(arguments[2]) : 10;
  printf("%d blocks at depth %d\n", descend(depth, blocks), depth);
  return 0;
}
