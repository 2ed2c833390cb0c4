// The independent count: a preload that counts, and does nothing else. By design.md's definitions: a call that returns
// a block is one allocation; a realloc that moves or resizes a block is one allocation and one free, realloc(p, 0) a
// free; free(nullptr) is nothing; an operator new is one allocation whether or not malloc stands behind it.
//
// Where one function calls another through the dynamic linker (reallocarray and realloc, operator new and malloc), only
// the inner one counts: every hook looks whether its thread's counter moved meanwhile.
//
// The counters lie in a shared mapping of the file $COUNTING_PRELOAD_FILE (two 64-bit numbers: allocations, frees), so
// that they survive any end of the process. Forked children and exec'd images do not count.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct counters {
  _Atomic uint64_t allocations, frees;
};

static struct counters uncounted;
static struct counters early;  // until the file is there
static struct counters* counters = &early;
static __thread uint64_t thread_allocations __attribute__((tls_model("initial-exec")));
static __thread uint64_t thread_frees __attribute__((tls_model("initial-exec")));

static void allocated(void) {
  ++thread_allocations;
  atomic_fetch_add_explicit(&counters->allocations, 1, memory_order_relaxed);
}

static void freed(void) {
  ++thread_frees;
  atomic_fetch_add_explicit(&counters->frees, 1, memory_order_relaxed);
}

// dlsym may allocate while the first function is looked up.
static char bootstrap[4096] __attribute__((aligned(16)));
static size_t bootstrap_used;
static int looking;

static void* next(void** cache, const char* name) {
  if (*cache == NULL) {
    looking = 1;
    *cache = dlsym(RTLD_NEXT, name);
    if (*cache == NULL) {  // an operator of a plugin's own libstdc++, in a program without one
      void* library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
      if (library != NULL) *cache = dlsym(library, name);
      if (library != NULL) dlclose(library);
    }
    looking = 0;
  }
  return *cache;
}
#define NEXT(name)    \
  static void* cache; \
  __typeof__(&name) real = (__typeof__(&name))(uintptr_t)next(&cache, #name)

// Blocks of the loader's while it looks; never freed.
static void* bootstrap_block(size_t size) {
  void* block = bootstrap + bootstrap_used;
  bootstrap_used += (size + 15) & ~(size_t)15;
  return bootstrap_used <= sizeof(bootstrap) ? block : NULL;
}
static int is_bootstrap(const void* block) { return (uintptr_t)block - (uintptr_t)bootstrap < sizeof(bootstrap); }

static void stop_in_child(void) { counters = &uncounted; }

static void __attribute__((constructor)) start(void) {
  const char* path = getenv("COUNTING_PRELOAD_FILE");
  const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);  // an exec'd image fails
  struct counters* shared = MAP_FAILED;
  if (fd >= 0 && ftruncate(fd, sizeof(*shared)) == 0)
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) close(fd);
  if (shared == MAP_FAILED) shared = &uncounted;
  atomic_store(&shared->allocations, atomic_load(&early.allocations));
  atomic_store(&shared->frees, atomic_load(&early.frees));
  counters = shared;
  pthread_atfork(NULL, NULL, stop_in_child);
  errno = 0;
}

// A call that gives `result` if it succeeds, and counts it unless a call inside it did.
#define COUNT_ALLOCATION(type, result, call)  \
  const uint64_t before = thread_allocations; \
  type result = call;                         \
  if (result != NULL && thread_allocations == before) allocated()

void* malloc(size_t size) {
  if (looking) return bootstrap_block(size);
  NEXT(malloc);
  COUNT_ALLOCATION(void*, block, real(size));
  return block;
}

void* calloc(size_t count, size_t size) {
  if (looking) return bootstrap_block(count * size);
  NEXT(calloc);
  COUNT_ALLOCATION(void*, block, real(count, size));
  return block;
}

void free(void* block) {
  if (block == NULL || is_bootstrap(block)) return;
  NEXT(free);
  freed();
  real(block);
}

void* realloc(void* old, size_t size) {
  NEXT(realloc);
  COUNT_ALLOCATION(void*, block, real(old, size));
  if (old != NULL && (block != NULL || size == 0)) freed();
  return block;
}

void* reallocarray(void* old, size_t count, size_t size) {
  NEXT(reallocarray);
  const uint64_t frees_before = thread_frees;
  COUNT_ALLOCATION(void*, block, real(old, count, size));
  if (old != NULL && (block != NULL || count * size == 0) && thread_frees == frees_before) freed();
  return block;
}

int posix_memalign(void** result, size_t alignment, size_t size) {
  NEXT(posix_memalign);
  const uint64_t before = thread_allocations;
  const int error = real(result, alignment, size);
  if (error == 0 && *result != NULL && thread_allocations == before) allocated();
  return error;
}

#define COUNTED(name, parameters, ...)                 \
  void* name parameters;                               \
  void* name parameters {                              \
    NEXT(name);                                        \
    COUNT_ALLOCATION(void*, block, real(__VA_ARGS__)); \
    return block;                                      \
  }
COUNTED(aligned_alloc, (size_t alignment, size_t size), alignment, size)
COUNTED(memalign, (size_t alignment, size_t size), alignment, size)
COUNTED(valloc, (size_t size), size)
COUNTED(pvalloc, (size_t size), size)

// The operators of C++, by their mangled names. A program without C++ never calls them.
COUNTED(_Znwm, (size_t size), size)
COUNTED(_Znam, (size_t size), size)
COUNTED(_ZnwmRKSt9nothrow_t, (size_t size, const void* tag), size, tag)
COUNTED(_ZnamRKSt9nothrow_t, (size_t size, const void* tag), size, tag)
COUNTED(_ZnwmSt11align_val_t, (size_t size, size_t alignment), size, alignment)
COUNTED(_ZnamSt11align_val_t, (size_t size, size_t alignment), size, alignment)
COUNTED(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void* tag), size, alignment, tag)
COUNTED(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void* tag), size, alignment, tag)

#define COUNTED_DELETE(name, parameters, ...) \
  void name parameters;                       \
  void name parameters {                      \
    if (block == NULL) return;                \
    NEXT(name);                               \
    const uint64_t before = thread_frees;     \
    real(__VA_ARGS__);                        \
    if (thread_frees == before) freed();      \
  }
COUNTED_DELETE(_ZdlPv, (void* block), block)
COUNTED_DELETE(_ZdaPv, (void* block), block)
COUNTED_DELETE(_ZdlPvm, (void* block, size_t size), block, size)
COUNTED_DELETE(_ZdaPvm, (void* block, size_t size), block, size)
COUNTED_DELETE(_ZdlPvRKSt9nothrow_t, (void* block, const void* tag), block, tag)
COUNTED_DELETE(_ZdaPvRKSt9nothrow_t, (void* block, const void* tag), block, tag)
COUNTED_DELETE(_ZdlPvSt11align_val_t, (void* block, size_t alignment), block, alignment)
COUNTED_DELETE(_ZdaPvSt11align_val_t, (void* block, size_t alignment), block, alignment)
COUNTED_DELETE(_ZdlPvmSt11align_val_t, (void* block, size_t size, size_t alignment), block, size, alignment)
COUNTED_DELETE(_ZdaPvmSt11align_val_t, (void* block, size_t size, size_t alignment), block, size, alignment)
