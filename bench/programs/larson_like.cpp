// Threads that replace random blocks of an array and hand the array on to a successor, like a server's worker threads.
//
//   larson_like [BLOCKS] [THREADS]     THREADS (default 2) share BLOCKS replacements (default 80,000,000); exact counts
//
// After Larson and Krishnan, Memory allocation for long-running server applications (ISMM 1998), as mimalloc-bench runs
// it (5,000 slots per thread, 8 to 1,000 bytes), with fixed work: a thread replaces random slots, then starts its
// successor, which inherits its slots and frees what it did not allocate, and ends. The first blocks are the main
// thread's.

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr size_t kSlots = 5000;
constexpr uint64_t kBlocksOfOneThread = 500'000;

class Worker {
 public:
  explicit Worker(uint64_t seed) : random_(seed), slots_(kSlots) {
    for (auto& slot : slots_) slot = allocate();
  }

  // Replaces so many blocks, then leaves the rest to a thread of its own.
  static void run(std::unique_ptr<Worker> worker, uint64_t blocks, std::latch& finished) {
    const uint64_t now = std::min(blocks, kBlocksOfOneThread);
    for (uint64_t i = 0; i < now; ++i) worker->replace();
    if (now < blocks) {
      std::thread(run, std::move(worker), blocks - now, std::ref(finished)).detach();
      return;
    }
    worker.reset();
    finished.count_down();
  }

 private:
  uint64_t next() { return random_ = random_ * 6364136223846793005u + 1442695040888963407u, random_ >> 33; }

  [[gnu::noinline]] std::unique_ptr<char[]> allocate() {
    const size_t size = 8 + next() % 993;
    auto block = std::make_unique_for_overwrite<char[]>(size);
    block[0] = 'a';
    block[size - 1] = 'z';
    return block;
  }

  [[gnu::noinline]] void replace() {
    auto& slot = slots_[next() % kSlots];
    slot.reset();
    slot = allocate();
  }

  uint64_t random_;
  std::vector<std::unique_ptr<char[]>> slots_;
};

}  // namespace

int main(int argc, char** argv) {
  const uint64_t blocks = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 80'000'000;
  const uint64_t threads = std::max<uint64_t>(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2, 1);
  std::latch finished(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::unique_ptr<Worker>> workers;
  for (uint64_t i = 0; i < threads; ++i) workers.push_back(std::make_unique<Worker>(i + 1));
  for (auto& worker : workers) {
    std::thread(Worker::run, std::move(worker), blocks / threads, std::ref(finished)).detach();
  }
  finished.wait();
  std::printf("%" PRIu64 " blocks\n", threads * (blocks / threads + kSlots));
}
