// Two threads, one of which allocates every block and the other frees it: every free is another thread's block.
//
//   producer_consumer [BLOCKS]     BLOCKS go from one thread to the other (default 36,000,000); the count is exact
//
// After mimalloc-bench's xmalloc-test (Lever and Boreham, malloc() performance in a multithreaded Linux environment,
// USENIX 2000), with fixed work: batches of 4,096 blocks of 64 bytes go through a queue. It holds
// 16 batches, not 100, so that peak memory depends less on which thread happens to be faster.

#include <cinttypes>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr size_t kBatchSize = 4096;
constexpr size_t kMaxBatches = 16;

struct Block {
  uint64_t words[8];
};

using Batch = std::vector<std::unique_ptr<Block>>;

class Queue {
 public:
  void push(Batch batch) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [&] { return batches_.size() < kMaxBatches; });
    batches_.push_back(std::move(batch));
    not_empty_.notify_one();
  }

  Batch pop() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return !batches_.empty(); });
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    not_full_.notify_one();
    return batch;
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  std::deque<Batch> batches_;
};

[[gnu::noinline]] Batch produce(uint64_t first) {
  Batch batch;
  batch.reserve(kBatchSize);
  for (uint64_t i = 0; i < kBatchSize; ++i) {
    batch.push_back(std::make_unique<Block>());
    batch.back()->words[0] = first + i;
  }
  return batch;
}

[[gnu::noinline]] uint64_t consume(Batch batch) {
  uint64_t sum = 0;
  for (auto& block : batch) {
    sum += block->words[0];
    block.reset();
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t blocks = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 36'000'000;
  const uint64_t batches = blocks / kBatchSize;
  Queue queue;
  std::thread producer([&] {
    for (uint64_t i = 0; i < batches; ++i) queue.push(produce(i * kBatchSize));
  });
  uint64_t sum = 0;
  std::thread consumer([&] {
    for (uint64_t i = 0; i < batches; ++i) sum += consume(queue.pop());
  });
  producer.join();
  consumer.join();
  const uint64_t count = batches * kBatchSize;
  std::printf("%" PRIu64 " blocks\n", count);
  return sum == count * (count - 1) / 2 || count == 0 ? 0 : 1;
}
