// Ticks to seconds after the start of the recording: a line through the start (ticks and nanoseconds in the header) and
// the last process sample, which holds both clocks. Without a usable sample: the rate that the processor states.
#pragma once

#include <cstdint>

#include "trace/format.h"

namespace tidemark::replay {

class Clock {
 public:
  Clock() = default;
  explicit Clock(const trace::FileHeader& header) noexcept;

  // A moment known on both clocks; the latest counts.
  void learn(uint64_t ticks, uint64_t monotonic_ns) noexcept;

  double seconds(uint64_t ticks) const noexcept {
    // Signed: an outside sample may lie before the start by a hair.
    return static_cast<double>(static_cast<int64_t>(ticks - start_ticks_)) * seconds_per_tick_;
  }
  double span_seconds(uint64_t ticks) const noexcept { return static_cast<double>(ticks) * seconds_per_tick_; }
  uint64_t span_ns(uint64_t ticks) const noexcept;
  uint64_t start_ticks() const noexcept { return start_ticks_; }

 private:
  uint64_t start_ticks_ = 0;
  int64_t start_ns_ = 0;
  uint64_t last_ticks_ = 0;
  double hint_seconds_per_tick_ = 16e-9;
  double seconds_per_tick_ = 16e-9;
  bool hinted_ = false;
};

}  // namespace tidemark::replay
