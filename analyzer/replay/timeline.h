// Live bytes and resident set over time, in at most 256 slices of equal width. When the run outgrows them, pairs merge
// and the width doubles: memory stays the same for a second and for a week. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tidemark::replay {

struct TimelineSlice {
  uint64_t most_live_bytes = 0;  // the highest in the slice, so that a peak shows
  uint64_t last_live_bytes = 0;
  uint64_t rss = 0, max_rss = 0;  // the slice's last sample, 0 without
};

class Timeline {
 public:
  static constexpr size_t kSlices = 256;

  // `start` in ticks; the first slices are 1 << shift ticks wide.
  Timeline(uint64_t start, unsigned shift) noexcept : start_(start), shift_(shift) { slice_end_ = end_of(0); }

  // Live bytes are `live_bytes` from `time` on. Times that go back count for the slice under way.
  void live(uint64_t time, uint64_t live_bytes) noexcept {
    if (time >= slice_end_) [[unlikely]]
      advance(time);
    TimelineSlice& slice = slices_[current_];
    slice.last_live_bytes = live_bytes;
    if (live_bytes > slice.most_live_bytes) slice.most_live_bytes = live_bytes;
  }

  void sample(uint64_t time, uint64_t rss, uint64_t max_rss) noexcept;

  // Slices 0 to count() - 1 are filled.
  size_t count() const noexcept { return current_ + 1; }
  const TimelineSlice& slice(size_t index) const noexcept { return slices_[index]; }
  // First tick of a slice, after the start.
  uint64_t begin_of(size_t index) const noexcept { return uint64_t{index} << shift_; }
  unsigned shift() const noexcept { return shift_; }

 private:
  // The tick behind a slice; the highest tick if that is beyond.
  uint64_t end_of(size_t index) const noexcept {
    const uint64_t after = (uint64_t{index} + 1) << shift_;
    return shift_ >= 56 || after > UINT64_MAX - start_ ? UINT64_MAX : start_ + after;
  }
  void advance(uint64_t time) noexcept;
  void merge_pairs() noexcept;

  uint64_t start_;
  unsigned shift_;
  uint64_t slice_end_;
  size_t current_ = 0;
  std::array<TimelineSlice, kSlices> slices_{};
};

}  // namespace tidemark::replay
