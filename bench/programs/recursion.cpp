// Allocates and frees at the bottom of a deep recursion: what a deep stack costs a recorder.
//
//   recursion DEPTH [BLOCKS]     BLOCKS (default 200,000) at DEPTH frames below main; prints ns per block
//
// Two functions call each other, so that the frames differ; the bottom frame allocates a block of 32 bytes and frees
// it.

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace {

void* volatile block;

[[gnu::noinline]] void bottom(uint64_t blocks) {
  for (uint64_t i = 0; i < blocks; ++i) {
    block = std::malloc(32);
    std::free(block);
  }
}

int odd(uint64_t depth, uint64_t blocks);

// The result keeps the calls from becoming jumps.
[[gnu::noinline]] int even(uint64_t depth, uint64_t blocks) {
  if (depth == 0) return bottom(blocks), 0;
  return odd(depth - 1, blocks) + 1;
}

[[gnu::noinline]] int odd(uint64_t depth, uint64_t blocks) {
  if (depth == 0) return bottom(blocks), 0;
  return even(depth - 1, blocks) + 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: recursion DEPTH [BLOCKS]\n");
    return 2;
  }
  const uint64_t depth = std::strtoull(argv[1], nullptr, 10);
  const uint64_t blocks = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200'000;
  even(depth, 1);  // the first stack is unwound and entered in the call tree
  const auto start = std::chrono::steady_clock::now();
  if (even(depth, blocks) < 0) return 1;
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  std::printf("%.1f\n", took.count() / static_cast<double>(blocks));
}
