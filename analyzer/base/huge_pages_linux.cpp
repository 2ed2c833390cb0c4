#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "analyzer/base/huge_pages.h"

namespace tidemark {
namespace {

constexpr size_t kCacheLine = 64;

size_t mapped_bytes(size_t bytes) noexcept { return (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes; }

}  // namespace

void* allocate_zeroed(size_t bytes) noexcept {
  if (bytes < kHugePageBytes) {
    const size_t whole_lines = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
    void* const memory = std::aligned_alloc(kCacheLine, whole_lines == 0 ? kCacheLine : whole_lines);
    if (memory != nullptr) std::memset(memory, 0, whole_lines);
    return memory;
  }
  if (bytes > SIZE_MAX / 2) return nullptr;
  // The kernel gives huge pages to aligned ranges only: map more, and give the edges back.
  const size_t wanted = mapped_bytes(bytes);
  void* const mapped = ::mmap(nullptr, wanted + kHugePageBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<char*>(mapped);
  const size_t skip = (kHugePageBytes - reinterpret_cast<uintptr_t>(begin) % kHugePageBytes) % kHugePageBytes;
  if (skip != 0) ::munmap(begin, skip);
  if (skip != kHugePageBytes) ::munmap(begin + skip + wanted, kHugePageBytes - skip);
  ::madvise(begin + skip, wanted, MADV_HUGEPAGE);
  return begin + skip;
}

void free_zeroed(void* memory, size_t bytes) noexcept {
  if (bytes < kHugePageBytes) {
    std::free(memory);
  } else {
    ::munmap(memory, mapped_bytes(bytes));
  }
}

}  // namespace tidemark
