// Totals by thread. A program may start millions of threads: from kMaxThreads on they share one row, which says so.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace tidemark::replay {

// The thread's last block that may be what a smaller one grew into: a container that grows allocates a larger array at
// the same site, moves its elements, and frees the old array.
struct LastGrown {
  static constexpr uint64_t kLeastBytes = 256;

  uint64_t address = 0, size = 0;
  uint32_t node = 0;

  // By the factors that containers grow by: 2 (with hash tables' primes) and 1.5.
  bool grew_from(uint64_t before, uint32_t at) const noexcept {
    if (node != at || before < kLeastBytes / 2) return false;
    const double factor = static_cast<double>(size) / static_cast<double>(before);
    return (factor > 1.94 && factor < 2.2) || (factor > 1.45 && factor < 1.55);
  }
};

struct ThreadTotals {
  uint64_t serial = 0;  // counts within the trace from 1; 0: thread not known
  uint64_t tid = 0;
  uint64_t stack_low = 0, stack_high = 0;  // 0: not known
  std::string name;
  uint64_t allocations = 0, frees = 0, allocated_bytes = 0;
  uint64_t live_bytes = 0;       // of blocks that this thread allocated, whoever frees them
  uint64_t last_allocation = 0;  // address, until it is freed: tells temporary allocations
  LastGrown last_grown;
};

class ThreadTable {
 public:
  static constexpr size_t kMaxThreads = 65536;

  ThreadTable() : threads_(1) {}

  // The slot of a thread, made if it is new. Slot 0 stands for "not known".
  uint32_t slot_of(uint64_t serial) {
    if (serial == 0) return 0;
    const auto found = slots_.find(serial);
    if (found != slots_.end()) return found->second;
    if (serial > highest_serial_) highest_serial_ = serial;
    if (threads_.size() >= kMaxThreads) {
      if (threads_.size() == kMaxThreads) threads_.emplace_back().name = "(further threads)";
      return kMaxThreads;
    }
    const auto slot = static_cast<uint32_t>(threads_.size());
    threads_.emplace_back().serial = serial;
    slots_.emplace(serial, slot);
    return slot;
  }

  ThreadTotals& operator[](uint32_t slot) noexcept { return threads_[slot]; }
  const std::vector<ThreadTotals>& all() const noexcept { return threads_; }
  std::vector<ThreadTotals> take() noexcept { return std::move(threads_); }
  // Threads seen; from kMaxThreads on the highest serial, which counts them as long as the trace is sound.
  uint64_t seen() const noexcept { return threads_.size() <= kMaxThreads ? threads_.size() - 1 : highest_serial_; }

 private:
  std::vector<ThreadTotals> threads_;
  std::unordered_map<uint64_t, uint32_t> slots_;
  uint64_t highest_serial_ = 0;
};

}  // namespace tidemark::replay
