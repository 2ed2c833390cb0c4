#include "analyzer/replay/clock.h"

#include <cmath>

namespace tidemark::replay {
namespace {
// A shorter span between the two moments says less than the processor's stated rate.
constexpr double kMinSpanSeconds = 0.02;
// A measured rate this far off the stated one is damage, not drift.
constexpr double kMaxDisagreement = 1.5;
}  // namespace

Clock::Clock(const trace::FileHeader& header) noexcept
    : start_ticks_(header.start_ticks), start_ns_(header.start_monotonic_ns), last_ticks_(header.start_ticks) {
  if (header.clock == trace::Clock::kMonotonic && header.tick_shift < 32) {
    hint_seconds_per_tick_ = 1e-9 * static_cast<double>(uint64_t{1} << header.tick_shift);
    hinted_ = true;
  } else if (header.tick_hz_hint >= 1'000'000 && header.tick_hz_hint <= 100'000'000'000) {
    hint_seconds_per_tick_ = 1.0 / static_cast<double>(header.tick_hz_hint);
    hinted_ = true;
  }
  seconds_per_tick_ = hint_seconds_per_tick_;
}

void Clock::learn(uint64_t ticks, uint64_t monotonic_ns) noexcept {
  const auto ns = static_cast<int64_t>(monotonic_ns - static_cast<uint64_t>(start_ns_));
  if (ticks <= last_ticks_ || ns <= 0) return;
  const double span = static_cast<double>(ns) * 1e-9;
  const double rate = span / static_cast<double>(ticks - start_ticks_);
  if (hinted_) {
    if (span < kMinSpanSeconds) return;
    const double disagreement = rate / hint_seconds_per_tick_;
    if (disagreement > kMaxDisagreement || disagreement < 1 / kMaxDisagreement) return;
  }
  last_ticks_ = ticks;
  seconds_per_tick_ = rate;
}

uint64_t Clock::span_ns(uint64_t ticks) const noexcept {
  const double ns = static_cast<double>(ticks) * seconds_per_tick_ * 1e9;
  return ns < 1.8e19 ? static_cast<uint64_t>(ns) : UINT64_MAX;
}

}  // namespace tidemark::replay
