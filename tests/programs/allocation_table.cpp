// allocation_table: calls every allocation function in ordinary and odd ways and prints what it gets: null or a block,
// errno, alignment, usable size, contents, exceptions. The same table must come out natively and under the recorder.
// Compiled with -fno-builtin, so that every call is made. Unfreed blocks and frees are counted at the end: "counts A F"
// are the successful allocations and the frees that the program itself made.
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <initializer_list>
#include <new>

namespace {

constexpr size_t kHuge = PTRDIFF_MAX - 100;
volatile size_t huge = kHuge;  // known to no compiler
volatile size_t zero = 0;

long allocations = 0, frees = 0;

unsigned long alignment_of(const void* block) {
  const auto address = reinterpret_cast<uintptr_t>(block);
  return address & -address & 8191;  // the largest power of two that divides it, up to a page
}

// What a block has at least; how much more, in alignment and size, is chance.
void show(const char* what, void* block, size_t size, size_t alignment = 16) {
  const int error = errno;
  if (block != nullptr) ++allocations;
  printf("%-40s %s errno %d aligned %d usable %d\n", what, block == nullptr ? "null" : "block", error,
         block == nullptr || alignment_of(block) >= alignment || alignment_of(block) == 0,
         block != nullptr && malloc_usable_size(block) >= size && malloc_usable_size(block) < size + 4200);
  errno = 0;
}

void release(void* block) {
  if (block != nullptr) ++frees;
  errno = 77;
  free(block);
  if (errno != 77) printf("free changed errno to %d\n", errno);
  errno = 0;
}

void check_bytes(const char* what, const unsigned char* block, size_t size, int value) {
  size_t good = 0;
  while (good < size && block[good] == value) ++good;
  printf("%-40s %zu of %zu bytes as they were\n", what, good, size);
  errno = 0;
}

void plain() {
  void* block = malloc(zero);
  show("malloc(0)", block, 0);
  release(block);
  block = malloc(100);
  show("malloc(100)", block, 100);
  release(block);
  show("malloc(huge)", malloc(huge), 0);
  show("malloc(SIZE_MAX)", malloc(~zero), 0);
  release(nullptr);
  printf("%-40s %zu\n", "malloc_usable_size(nullptr)", malloc_usable_size(nullptr));
  block = calloc(zero, 8);
  show("calloc(0, 8)", block, 0);
  release(block);
  block = calloc(37, 3);
  show("calloc(37, 3)", block, 111);
  check_bytes("calloc's zeros", static_cast<unsigned char*>(block), 111, 0);
  release(block);
  show("calloc(SIZE_MAX / 2, 3)", calloc(~zero / 2, 3), 0);
  show("calloc(huge, 1)", calloc(huge, 1), 0);
}

// The compiler loses sight of the block: it takes a failed realloc for a free.
void* opaque(void* block) {
  asm volatile("" : "+r"(block));
  return block;
}

void reallocs() {
  void* block = realloc(nullptr, 50);
  show("realloc(nullptr, 50)", block, 50);
  memset(block, 0x5a, 50);
  void* grown = realloc(block, 5000);
  ++frees;
  show("realloc(block, 5000)", grown, 5000);
  check_bytes("grown block", static_cast<unsigned char*>(grown), 50, 0x5a);
  void* failed = realloc(opaque(grown), huge);
  show("realloc(block, huge)", failed, 0);
  check_bytes("block after failed realloc", static_cast<unsigned char*>(grown), 50, 0x5a);
  failed = reallocarray(opaque(grown), ~zero / 2, 3);
  show("reallocarray(block, overflow)", failed, 0);
  check_bytes("block after failed reallocarray", static_cast<unsigned char*>(opaque(grown)), 50, 0x5a);
  void* array = reallocarray(opaque(grown), 10, 8);
  ++frees;
  show("reallocarray(block, 10, 8)", array, 80);
  check_bytes("block after reallocarray", static_cast<unsigned char*>(array), 50, 0x5a);
  void* gone = realloc(array, zero);
  ++frees;
  show("realloc(block, 0)", gone, 0);
  release(gone);
  block = malloc(24);
  ++allocations;
  gone = reallocarray(block, zero, 8);
  ++frees;
  show("reallocarray(block, 0, 8)", gone, 0);
  release(gone);
  block = reallocarray(nullptr, 3, 9);
  show("reallocarray(nullptr, 3, 9)", block, 27);
  release(block);
}

void aligned() {
  void* block = &block;
  int error = posix_memalign(&block, 64, 100);
  printf("posix_memalign(64) %d\n", error);
  show("posix_memalign(64)", block, 100, 64);
  release(block);
  for (size_t alignment : {size_t{3}, size_t{4}, size_t{0}, size_t{48}}) {
    block = &block;
    error = posix_memalign(&block, alignment, 100);
    printf("posix_memalign(%zu) %d result untouched %d errno %d\n", alignment, error, block == &block, errno);
  }
  error = posix_memalign(&block, 64, huge);
  printf("posix_memalign(huge) %d result untouched %d errno %d\n", error, block == &block, errno);
  errno = 0;
  error = posix_memalign(&block, 4096, zero);
  printf("posix_memalign(4096, 0) %d\n", error);
  if (error == 0) show("posix_memalign(4096, 0)", block, 0, 4096);
  if (error == 0) release(block);
  block = aligned_alloc(256, 512);
  show("aligned_alloc(256, 512)", block, 512, 256);
  release(block);
  block = aligned_alloc(256, 100);
  show("aligned_alloc(256, 100)", block, 100, 256);
  release(block);
  show("aligned_alloc(64, huge)", aligned_alloc(64, huge), 0);
  block = memalign(1024, 77);
  show("memalign(1024, 77)", block, 77, 1024);
  release(block);
  block = memalign(8, 77);
  show("memalign(8, 77)", block, 77);
  release(block);
  show("memalign(64, huge)", memalign(64, huge), 0);
  block = valloc(100);
  show("valloc(100)", block, 100, 4096);
  release(block);
  show("valloc(huge)", valloc(huge), 0);
  block = pvalloc(100);
  show("pvalloc(100)", block, 100, 4096);
  release(block);
  show("pvalloc(huge)", pvalloc(huge), 0);
  block = memalign(4096, 300000);
  show("memalign(4096, 300000)", block, 300000, 4096);
  void* moved = realloc(block, 310000);
  ++frees;
  show("realloc of an aligned block", moved, 310000);
  release(moved);
}

int handler_calls = 0;
void give_up() {
  printf("new_handler call %d\n", ++handler_calls);
  if (handler_calls == 3) std::set_new_handler(nullptr);
}

void throwing() { throw 42; }

template <class Call>
void try_new(const char* what, Call call) {
  try {
    void* block = call();
    printf("%-40s %s\n", what, block == nullptr ? "null" : "block");
  } catch (const std::bad_alloc& failure) {
    printf("%-40s threw %s\n", what, failure.what());
  } catch (int number) {
    printf("%-40s threw %d\n", what, number);
  }
  errno = 0;
}

void operators() {
  void* block = ::operator new(zero);
  show("new(0)", block, 0);
  ::operator delete(block), ++frees;
  block = ::operator new(100);
  show("new(100)", block, 100);
  ::operator delete (block, size_t{100}), ++frees;
  block = ::operator new[](100);
  show("new[](100)", block, 100);
  ::operator delete[](block), ++frees;
  block = ::operator new[](100);
  show("new[](100)", block, 100);
  ::operator delete[](block, size_t{100}), ++frees;
  block = ::operator new(100, std::nothrow);
  show("new(100, nothrow)", block, 100);
  ::operator delete(block, std::nothrow), ++frees;
  block = ::operator new[](100, std::nothrow);
  show("new[](100, nothrow)", block, 100);
  ::operator delete[](block, std::nothrow), ++frees;
  for (size_t alignment : {8, 64, 4096}) {
    const std::align_val_t wanted{alignment};
    block = ::operator new(100, wanted);
    show("new(100, align)", block, 100, alignment);
    ::operator delete(block, wanted), ++frees;
    block = ::operator new[](zero, wanted);
    show("new[](0, align)", block, 0, alignment);
    ::operator delete[](block, wanted), ++frees;
    block = ::operator new(100, wanted);
    show("new(100, align)", block, 100, alignment);
    ::operator delete (block, size_t{100}, wanted), ++frees;
    block = ::operator new[](100, wanted);
    show("new[](100, align)", block, 100, alignment);
    ::operator delete[](block, size_t{100}, wanted), ++frees;
    block = ::operator new(100, wanted, std::nothrow);
    show("new(100, align, nothrow)", block, 100, alignment);
    ::operator delete(block, wanted, std::nothrow), ++frees;
    block = ::operator new[](100, wanted, std::nothrow);
    show("new[](100, align, nothrow)", block, 100, alignment);
    ::operator delete[](block, wanted, std::nothrow), ++frees;
  }
  ::operator delete(nullptr);
  ::operator delete[](nullptr, size_t{8});
  try_new("new(huge)", [] { return ::operator new(huge); });
  try_new("new[](huge)", [] { return ::operator new[](huge); });
  try_new("new(huge, nothrow)", [] { return ::operator new(huge, std::nothrow); });
  try_new("new[](huge, nothrow)", [] { return ::operator new[](huge, std::nothrow); });
  try_new("new(huge, align)", [] { return ::operator new (huge, std::align_val_t{64}); });
  try_new("new(huge, align, nothrow)", [] { return ::operator new (huge, std::align_val_t{64}, std::nothrow); });
  std::set_new_handler(give_up);
  try_new("new(huge) with handler", [] { return ::operator new(huge); });
  std::set_new_handler(give_up), handler_calls = 0;
  try_new("new(huge, nothrow) with handler", [] { return ::operator new(huge, std::nothrow); });
  std::set_new_handler(give_up), handler_calls = 0;
  try_new("new(huge, align) with handler", [] { return ::operator new (huge, std::align_val_t{32}); });
  std::set_new_handler(throwing);
  try_new("new(huge) with throwing handler", [] { return ::operator new(huge); });
  std::set_new_handler(nullptr);
}

// errno as it was stays, where natively it does.
void errnos() {
  const auto expect = [](const char* what, int expected) {
    printf("%-40s errno %d\n", what, errno);
    if (errno != expected) printf("  expected %d\n", expected);
  };
  for (size_t size : {size_t{10}, size_t{2000}, size_t{100000}, size_t{5000000}}) {
    errno = 55;
    void* block = malloc(size);
    expect("malloc", 55);
    block = realloc(block, size * 2);
    expect("realloc", 55);
    free(block);
    expect("free", 55);
    block = calloc(size, 2);
    expect("calloc", 55);
    free(block);
    expect("free of calloc", 55);
    block = memalign(128, size);
    expect("memalign", 55);
    free(block);
    block = ::operator new(size);
    expect("new", 55);
    ::operator delete(block);
    expect("delete", 55);
    if (posix_memalign(&block, 64, size) == 0) free(block);
    expect("posix_memalign", 55);
    allocations += 6, frees += 6;
  }
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  plain();
  reallocs();
  aligned();
  operators();
  errnos();
  printf("counts %ld %ld\n", allocations, frees);
  return 0;
}
