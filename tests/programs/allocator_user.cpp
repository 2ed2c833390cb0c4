// allocator_user: uses everything of whatever allocator it is linked with (jemalloc, tcmalloc, mimalloc, or libc's), in
// two threads. Prints "counts ALLOCATIONS FREES LIVE_BYTES" of its own calls; 64 calls of others are allowed for.
#include <malloc.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

namespace {

struct Counts {
  uint64_t allocations = 0, frees = 0, live_bytes = 0;
};

template <class T>
T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

struct Block {
  void* address = nullptr;
  size_t size = 0;
  int kind = 0;
};

void get(Block& block, size_t size, int kind, Counts& counts) {
  const std::align_val_t alignment{64};
  switch (kind) {
    case 0:
      block.address = malloc(size);
      break;
    case 1:
      block.address = calloc(size, 1);
      break;
    case 2:
      block.address = ::operator new(size);
      break;
    case 3:
      block.address = ::operator new[](size);
      break;
    case 4:
      block.address = ::operator new(size, std::nothrow);
      break;
    case 5:
      block.address = ::operator new(size, alignment);
      break;
    case 6:
      block.address = aligned_alloc(64, (size + 63) & ~size_t{63}), size = (size + 63) & ~size_t{63};
      break;
    case 7:
      if (posix_memalign(&block.address, 256, size) != 0) abort();
      break;
    case 8:
      block.address = memalign(128, size);
      break;
    case 9:
      block.address = reallocarray(nullptr, size, 1);
      break;
  }
  if (opaque(block.address) == nullptr) abort();
  std::memset(block.address, kind, size);
  block.size = size;
  block.kind = kind;
  ++counts.allocations;
  counts.live_bytes += size;
}

void put(Block& block, Counts& counts) {
  if (block.address == nullptr) return;
  switch (block.kind) {
    case 2:
      ::operator delete(block.address);
      break;
    case 3:
      ::operator delete[](block.address, block.size);
      break;
    case 4:
      ::operator delete(block.address, std::nothrow);
      break;
    case 5:
      ::operator delete (block.address, block.size, std::align_val_t{64});
      break;
    default:
      free(block.address);
      break;
  }
  ++counts.frees;
  counts.live_bytes -= block.size;
  block.address = nullptr;
}

void work(uint32_t random, Counts& counts) {
  static thread_local Block blocks[500];
  for (int i = 0; i < 40000; ++i) {
    random = random * 1664525 + 1013904223;
    Block& block = blocks[random >> 8 & 255];
    if (block.address != nullptr && block.kind < 2 && (random >> 30) == 3) {
      const size_t size = (random >> 4 & 4095) + 1;
      block.address = realloc(block.address, size);
      if (block.address == nullptr) abort();
      counts.live_bytes += size - block.size;
      block.size = size;
      block.kind = 0;
      ++counts.allocations, ++counts.frees;
    } else if (block.address != nullptr) {
      put(block, counts);
    } else {
      get(block, (random >> 5 & 1023) + 1, static_cast<int>(random >> 16) % 10, counts);
    }
  }
}

}  // namespace

int main() {
  Counts counts[2];
  std::thread other([&counts] { work(7, counts[1]); });
  work(3, counts[0]);
  other.join();
  std::printf("counts %llu %llu %llu\n", static_cast<unsigned long long>(counts[0].allocations + counts[1].allocations),
              static_cast<unsigned long long>(counts[0].frees + counts[1].frees),
              static_cast<unsigned long long>(counts[0].live_bytes + counts[1].live_bytes));
  return 0;
}
