// The recorder's clock, read from outside the recorded process: the time-stamp counter is the same for all processes.
#pragma once

#include <cstdint>

#include "trace/format.h"

namespace tidemark::launch {

// One moment on both clocks.
struct Moment {
  uint64_t counter = 0;  // time-stamp counter, unshifted; 0 on processors without one
  uint64_t monotonic_ns = 0;

  static Moment now() noexcept;

  // The moment in a trace's ticks; 0 when its clock cannot be read here.
  uint64_t ticks(const trace::FileHeader& header) const noexcept {
    if (header.tick_shift >= 64) return 0;
    return (header.clock == trace::Clock::kTsc ? counter : monotonic_ns) >> header.tick_shift;
  }
};

}  // namespace tidemark::launch
