// Plants a leak in a healthy program: a preload that drops the frees of one allocation site.
//
// It stands before the recorder (`LD_PRELOAD=libdrop_frees.so tidemark run ...` keeps that order), which then never
// sees the frees: to it the program is one that forgot them. A site is the kSiteFrames innermost frames of an
// allocation, as (module's file name, offset of the call) pairs, so that it has the same key in every run whatever the
// addresses are; several frames, because the innermost ones of most programs are wrappers that allocate for all.
//
//   DROP_FREES_OUTPUT=FILE   writes at the end what each site did, as JSON; %p is the process id
//   DROP_FREES_SITE=KEY      free of a block that was born at this site does nothing. realloc stays what it is, and
//   makes
//                            a block of the site that calls it.
//
// Time is counted in allocations, so that a deterministic program gives the same survey on every machine.
//
// Nothing here may keep a dropped block reachable: the table of blocks is a mapping that a snapshot scans, so addresses
// stand in it multiplied by an odd number. It allocates by mmap alone. One lock guards all; fork takes it. Needs glibc
// 2.35 for _dl_find_object, by which neither unwinding nor naming a frame takes the loader's lock.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include "json_text.h"

enum {
  kSiteFrames = 6,
  kOwnFrames = 8,  // of this library and the recorder, at most, among them
  kBins = 64,      // births along the run
  kLifetimes = 40,
  kMaxSites = 1 << 16,
  kMaxStacks = 1 << 18,  // by addresses; a module that is loaded twice has its sites twice here
  kNoSite = kMaxSites,
};

struct frame {
  char module[64];
  uint64_t offset;    // of the call, in its module
  uint64_t function;  // offset of the function that it is in, by its unwind information
};

struct site {
  uint64_t key;
  struct frame frames[kSiteFrames];
  unsigned frame_count;
  uint64_t allocations, bytes;
  uint64_t frees, freed_bytes;  // by free and delete; realloc moves a block on, and is none
  uint64_t live_bytes, peak_bytes;
  uint64_t births[kBins];          // bytes, by the bin of the allocation clock
  uint64_t lifetimes[kLifetimes];  // freed blocks, by the logarithm of their age in allocations
};

struct stack {
  uint64_t hash;  // of the addresses; 0: an empty slot
  uint32_t site;
};

struct block {
  uint64_t name;  // hidden_name of the address; 0: an empty slot
  uint64_t size;
  uint64_t birth;
  uint32_t site;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int started;
static const char* output;
static uint64_t dropped_key;
static int dropping;

static struct site* sites;
static uint32_t site_count;
static struct stack* stacks;
static uint32_t stack_count;
static struct block* blocks;
static uint64_t block_slots, block_count;  // slots: a power of two

static uint64_t now;  // allocations so far
static unsigned bin_shift = 10;
static uint64_t live_bytes, peak_bytes, dropped_blocks, dropped_bytes;

// Code that is no part of a stack: this library's, and the recorder's, which calls main. Without the latter a stack
// that reaches main would be another one in a survey without the recorder.
struct range {
  uintptr_t begin, end;
};
static struct range own, recorder;
static char program_name[64];

// Calls that come from within this library's own calls belong to those.
static __thread int inside __attribute__((tls_model("initial-exec")));

static void* map(size_t size) {
  void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

// --- Blocks: address -> site, open addressing with backward shift deletion ---

static uint64_t hidden_name(const void* address) { return (uint64_t)(uintptr_t)address * 0x9e3779b97f4a7c15; }
static uint64_t home_of(uint64_t name) { return (name >> 20) & (block_slots - 1); }

static void put(struct block block) {
  uint64_t slot = home_of(block.name);
  while (blocks[slot].name != 0 && blocks[slot].name != block.name) slot = (slot + 1) & (block_slots - 1);
  block_count += blocks[slot].name == 0;
  blocks[slot] = block;
}

// Doubles the table; false: no memory, and the block stays unknown.
static int grow(void) {
  struct block* old = blocks;
  const uint64_t old_slots = block_slots;
  const uint64_t slots = old == NULL ? 1 << 16 : old_slots * 2;
  struct block* larger = map(slots * sizeof(struct block));
  if (larger == NULL) return 0;
  blocks = larger;
  block_slots = slots;
  block_count = 0;
  for (uint64_t slot = 0; slot < old_slots; ++slot)
    if (old[slot].name != 0) put(old[slot]);
  if (old != NULL) munmap(old, old_slots * sizeof(struct block));
  return 1;
}

static void insert(struct block block) {
  if (block_count * 3 >= block_slots * 2 && !grow()) return;
  put(block);
}

// Takes a block out of the table; name 0: it was not there.
static struct block take(const void* address) {
  struct block none = {0, 0, 0, kNoSite};
  if (blocks == NULL) return none;
  const uint64_t name = hidden_name(address);
  const uint64_t mask = block_slots - 1;
  uint64_t slot = home_of(name);
  while (blocks[slot].name != name) {
    if (blocks[slot].name == 0) return none;
    slot = (slot + 1) & mask;
  }
  const struct block found = blocks[slot];
  --block_count;
  for (uint64_t next = (slot + 1) & mask; blocks[next].name != 0; next = (next + 1) & mask) {
    const uint64_t home = home_of(blocks[next].name);
    if (((next - home) & mask) < ((next - slot) & mask)) continue;  // it would stand before its home
    blocks[slot] = blocks[next];
    slot = next;
  }
  blocks[slot].name = 0;
  return found;
}

// --- Sites ---

struct trail {
  uintptr_t calls[kSiteFrames];
  unsigned count, seen;
};

static int is_in(struct range range, uintptr_t address) { return address - range.begin < range.end - range.begin; }

static _Unwind_Reason_Code on_frame(struct _Unwind_Context* context, void* argument) {
  struct trail* trail = argument;
  int before = 0;
  const uintptr_t address = (uintptr_t)_Unwind_GetIPInfo(context, &before);
  if (address == 0 || ++trail->seen > kSiteFrames + kOwnFrames) return _URC_END_OF_STACK;
  const uintptr_t call = before ? address : address - 1;
  if (is_in(own, call) || is_in(recorder, call)) return _URC_NO_REASON;
  trail->calls[trail->count++] = call;
  return trail->count == kSiteFrames ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0xff51afd7ed558ccd;
  return hash ^ (hash >> 32);
}

static void copy_name(char* to, const char* path) {
  const char* slash = strrchr(path, '/');
  const char* name = slash == NULL ? path : slash + 1;
  const size_t length = strnlen(name, sizeof(((struct frame*)0)->module) - 1);
  memcpy(to, name, length);
  to[length] = 0;
}

static void name_frame(uintptr_t call, struct frame* frame) {
  struct dl_find_object found;
  if (_dl_find_object((void*)call, &found) != 0) {
    copy_name(frame->module, "?");
    return;
  }
  const struct link_map* module = found.dlfo_link_map;
  copy_name(frame->module, module->l_name[0] == 0 ? program_name : module->l_name);
  frame->offset = call - module->l_addr;
  const uintptr_t function = (uintptr_t)_Unwind_FindEnclosingFunction((void*)call);
  frame->function = function == 0 ? frame->offset : function - module->l_addr;
}

// The site of a stack that was not seen before.
static uint32_t site_of_new_stack(const struct trail* trail) {
  struct frame frames[kSiteFrames] = {0};
  uint64_t key = 1;
  for (unsigned i = 0; i < trail->count; ++i) {
    name_frame(trail->calls[i], &frames[i]);
    for (const char* name = frames[i].module; *name != 0; ++name) key = mix(key, (unsigned char)*name);
    key = mix(key, frames[i].offset);
  }
  // Only for the first stack of a site: hundreds or thousands in a run.
  for (uint32_t i = 0; i < site_count; ++i)
    if (sites[i].key == key) return i;
  if (site_count == kMaxSites) return kNoSite;
  struct site* site = &sites[site_count];
  site->key = key;
  site->frame_count = trail->count;
  memcpy(site->frames, frames, sizeof(frames));
  return site_count++;
}

static uint32_t site_of(const struct trail* trail) {
  uint64_t hash = 1;
  for (unsigned i = 0; i < trail->count; ++i) hash = mix(hash, trail->calls[i]);
  hash |= 1;
  uint64_t slot = (hash >> 8) & (kMaxStacks - 1);
  while (stacks[slot].hash != 0 && stacks[slot].hash != hash) slot = (slot + 1) & (kMaxStacks - 1);
  if (stacks[slot].hash == hash) return stacks[slot].site;
  if (stack_count >= kMaxStacks / 4 * 3) return kNoSite;
  ++stack_count;
  stacks[slot].site = site_of_new_stack(trail);
  stacks[slot].hash = hash;
  return stacks[slot].site;
}

// --- What happened ---

static void born(void* address, size_t size) {
  struct trail trail = {.count = 0, .seen = 0};
  _Unwind_Backtrace(on_frame, &trail);
  pthread_mutex_lock(&lock);
  const uint32_t number = site_of(&trail);
  const uint64_t birth = now++;
  if (now >> bin_shift >= kBins) {  // twice as much time in a bin
    ++bin_shift;
    for (uint32_t i = 0; i < site_count; ++i)
      for (unsigned bin = 0; bin < kBins; ++bin) {
        const uint64_t both = bin < kBins / 2 ? sites[i].births[bin * 2] + sites[i].births[bin * 2 + 1] : 0;
        sites[i].births[bin] = both;
      }
  }
  live_bytes += size;
  if (live_bytes > peak_bytes) peak_bytes = live_bytes;
  if (number != kNoSite) {
    struct site* site = &sites[number];
    ++site->allocations;
    site->bytes += size;
    site->live_bytes += size;
    if (site->live_bytes > site->peak_bytes) site->peak_bytes = site->live_bytes;
    site->births[birth >> bin_shift] += size;
  }
  insert((struct block){hidden_name(address), size, birth, number});
  pthread_mutex_unlock(&lock);
}

static void gone(const struct block* block) {
  live_bytes -= block->size;
  if (block->site != kNoSite) sites[block->site].live_bytes -= block->size;
}

// The program frees a block; false: the allocator is not to know.
static int died(const void* address) {
  pthread_mutex_lock(&lock);
  const struct block block = take(address);
  int pass_on = 1;
  if (block.name != 0 && block.site != kNoSite) {
    struct site* site = &sites[block.site];
    ++site->frees;
    site->freed_bytes += block.size;
    ++site->lifetimes[64 - __builtin_clzll((now - block.birth) | 1) - 1];
    if (dropping && site->key == dropped_key) {
      ++dropped_blocks;
      dropped_bytes += block.size;
      pass_on = 0;
    }
  }
  if (block.name != 0 && pass_on) gone(&block);
  pthread_mutex_unlock(&lock);
  return pass_on;
}

// --- The result ---

static void add_site(struct text* text, const struct site* site) {
  char key[17] = {0};
  for (int i = 0; i < 16; ++i) key[i] = "0123456789abcdef"[(site->key >> (60 - 4 * i)) & 15];
  add(text, "{\"key\": \"");
  add(text, key);
  add(text, "\", \"frames\": [");
  for (unsigned i = 0; i < site->frame_count; ++i) {
    add(text, i == 0 ? "{" : ", {");
    add_member(text, "function", site->frames[i].function);
    add_member(text, "offset", site->frames[i].offset);
    add(text, "\"module\": \"");
    add(text, site->frames[i].module);
    add(text, "\"}");
  }
  add(text, "], ");
  add_member(text, "allocations", site->allocations);
  add_member(text, "bytes", site->bytes);
  add_member(text, "frees", site->frees);
  add_member(text, "freed_bytes", site->freed_bytes);
  add_member(text, "peak_bytes", site->peak_bytes);
  add_member(text, "live_bytes_at_end", site->live_bytes);
  add_list(text, "births", site->births, kBins);
  add(text, ", ");
  add_list(text, "lifetimes", site->lifetimes, kLifetimes);
  add(text, "}");
}

// $DROP_FREES_OUTPUT with the process id for %p.
static int open_output(void) {
  char path[4096];
  size_t length = 0;
  for (const char* at = output; *at != 0 && length < sizeof(path) - 24; ++at) {
    if (at[0] != '%' || at[1] != 'p') {
      path[length++] = *at;
      continue;
    }
    char digits[24];
    int count = 0;
    for (unsigned id = (unsigned)getpid(); id != 0; id /= 10) digits[count++] = (char)('0' + id % 10);
    while (count > 0) path[length++] = digits[--count];
    ++at;
  }
  path[length] = 0;
  return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static void __attribute__((destructor)) finish(void) {
  if (!started || output == NULL) return;
  struct text text = {.file = open_output(), .used = 0};
  if (text.file < 0) return;
  ++inside;
  pthread_mutex_lock(&lock);
  add(&text, "{");
  add_member(&text, "allocations", now);
  add_member(&text, "peak_bytes", peak_bytes);
  add_member(&text, "dropped_blocks", dropped_blocks);
  add_member(&text, "dropped_bytes", dropped_bytes);
  add_member(&text, "allocations_per_bin", (uint64_t)1 << bin_shift);
  add(&text, "\"sites\": [");
  for (uint32_t i = 0; i < site_count; ++i) {
    add(&text, i == 0 ? "\n" : ",\n");
    add_site(&text, &sites[i]);
  }
  add(&text, "]}\n");
  flush(&text);
  pthread_mutex_unlock(&lock);
  close(text.file);
  --inside;
}

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }

static struct range range_of(const void* code, const char* name) {
  struct dl_find_object found;
  if (code == NULL || _dl_find_object((void*)(uintptr_t)code, &found) != 0) return (struct range){0, 0};
  if (name != NULL && strstr(found.dlfo_link_map->l_name, name) == NULL) return (struct range){0, 0};
  return (struct range){(uintptr_t)found.dlfo_map_start, (uintptr_t)found.dlfo_map_end};
}

static void __attribute__((constructor)) start(void) {
  ++inside;
  const char* site = getenv("DROP_FREES_SITE");
  dropping = site != NULL;
  if (dropping) dropped_key = strtoull(site, NULL, 16);
  output = getenv("DROP_FREES_OUTPUT");
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
  path[length < 0 ? 0 : length] = 0;
  copy_name(program_name, path);
  own = range_of((void*)(uintptr_t)&start, NULL);
  recorder = range_of(dlsym(RTLD_NEXT, "malloc"), "libtidemark_preload");
  sites = map((size_t)kMaxSites * sizeof(struct site));
  stacks = map((size_t)kMaxStacks * sizeof(struct stack));
  if (sites != NULL && stacks != NULL && grow() && own.end != 0)
    started = pthread_atfork(before_fork, after_fork, after_fork) == 0;
  errno = 0;
  --inside;
}

// --- The functions that are preloaded ---

// dlsym may allocate while the first function is looked up.
static char bootstrap[4096] __attribute__((aligned(16)));
static size_t bootstrap_used;
static int looking;

static void* bootstrap_block(size_t size) {
  void* block = bootstrap + bootstrap_used;
  bootstrap_used += (size + 15) & ~(size_t)15;
  return bootstrap_used <= sizeof(bootstrap) ? block : NULL;
}
static int is_bootstrap(const void* block) { return (uintptr_t)block - (uintptr_t)bootstrap < sizeof(bootstrap); }

static void* next(void** cache, const char* name) {
  if (*cache == NULL) {
    looking = 1;
    *cache = dlsym(RTLD_NEXT, name);
    looking = 0;
  }
  return *cache;
}
#define NEXT(name)    \
  static void* cache; \
  __typeof__(&name) real = (__typeof__(&name))(uintptr_t)next(&cache, #name)

// A block that the outermost of our functions returns is the program's. errno is what the allocator left.
static void* returned(void* block, size_t size) {
  if (block != NULL && started && inside == 0) {
    const int error = errno;
    ++inside;
    born(block, size);
    --inside;
    errno = error;
  }
  return block;
}

static int is_dropped(const void* block) {
  if (!started || inside != 0) return 0;
  const int error = errno;
  const int pass_on = died(block);
  errno = error;
  return !pass_on;
}

// While a function runs that others may stand behind. Through cleanup, as a throwing operator new leaves by it, too.
static int* enter(void) {
  ++inside;
  return &inside;
}
static void leave(int** depth) { --**depth; }
#define INSIDE int* entered __attribute__((cleanup(leave), unused)) = enter()

#define ALLOCATING(name, parameters, size, ...) \
  void* name parameters;                        \
  void* name parameters {                       \
    NEXT(name);                                 \
    void* block;                                \
    {                                           \
      INSIDE;                                   \
      block = real(__VA_ARGS__);                \
    }                                           \
    return returned(block, size);               \
  }

void* malloc(size_t size) {
  if (looking) return bootstrap_block(size);
  NEXT(malloc);
  return returned(real(size), size);
}

void* calloc(size_t count, size_t size) {
  if (looking) return bootstrap_block(count * size);
  NEXT(calloc);
  return returned(real(count, size), count * size);
}

void free(void* block) {
  if (block == NULL || is_bootstrap(block)) return;
  NEXT(free);
  if (!is_dropped(block)) real(block);
}

static void* reallocated(void* (*real)(void*, size_t), void* old, size_t size) {
  struct block before = {0, 0, 0, kNoSite};
  if (old != NULL && started && inside == 0) {
    pthread_mutex_lock(&lock);
    before = take(old);
    pthread_mutex_unlock(&lock);
  }
  ++inside;
  void* block = real(old, size);
  --inside;
  if (before.name != 0) {
    pthread_mutex_lock(&lock);
    if (block == NULL && size != 0)
      insert(before);
    else
      gone(&before);
    pthread_mutex_unlock(&lock);
  }
  return returned(block, size);
}

void* realloc(void* old, size_t size) {
  NEXT(realloc);
  return reallocated(real, old, size);
}

void* reallocarray(void* old, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  return realloc(old, bytes);
}

int posix_memalign(void** result, size_t alignment, size_t size) {
  NEXT(posix_memalign);
  const int error = real(result, alignment, size);
  if (error == 0) returned(*result, size);
  return error;
}

ALLOCATING(aligned_alloc, (size_t alignment, size_t size), size, alignment, size)
ALLOCATING(memalign, (size_t alignment, size_t size), size, alignment, size)
ALLOCATING(valloc, (size_t size), size, size)
ALLOCATING(pvalloc, (size_t size), size, size)

// The operators of C++, by their mangled names. A program without C++ never calls them.
ALLOCATING(_Znwm, (size_t size), size, size)
ALLOCATING(_Znam, (size_t size), size, size)
ALLOCATING(_ZnwmRKSt9nothrow_t, (size_t size, const void* tag), size, size, tag)
ALLOCATING(_ZnamRKSt9nothrow_t, (size_t size, const void* tag), size, size, tag)
ALLOCATING(_ZnwmSt11align_val_t, (size_t size, size_t alignment), size, size, alignment)
ALLOCATING(_ZnamSt11align_val_t, (size_t size, size_t alignment), size, size, alignment)

#define FREEING(name, parameters, ...) \
  void name parameters;                \
  void name parameters {               \
    if (block == NULL) return;         \
    NEXT(name);                        \
    if (is_dropped(block)) return;     \
    INSIDE;                            \
    real(__VA_ARGS__);                 \
  }
FREEING(_ZdlPv, (void* block), block)
FREEING(_ZdaPv, (void* block), block)
FREEING(_ZdlPvm, (void* block, size_t size), block, size)
FREEING(_ZdaPvm, (void* block, size_t size), block, size)
FREEING(_ZdlPvRKSt9nothrow_t, (void* block, const void* tag), block, tag)
FREEING(_ZdaPvRKSt9nothrow_t, (void* block, const void* tag), block, tag)
FREEING(_ZdlPvSt11align_val_t, (void* block, size_t alignment), block, alignment)
FREEING(_ZdaPvSt11align_val_t, (void* block, size_t alignment), block, alignment)
FREEING(_ZdlPvmSt11align_val_t, (void* block, size_t size, size_t alignment), block, size, alignment)
FREEING(_ZdaPvmSt11align_val_t, (void* block, size_t size, size_t alignment), block, size, alignment)
