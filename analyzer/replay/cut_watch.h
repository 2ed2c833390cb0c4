// Waits for the cuts of the pictures while events are replayed: captures what lives when the replay passes a cut,
// watches the following events for allocations that were in flight (cut.h), and then hands the heap to the callback.
//
// Cost: nothing per event but a compare in the caller, outside of the 50 ms behind each cut. Capturing copies the live
// set (24 bytes per block) and sorts it: about 0.1 s per million blocks. A trace may hold any number of pictures; so
// that time stays bounded, at most kMaxPictures are looked at, spread evenly, the last one among them. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "analyzer/replay/cut.h"
#include "analyzer/replay/event_stream.h"
#include "analyzer/replay/record_reader.h"

namespace tidemark::replay {

// A realloc between its two events: the old block may not be freed yet.
struct OpenRealloc {
  uint64_t address = 0;
  LiveBlock block{};
};

class CutWatch {
 public:
  static constexpr size_t kMaxPictures = 64;

  using Callback = std::function<void(CutHeap&)>;

  // `reallocs` answers, by stream, what is under way; address 0: nothing.
  CutWatch(const TraceFile& file, const std::vector<PictureHead>& pictures, Heap& heap, const RecordReader& records,
           Callback callback, std::function<std::vector<OpenRealloc>()> reallocs);

  // before_event() must be called before each event that is later than this.
  uint64_t sleeps_until() const noexcept {
    if (watching_) return 0;
    return next_ < pictures_.size() ? pictures_[next_].cut : UINT64_MAX;
  }
  void before_event(uint32_t stream, const HeapEvent& event);

  // No events are left up to `time`, the last that was to be replayed.
  void finish(uint64_t time);

  // Whole pictures that were not looked at.
  uint64_t left_out() const noexcept { return left_out_; }

 private:
  void capture();
  void watch(uint32_t stream, const HeapEvent& event);
  void conclude();
  void add_in_flight();

  const TraceFile& file_;
  Heap& heap_;
  const RecordReader& records_;
  Callback callback_;
  std::function<std::vector<OpenRealloc>()> reallocs_;
  std::vector<PictureHead> pictures_;  // that will be looked at, by cut
  size_t next_ = 0;
  uint64_t left_out_ = 0;
  uint64_t watch_ticks_;

  bool watching_ = false;
  uint64_t watch_end_ = 0;
  std::vector<CutBlock> blocks_, in_flight_;
  std::vector<CutMapping> mappings_;
  std::vector<LoadedModule> modules_;
  bool after_life_ = false;
  std::vector<bool> seen_;  // by stream: its first heap event behind the cut
};

}  // namespace tidemark::replay
