// Cuts a run into at most kMost slices while it goes on, along time and activity at once: no slice but the last is much
// more than a thirtieth of the run so far in either, and marks of the program are preferred as bounds. When there are
// kMost, neighbours merge until half are left, those that cover the least first; so a run of a second and one of a week
// end with 32 to 64 slices. Along both, because along time alone a burst is one slice and an idle tail makes
// everything look flat, and along activity alone a slow leak behind a busy start is one slice.
//
// A block carries the serial number of the slice in which it was born; numbers are never used again, and index() tells
// which of today's slices that is. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidemark::replay {

struct RunSlice {
  uint64_t end = 0;                                    // ticks; the slice begins where the one before ends
  uint64_t allocations = 0, frees = 0;                 // in it
  uint64_t live_bytes = 0, live_blocks = 0;            // of the process, at its end
  uint64_t least_live_bytes = 0, most_live_bytes = 0;  // of the process, within it
  uint32_t new_sites = 0;                              // that allocated for the first time
  uint32_t marks = 0;
  uint32_t samples = 0;  // of the process, with what came before each
  uint32_t waits = 0;    // of these samples, that the process had waited for something since the one before
  bool ends_at_mark = false;
};

class Slices {
 public:
  static constexpr size_t kMost = 64;
  static constexpr uint64_t kPause = 4;     // slices
  static constexpr uint16_t kNoSerial = 0;  // of no slice
  static constexpr uint16_t kLastSerial = UINT16_MAX;

  explicit Slices(uint64_t start_ticks, uint64_t first_ticks) noexcept
      : start_(start_ticks), last_end_(start_ticks), ticks_due_(first_ticks == 0 ? 1 : first_ticks) {
    slices_.reserve(kMost);
    arm();
  }

  // Of the slice under way.
  uint16_t serial() const noexcept { return serial_; }

  // Whether the slice under way should end before an event at `time`, the `events`th of the run.
  bool due(uint64_t time, uint64_t events) const noexcept { return time > due_time_ || events >= due_events_; }
  // The last moment of the slice under way if nothing happens that ends it earlier.
  uint64_t due_time() const noexcept { return due_time_; }
  // Whether nothing happened for so long before `time` that the pause is to be a slice of its own: otherwise what was
  // born before it and ends behind it would not be seen to last.
  bool paused(uint64_t time) const noexcept {
    return time > due_time_ && due_time_ != UINT64_MAX && (time - due_time_) / kPause >= ticks_due_;
  }
  // Whether a mark at `time` may end it: slices between marks are not to be much shorter than others.
  bool due_at_mark(uint64_t time, uint64_t events) const noexcept {
    return serial_ < kLastSerial - 1 && events > last_events_ &&
           (time >= last_end_ + ticks_due_ / 4 || events >= last_events_ + events_due_ / 4);
  }

  // Ends the slice under way; `slice` has all figures but `end`. `events` counts from the start of the run. False: that
  // many slices, over a run, are not counted any more, and this one goes on.
  bool close(uint64_t time, uint64_t events, RunSlice slice);
  bool full() const noexcept { return slices_.size() == kMost; }

  // Merges neighbours until half of kMost are left. The answer: by index before, the index now.
  std::array<uint8_t, kMost> compact();

  // Slices that have ended; the one under way has the index size().
  size_t size() const noexcept { return slices_.size(); }
  const RunSlice& operator[](size_t index) const noexcept { return slices_[index]; }
  const std::vector<RunSlice>& all() const noexcept { return slices_; }
  // The slice that a moment lies in; size() behind all that have ended.
  size_t at(uint64_t time) const noexcept {
    const auto found = std::partition_point(slices_.begin(), slices_.end(),
                                            [time](const RunSlice& slice) { return slice.end <= time; });
    return static_cast<size_t>(found - slices_.begin());
  }
  size_t index(uint16_t serial) const noexcept { return serial == serial_ ? slices_.size() : index_of_[serial]; }

 private:
  void arm() noexcept;
  double cost(size_t index) const noexcept;

  uint64_t start_;
  uint64_t last_end_, last_events_ = 0;     // where the slice under way began
  uint64_t ticks_due_, events_due_ = 1024;  // how long a slice lasts
  uint64_t due_time_ = 0, due_events_ = 0;  // the last moment of the slice, and the first event behind it
  uint16_t serial_ = kNoSerial + 1;
  std::vector<RunSlice> slices_;
  std::vector<uint8_t> index_of_{0};  // by serial number, of slices that have ended
};

}  // namespace tidemark::replay
