#include "analyzer/replay/timeline.h"

#include <algorithm>

namespace tidemark::replay {

void Timeline::sample(uint64_t time, uint64_t rss, uint64_t max_rss) noexcept {
  if (time >= slice_end_) advance(time);
  TimelineSlice& slice = slices_[current_];
  slice.rss = rss;
  slice.max_rss = std::max(slice.max_rss, max_rss);
}

void Timeline::advance(uint64_t time) noexcept {
  const uint64_t after = time - start_;  // time >= slice_end_ > start_
  if (slice_end_ == UINT64_MAX) return;
  while (after >> shift_ >= kSlices) merge_pairs();
  const auto wanted = static_cast<size_t>(after >> shift_);
  const uint64_t live = slices_[current_].last_live_bytes;
  while (current_ < wanted) slices_[++current_] = {live, live, 0, 0};
  slice_end_ = end_of(current_);
}

void Timeline::merge_pairs() noexcept {
  ++shift_;
  for (size_t to = 0; to <= current_ / 2; ++to) {
    TimelineSlice merged = slices_[2 * to];
    if (2 * to + 1 <= current_) {
      const TimelineSlice& second = slices_[2 * to + 1];
      merged.most_live_bytes = std::max(merged.most_live_bytes, second.most_live_bytes);
      merged.last_live_bytes = second.last_live_bytes;
      if (second.rss != 0) merged.rss = second.rss;
      merged.max_rss = std::max(merged.max_rss, second.max_rss);
    }
    slices_[to] = merged;
  }
  current_ /= 2;
}

}  // namespace tidemark::replay
