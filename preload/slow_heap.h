// The recorder's own heap for what is neither hot nor large: a private mimalloc, built in and hidden. Never the
// program's malloc, which would come back to our hooks.
//
// mimalloc reserves address space by 32 MiB; where the program's is limited (RLIMIT_AS), each block is a mapping of its
// own.
#pragma once

#include <mimalloc.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "preload/own_memory.h"
#include "system/syscalls_linux.h"

namespace tidemark::slow_heap {

// Decided at the first use, once for all, so that release() knows where a block came from.
inline bool by_mapping() noexcept {
  static constinit std::atomic<int> decided{0};
  int way = decided.load(std::memory_order_relaxed);
  if (way == 0) {
    struct rlimit limit = {};
    way = sys::get_limit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY ? 1 : 2;
    int none = 0;
    if (!decided.compare_exchange_strong(none, way, std::memory_order_relaxed)) way = none;
  }
  return way == 1;
}

inline void* allocate(size_t bytes) noexcept {
  if (!by_mapping()) return mi_malloc(bytes);
  auto* block = static_cast<size_t*>(map_own(bytes + 16));
  if (block == nullptr) return nullptr;
  *block = bytes + 16;
  return block + 2;
}

inline void release(void* block) noexcept {
  if (!by_mapping()) return mi_free(block);
  size_t* const start = static_cast<size_t*>(block) - 2;
  sys::munmap(start, *start);
}

// nullptr without memory; `block` then stays. `old_bytes` of it are kept.
inline void* grow(void* block, size_t old_bytes, size_t bytes) noexcept {
  void* larger = allocate(bytes);
  if (larger == nullptr) return nullptr;
  if (block != nullptr) {
    std::memcpy(larger, block, old_bytes);
    release(block);
  }
  return larger;
}

}  // namespace tidemark::slow_heap
