// A malloc that may be called in a signal handler wherever it interrupted: one atomic add hands out memory, free only
// remembers. With it handler_anywhere can allocate while the recorder's own hook is what was interrupted.
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA ((size_t)1 << 30)

// Every block is used once, so that an event that is missing or in the wrong order cannot hide behind reuse.
static char arena[ARENA] __attribute__((aligned(4096)));
static _Atomic size_t used;

struct head {
  size_t size, state;
};

static void* allocate(size_t alignment, size_t size) {
  if (alignment < 16) alignment = 16;
  const size_t need = (size + sizeof(struct head) + alignment + 15) & ~(size_t)15;
  const size_t at = need < size ? ARENA : atomic_fetch_add(&used, need);
  if (at + need > ARENA) {
    errno = ENOMEM;
    return NULL;
  }
  const uintptr_t block = ((uintptr_t)arena + at + sizeof(struct head) + alignment - 1) & ~(uintptr_t)(alignment - 1);
  struct head* head = (struct head*)block - 1;
  head->size = size;
  head->state = 1;
  return (void*)block;
}

void* malloc(size_t size) { return allocate(16, size); }
void* calloc(size_t count, size_t size) {
  return size != 0 && count > ARENA / size ? NULL : allocate(16, count * size);  // the arena is zeros
}
void* memalign(size_t alignment, size_t size) { return allocate(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) { return allocate(alignment, size); }
int posix_memalign(void** result, size_t alignment, size_t size) {
  *result = allocate(alignment, size);
  return *result == NULL ? ENOMEM : 0;
}
void free(void* block) {
  if (block == NULL) return;
  struct head* head = (struct head*)block - 1;
  if (head->state != 1) abort();
  head->state = 2;
}
void* realloc(void* old, size_t size) {
  void* block = allocate(16, size);
  if (old == NULL || block == NULL) return block;
  const size_t before = ((struct head*)old - 1)->size;
  memcpy(block, old, before < size ? before : size);
  free(old);
  return block;
}
