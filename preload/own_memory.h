// The recorder's own memory: mappings made by raw system calls, in a window of addresses of its own, so that heap
// snapshots (inside or outside of the process) can leave it out by its address alone. What the kernel puts elsewhere,
// because something is in the way, is merely looked through as memory of unknown origin.
//
// The window lies where neither programs, libraries, heaps, nor the shadows of sanitizers are on x86-64.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "system/syscalls_linux.h"

namespace tidemark {

inline constexpr uintptr_t kOwnStart = 0x6d00'0000'0000;
inline constexpr uintptr_t kOwnEnd = 0x6e00'0000'0000;
inline constinit std::atomic<uintptr_t> next_own_address{0};

// Where to map `size` bytes next. Begins at a place that cannot be foretold.
inline void* own_address(size_t size) noexcept {
  constexpr size_t kPage = 4096;
  uintptr_t next = next_own_address.load(std::memory_order_relaxed);
  if (next == 0) {
    uintptr_t random = 0;
    sys::get_random(&random, sizeof(random));
    const uintptr_t first = kOwnStart + (random & 0x3f'ffff) * kPage;
    if (next_own_address.compare_exchange_strong(next, first, std::memory_order_relaxed)) next = first;
  }
  next = next_own_address.fetch_add((size + kPage - 1) & ~(kPage - 1), std::memory_order_relaxed);
  if (next + size >= kOwnEnd) next_own_address.store(kOwnStart, std::memory_order_relaxed);
  return reinterpret_cast<void*>(next);
}

// Zeroed private memory; nullptr when there is none. `reserve_only` asks for address space that costs nothing until it
// is touched.
inline void* map_own(size_t size, bool reserve_only = false) noexcept {
  void* memory = sys::mmap(own_address(size), size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | (reserve_only ? MAP_NORESERVE : 0), -1, 0);
  return sys::failed(memory) ? nullptr : memory;
}

}  // namespace tidemark
