// Process samples: resident set, its high-water mark and parts, as the kernel counts them, written to the trace by
// whichever thread has an event when one is due. No timer, no thread: a process that allocates nothing is sampled from
// outside by `tidemark run`.
//
// One costs about 20 microseconds (reading /proc/thread-self/status); every 10 ms at first, and thinning out as the run
// grows (elapsed / 4096), so that days of recording have tens of thousands, not millions. Below 0.2% of time.
#pragma once

#include <atomic>
#include <cstdint>

#include "system/syscalls_linux.h"
#include "trace/records.h"

namespace tidemark {

struct ThreadState;

// While one lives, what the thread waits for is the recorder's doing: samples say how often the program itself waited.
// About a microsecond.
class OwnWaits {
 public:
  OwnWaits() noexcept : before_(sys::thread_waits()) {}
  ~OwnWaits() { sum_.fetch_add(sys::thread_waits() - before_, std::memory_order_relaxed); }
  OwnWaits(const OwnWaits&) = delete;
  OwnWaits& operator=(const OwnWaits&) = delete;

  static uint64_t sum() noexcept { return sum_.load(std::memory_order_relaxed); }
  static void forget() noexcept { sum_.store(0, std::memory_order_relaxed); }

 private:
  static constinit inline std::atomic<uint64_t> sum_{0};

  uint64_t before_;
};

class Sampler {
 public:
  void start(uint64_t now, uint64_t tick_hz) noexcept;

  bool due(uint64_t now) const noexcept { return now >= next_.load(std::memory_order_relaxed); }

  // Takes one if no other thread is ahead; `now` is the current time.
  void sample(ThreadState& thread, uint64_t now) noexcept;

  // Takes one in any case.
  void sample_now(ThreadState& thread) noexcept;

  // Writes the limits on the process's memory, if it has any.
  void record_limits(ThreadState& thread) noexcept;

  // Bytes of anonymous memory in the last sample, the recorder's own taken off.
  uint64_t resident_anonymous() const noexcept { return resident_anonymous_.load(std::memory_order_relaxed); }

  uint64_t ticks_per_20_us() const noexcept { return ticks_per_20_us_; }

 private:
  void learn_tick_rate(uint64_t monotonic_ns) noexcept;

  std::atomic<uint64_t> next_{UINT64_MAX};
  std::atomic<uint64_t> resident_anonymous_{0};
  bool limits_recorded_ = false;  // in this trace: that they are gone is worth a record, too
  uint64_t start_ = 0;
  uint64_t ticks_per_20_us_ = 3000;
};

extern constinit Sampler sampler;

// ru_maxrss in bytes.
uint64_t max_rss_bytes() noexcept;

}  // namespace tidemark
