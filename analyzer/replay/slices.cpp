#include "analyzer/replay/slices.h"

#include <algorithm>

namespace tidemark::replay {
namespace {

constexpr double kMarkWorth = 2;  // a bound at a mark is given up for twice as much as another
// Slices before these are too many to merge at once: half of kMost, so that merging is rare.
constexpr size_t kKept = Slices::kMost / 2;

RunSlice joined(const RunSlice& a, const RunSlice& b) noexcept {
  RunSlice both = b;  // its end, and what was live there
  both.allocations += a.allocations;
  both.frees += a.frees;
  both.new_sites += a.new_sites;
  both.marks += a.marks;
  both.samples += a.samples;
  both.waits += a.waits;
  both.least_live_bytes = std::min(a.least_live_bytes, b.least_live_bytes);
  both.most_live_bytes = std::max(a.most_live_bytes, b.most_live_bytes);
  return both;
}

}  // namespace

void Slices::arm() noexcept {
  if (serial_ >= kLastSerial - 1) {  // the last one is for the end of the run
    due_time_ = due_events_ = UINT64_MAX;
    return;
  }
  // A moment that a damaged trace puts at the end of all times is no reason to end a slice with each of its events.
  due_time_ = last_end_ > UINT64_MAX - ticks_due_ ? UINT64_MAX : last_end_ + ticks_due_ - 1;
  due_events_ = last_events_ + events_due_;
}

bool Slices::close(uint64_t time, uint64_t events, RunSlice slice) {
  if (serial_ == kLastSerial || full()) return false;
  slice.end = std::max(time, last_end_);
  index_of_.push_back(static_cast<uint8_t>(slices_.size()));
  slices_.push_back(slice);
  last_end_ = slice.end;
  last_events_ = events;
  ++serial_;
  arm();
  return true;
}

// What joining the slice with the next one would cost: the larger of its shares of time and of activity.
double Slices::cost(size_t index) const noexcept {
  const RunSlice& first = slices_[index];
  const RunSlice& second = slices_[index + 1];
  const uint64_t begin = index == 0 ? start_ : slices_[index - 1].end;
  const double time =
      static_cast<double>(second.end - begin) / static_cast<double>(std::max<uint64_t>(last_end_ - start_, 1));
  const double activity = static_cast<double>(first.allocations + first.frees + second.allocations + second.frees) /
                          static_cast<double>(std::max<uint64_t>(last_events_, 1));
  return std::max(time, activity) * (first.ends_at_mark ? kMarkWorth : 1);
}

std::array<uint8_t, Slices::kMost> Slices::compact() {
  std::array<uint8_t, kMost> now{};
  std::vector<std::vector<uint8_t>> from(slices_.size());  // what each of the slices left stands for
  for (size_t i = 0; i < from.size(); ++i) from[i] = {static_cast<uint8_t>(i)};
  while (slices_.size() > kKept) {
    size_t best = 0;
    double least = cost(0);
    for (size_t i = 1; i + 1 < slices_.size(); ++i) {
      const double one = cost(i);
      if (one < least) {
        least = one;
        best = i;
      }
    }
    const auto at = static_cast<ptrdiff_t>(best);
    slices_[best] = joined(slices_[best], slices_[best + 1]);
    slices_.erase(slices_.begin() + at + 1);
    from[best].insert(from[best].end(), from[best + 1].begin(), from[best + 1].end());
    from.erase(from.begin() + at + 1);
  }
  for (size_t i = 0; i < from.size(); ++i) {
    for (const uint8_t before : from[i]) now[before] = static_cast<uint8_t>(i);
  }
  for (uint8_t& index : index_of_) index = now[index];
  // So that about as many slices follow until the run is twice as long, or twice as busy.
  ticks_due_ = std::max(ticks_due_, (last_end_ - start_) / kKept);
  events_due_ = std::max(events_due_, last_events_ / kKept);
  arm();
  return now;
}

}  // namespace tidemark::replay
