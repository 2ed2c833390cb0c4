// The exported allocation functions of C. Each passes on to the definition behind it, which alone decides what the
// program gets, and records what was done; nothing else.
#include <errno.h>

#include <cstring>

#include "preload/export.h"
#include "preload/next_functions.h"
#include "preload/recorder.h"

using tidemark::Caller;
using tidemark::next;

namespace tidemark {
namespace {

// Everything off the common path: nothing is known yet, a forked child's first event, recording is off.
// Returns whether the event is to be recorded.
[[gnu::noinline, gnu::cold]] bool slow_entry() noexcept {
  if (next.malloc == nullptr) find_next_functions();
  begin_recording();
  if (recording()) return true;
  if (globals.phase.load(std::memory_order_relaxed) == Phase::kOff) trace_output.count(trace::Lost::kEventsAfterStop);
  return false;
}

// Off the common path, and before the block exists: after it the process records if it is to.
inline void prepare() noexcept {
  if (!recording()) [[unlikely]]
    slow_entry();
}

// dlsym is looking for the allocator in this very call.
inline bool bootstrapping() noexcept { return next.malloc == nullptr; }

void* reallocate(const Caller& caller, void* old_block, size_t size) noexcept {
  prepare();
  if (bootstrap::owns(old_block)) [[unlikely]] {
    // It never came from the real allocator: a new block takes its place.
    void* block = bootstrapping() ? bootstrap::allocate(size) : next.malloc(size);
    if (block == nullptr) return nullptr;
    const size_t old_size = bootstrap::size_of(old_block);
    std::memcpy(block, old_block, old_size < size ? old_size : size);
    if (!bootstrapping() && recording()) record_alloc(caller, block, size);
    return block;
  }
  if (bootstrapping()) return old_block == nullptr ? bootstrap::allocate(size) : nullptr;
  if (!recording()) return next.realloc(old_block, size);
  if (old_block != nullptr && size == 0) {
    // A free; allocators differ in whether they give a new block.
    record_free(caller, old_block);
    void* const block = next.realloc(old_block, size);
    if (block != nullptr) record_alloc(caller, block, size);
    return block;
  }
  const uint64_t before = realloc_begins();
  const NestedAllocation nested;
  void* const block = next.realloc(old_block, size);
  if (block == nullptr || nested.recorded(block)) return block;
  if (old_block == nullptr)
    record_alloc(caller, block, size);
  else
    record_realloc(caller, before, old_block, block, size);
  return block;
}

}  // namespace
}  // namespace tidemark

using namespace tidemark;

TIDEMARK_EXPORT void* malloc(size_t size) {
  if (!recording()) [[unlikely]] {
    slow_entry();
    if (bootstrapping()) return bootstrap::allocate(size);
  }
  void* block = next.malloc(size);
  if (block != nullptr && recording()) [[likely]]
    record_alloc(TIDEMARK_CALLER(), block, size);
  return block;
}

TIDEMARK_EXPORT void free(void* block) {
  if (block == nullptr || bootstrap::owns(block)) [[unlikely]]
    return;
  prepare();
  if (recording()) [[likely]]
    record_free(TIDEMARK_CALLER(), block);
  next.free(block);
}

TIDEMARK_EXPORT void* calloc(size_t count, size_t size) {
  if (!recording()) [[unlikely]] {
    slow_entry();
    if (bootstrapping()) return bootstrap::allocate(count * size);  // the arena is zeros, and dlsym's sizes are small
  }
  const NestedAllocation nested;
  void* block = next.calloc(count, size);
  if (block != nullptr && recording() && !nested.recorded(block)) [[likely]]
    record_alloc(TIDEMARK_CALLER(), block, count * size);
  return block;
}

TIDEMARK_EXPORT void* realloc(void* block, size_t size) { return reallocate(TIDEMARK_CALLER(), block, size); }

// glibc's ends in the program's realloc, which is recorded; an allocator's own may not.
TIDEMARK_EXPORT void* reallocarray(void* block, size_t count, size_t size) {
  prepare();
  const Caller caller = TIDEMARK_CALLER();
  if (next.reallocarray == nullptr || bootstrap::owns(block)) {
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes)) return reallocate(caller, block, bytes);
    errno = ENOMEM;
    return nullptr;
  }
  const uint64_t before = realloc_begins();
  const NestedAllocation nested;
  void* const moved = next.reallocarray(block, count, size);
  if (moved == nullptr || !recording() || nested.recorded(moved)) return moved;
  if (block == nullptr)
    record_alloc(caller, moved, count * size);
  else
    record_realloc(caller, before, block, moved, count * size);
  return moved;
}

TIDEMARK_EXPORT int posix_memalign(void** result, size_t alignment, size_t size) {
  prepare();
  if (bootstrapping()) return ENOMEM;
  const NestedAllocation nested;
  const int error = next.posix_memalign(result, alignment, size);
  if (error == 0 && *result != nullptr && recording() && !nested.recorded(*result))
    record_alloc(TIDEMARK_CALLER(), *result, size);
  return error;
}

TIDEMARK_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  prepare();
  if (bootstrapping()) return bootstrap::allocate(size, alignment);
  const NestedAllocation nested;
  void* block = next.aligned_alloc(alignment, size);
  if (block != nullptr && recording() && !nested.recorded(block)) record_alloc(TIDEMARK_CALLER(), block, size);
  return block;
}

TIDEMARK_EXPORT void* memalign(size_t alignment, size_t size) {
  prepare();
  if (bootstrapping()) return bootstrap::allocate(size, alignment);
  const NestedAllocation nested;
  void* block = next.memalign(alignment, size);
  if (block != nullptr && recording() && !nested.recorded(block)) record_alloc(TIDEMARK_CALLER(), block, size);
  return block;
}

TIDEMARK_EXPORT void* valloc(size_t size) {
  prepare();
  if (bootstrapping()) return bootstrap::allocate(size, 4096);
  const NestedAllocation nested;
  void* block = next.valloc(size);
  if (block != nullptr && recording() && !nested.recorded(block)) record_alloc(TIDEMARK_CALLER(), block, size);
  return block;
}

TIDEMARK_EXPORT void* pvalloc(size_t size) {
  prepare();
  if (bootstrapping()) return bootstrap::allocate(size, 4096);
  const NestedAllocation nested;
  void* block = next.pvalloc(size);
  if (block != nullptr && recording() && !nested.recorded(block)) record_alloc(TIDEMARK_CALLER(), block, size);
  return block;
}

TIDEMARK_EXPORT size_t malloc_usable_size(void* block) {
  if (bootstrap::owns(block)) return bootstrap::size_of(block);
  need_next_functions();
  return next.malloc_usable_size == nullptr ? 0 : next.malloc_usable_size(block);
}

// C23; a C library that lacks them has programs that do not call them.
TIDEMARK_EXPORT void free_sized(void* block, size_t size) {
  if (block == nullptr || bootstrap::owns(block)) return;
  prepare();
  if (recording()) record_free(TIDEMARK_CALLER(), block);
  if (next.free_sized != nullptr)
    next.free_sized(block, size);
  else
    next.free(block);
}

TIDEMARK_EXPORT void free_aligned_sized(void* block, size_t alignment, size_t size) {
  if (block == nullptr || bootstrap::owns(block)) return;
  prepare();
  if (recording()) record_free(TIDEMARK_CALLER(), block);
  if (next.free_aligned_sized != nullptr)
    next.free_aligned_sized(block, alignment, size);
  else
    next.free(block);
}
