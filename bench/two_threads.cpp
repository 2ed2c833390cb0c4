// Two threads that do nothing but allocate and free, some blocks on the other thread: the worst case for a recorder.
//
//   two_threads [ROUNDS]     each thread allocates and frees ROUNDS blocks (default 10,000,000); the count is exact
//
// Each thread works on 1024 slots of its own with sizes from 16 to 1039 bytes; every 16th block is handed to the other
// thread through a mailbox and freed there. Calls nest six deep, so that stacks have a usual depth.

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace {

// One block on its way to the other thread.
struct alignas(64) Mailbox {
  std::atomic<char*> block{nullptr};
};

class Worker {
 public:
  Worker(uint64_t seed, Mailbox* outgoing, Mailbox* incoming)
      : random_(seed), slots_(1024), outgoing_(outgoing), incoming_(incoming) {}

  void run(uint64_t rounds) {
    for (uint64_t round = 0; round < rounds; ++round) {
      std::unique_ptr<char[]> block = descend(6);
      if (round % 16 == 0) {
        block.reset(outgoing_->block.exchange(block.release()));
        delete[] incoming_->block.exchange(nullptr);
      }
      slots_[next() % slots_.size()] = std::move(block);
    }
  }

 private:
  uint64_t next() { return random_ = random_ * 6364136223846793005u + 1442695040888963407u, random_ >> 33; }

  [[gnu::noinline]] std::unique_ptr<char[]> descend(int depth) {
    std::unique_ptr<char[]> block = depth == 0 ? allocate() : descend(depth - 1);
    block[0] = static_cast<char>(depth);
    return block;
  }

  [[gnu::noinline]] std::unique_ptr<char[]> allocate() {
    return std::make_unique_for_overwrite<char[]>(16 + next() % 1024);
  }

  uint64_t random_;
  std::vector<std::unique_ptr<char[]>> slots_;
  Mailbox* outgoing_;
  Mailbox* incoming_;
};

}  // namespace

int main(int argc, char** argv) {
  const uint64_t rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  Mailbox to_first;
  Mailbox to_second;
  std::thread first([&] { Worker(1, &to_second, &to_first).run(rounds); });
  std::thread second([&] { Worker(2, &to_first, &to_second).run(rounds); });
  first.join();
  second.join();
  delete[] to_first.block.load();
  delete[] to_second.block.load();
  std::printf("%" PRIu64 " blocks\n", 2 * rounds);
}
