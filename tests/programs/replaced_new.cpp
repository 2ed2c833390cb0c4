// replaced_new: an executable that replaces operators new and delete and counts their calls. Built twice: REPLACE_ALL
// replaces every one of them, otherwise only plain new and delete, while the program also calls new[], sized and
// nothrow forms, which libstdc++ must lead to the program's own. Prints its counters: as natively, exactly.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {
struct Counters {
  long plain_new, array_new, aligned_new, nothrow_new, plain_delete, sized_delete, array_delete, aligned_delete;
} counters;

// A header before each block: a block that did not come from here is noticed.
constexpr uint64_t kMark = 0x6b6c6f6220656e6f;

void* get(std::size_t size) {
  auto* block = static_cast<uint64_t*>(std::malloc(size + 16));
  if (block == nullptr) throw std::bad_alloc();
  block[0] = kMark;
  return block + 2;
}
void put(void* data) {
  if (data == nullptr) return;
  auto* block = static_cast<uint64_t*>(data) - 2;
  if (block[0] != kMark) {
    std::puts("a foreign block");
    std::abort();
  }
  block[0] = 0;
  std::free(block);
}
}  // namespace

void* operator new(std::size_t size) {
  ++counters.plain_new;
  return get(size);
}
void operator delete(void* block) noexcept {
  ++counters.plain_delete;
  put(block);
}
#ifdef REPLACE_ALL
void* operator new[](std::size_t size) {
  ++counters.array_new;
  return get(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++counters.nothrow_new;
  return get(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  ++counters.nothrow_new;
  return get(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  ++counters.aligned_new;
  void* block = std::aligned_alloc(static_cast<std::size_t>(alignment), (size + 127) & ~std::size_t{127});
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block, std::size_t) noexcept {
  ++counters.sized_delete;
  put(block);
}
void operator delete[](void* block) noexcept {
  ++counters.array_delete;
  put(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  ++counters.array_delete;
  put(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  ++counters.plain_delete;
  put(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  ++counters.array_delete;
  put(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  ++counters.aligned_delete;
  std::free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  ++counters.aligned_delete;
  std::free(block);
}
#endif

struct alignas(128) Wide {
  char bytes[128];
};

template <class T>
T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

int main() {
  for (int i = 0; i < 1000; ++i) {
    delete opaque(new int(i));
    delete[] opaque(new int[static_cast<std::size_t>(i % 10 + 1)]);
    delete opaque(new (std::nothrow) long(i));
    delete[] opaque(new (std::nothrow) long[3]);
    delete opaque(new Wide);
    ::operator delete (opaque(::operator new(40)), std::size_t{40});
    ::operator delete[](opaque(::operator new[](40)), std::size_t{40});
    std::vector<std::string> strings(5, std::string(static_cast<std::size_t>(i % 60), 'x'));
    std::list<int> list{1, 2, 3};
    auto shared = std::make_shared<std::vector<int>>(100);
    opaque(&strings), opaque(&list), opaque(&shared);
    try {
      throw std::string(40, 'e');
    } catch (const std::string& caught) {
      opaque(&caught);
    }
  }
  std::printf("new %ld array %ld aligned %ld nothrow %ld delete %ld sized %ld array %ld aligned %ld\n",
              counters.plain_new, counters.array_new, counters.aligned_new, counters.nothrow_new, counters.plain_delete,
              counters.sized_delete, counters.array_delete, counters.aligned_delete);
  return 0;
}
