// leaks SHAPE leak|fixed    makes one shape and returns from main with it
// leaks --table             the shapes: name, blocks and bytes that the leaking twin loses, kind, why memcheck differs
//
// Under memcheck it prints what is definitely and indirectly lost when main is about to return, as "memcheck: blocks=N
// bytes=N": the same moment as that of the recorder's exit snapshot, with all threads still there.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

#include "shapes.h"

namespace leaks {

void* volatile held;
void* volatile held_many[128];

[[gnu::noinline]] void* take(std::size_t bytes) {
  void* block = std::malloc(bytes);
  if (block == nullptr) std::abort();
  std::memset(block, 0x5a, bytes);
  return block;
}

[[gnu::noinline]] void forget(void* pointer) { asm volatile("" : : "r"(pointer) : "memory"); }

[[gnu::noinline]] void scrub() {
  volatile char below[64 << 10];
  for (volatile char& byte : below) byte = 0;
#if defined(__x86_64__)
  asm volatile(
      "xor %%eax, %%eax\n\txor %%ecx, %%ecx\n\txor %%edx, %%edx\n\txor %%esi, %%esi\n\txor %%edi, %%edi\n\t"
      "xor %%r8d, %%r8d\n\txor %%r9d, %%r9d\n\txor %%r10d, %%r10d\n\txor %%r11d, %%r11d\n\t"
      "pxor %%xmm0, %%xmm0\n\tpxor %%xmm1, %%xmm1\n\tpxor %%xmm2, %%xmm2\n\tpxor %%xmm3, %%xmm3"
      :
      :
      : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "cc");
#endif
}

[[gnu::noinline]] void before_end() {
#ifdef VALGRIND_DO_LEAK_CHECK
  if (RUNNING_ON_VALGRIND == 0) return;
  unsigned long blocks = 0;
  unsigned long bytes = 0;
  [[maybe_unused]] unsigned long others = 0;
  VALGRIND_DO_LEAK_CHECK;
  VALGRIND_COUNT_LEAK_BLOCKS(blocks, others, others, others);
  VALGRIND_COUNT_LEAKS(bytes, others, others, others);
  char line[100];
  const int length = std::snprintf(line, sizeof line, "memcheck: blocks=%lu bytes=%lu\n", blocks, bytes);
  if (std::fwrite(line, 1, static_cast<std::size_t>(length), stdout) == 0) std::abort();
  std::fflush(stdout);
#endif
}

namespace {

std::array<std::span<const Shape>, 6> all_shapes() {
  return {plain_shapes(), type_shapes(), holder_shapes(), hidden_shapes(), thread_shapes(), process_shapes()};
}

const Shape* find(const char* name) {
  for (const auto& group : all_shapes()) {
    for (const Shape& shape : group) {
      if (std::strcmp(shape.name, name) == 0) return &shape;
    }
  }
  return nullptr;
}

void print_table() {
  for (const auto& group : all_shapes()) {
    for (const Shape& shape : group) {
      std::printf("%s\t%zu\t%zu\t%s\t%s\n", shape.name, shape.blocks, shape.bytes,
                  shape.kind == Kind::kPlain   ? "unreachable"
                  : shape.kind == Kind::kCycle ? "unreachable-cycle"
                                               : "either",
                  shape.memcheck != nullptr ? shape.memcheck : "");
    }
  }
}

[[gnu::noinline]] void make(const Shape& shape, bool fixed) {
  fixed ? shape.fixed() : shape.leak();
  scrub();
}

}  // namespace
}  // namespace leaks

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--table") == 0) {
    leaks::print_table();
    return 0;
  }
  const leaks::Shape* shape = argc == 3 ? leaks::find(argv[1]) : nullptr;
  const bool fixed = argc == 3 && std::strcmp(argv[2], "fixed") == 0;
  if (shape == nullptr || (!fixed && std::strcmp(argv[2], "leak") != 0)) {
    std::fprintf(stderr, "usage: %s SHAPE leak|fixed, %s --table\n", argv[0], argv[0]);
    return 2;
  }
  leaks::make(*shape, fixed);
  leaks::before_end();
  return 0;
}
