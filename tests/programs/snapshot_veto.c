// snapshot_veto: blocks whose pointers are in a file for a while. No word of the process points at them then, and all
// of them look lost in two snapshots; then half of them are found again and freed, and the other half is not. Who has
// seen that cannot be sure of the rest: it may be in a file as well.
// Prints "counts HIDDEN FREED".
#include <stdio.h>

#include "snapshot_common.h"

enum { kBlocks = 1000, kBlock = 120 };

static FILE* file;

static __attribute__((noinline)) void hide(void) {
  for (int i = 0; i < kBlocks; ++i) {
    void* volatile block = malloc(kBlock);
    REQUIRE(block != NULL);
    memset(block, 0x5a, kBlock);
    uint64_t number = ~(uint64_t)(uintptr_t)block;
    REQUIRE(pwrite(fileno(file), &number, sizeof(number), i * 8) == 8);
    block = NULL;
  }
}

static __attribute__((noinline)) void find_half(void) {
  for (int i = 0; i < kBlocks; i += 2) {
    uint64_t number = 0;
    REQUIRE(pread(fileno(file), &number, sizeof(number), i * 8) == 8);
    free((void*)(uintptr_t)~number);
  }
}

static __attribute__((noinline)) void clear_stack(void) {
  volatile char below[32 << 10];
  for (size_t i = 0; i < sizeof(below); ++i) below[i] = 0;
}

int main(void) {
  file = tmpfile();
  REQUIRE(file != NULL);
  hide();
  clear_stack();
  for (int i = 0; i < 2; ++i) {
    tidemark_snapshot();
    usleep(300000);
  }
  find_half();
  clear_stack();
  fclose(file);
  printf("counts %d %d\n", kBlocks, kBlocks / 2);
  return verdict();
}
