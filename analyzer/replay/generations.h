// Births and survivors by site (call-tree node): for every slice of the run (slices.h) the blocks that were born there
// and outlived it, and in which later slice they ended. It is what tells growth that stays from growth that drains.
//
// A block that dies in the slice of its birth, as most do, leaves no trace here and costs a compare. realloc keeps a
// block's birth, and so does a container that grows by allocating a larger array and freeing the old one (see
// LastGrown): a growing object is one object.
//
// Memory: 16 bytes per site, and per pair (born in slice, changed in slice) of a site another 16: a few hundred bytes
// for a site whose blocks outlive slices, 33 KB at worst. Cost of a block that ends in a later slice: about 20 ns. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/replay/slices.h"

namespace tidemark::replay {

// What became of a site's blocks that were born in one slice: in `slice` == `born`, those that outlived it; in a later
// one, the change (negative: they ended; positive: a realloc made them larger, or moved them to this site).
struct GenerationCell {
  uint8_t born = 0, slice = 0;
  int32_t blocks = 0;
  int64_t bytes = 0;
};
static_assert(sizeof(GenerationCell) == 16);

class Generations {
 public:
  Generations(uint64_t start_ticks, uint64_t first_slice_ticks) : slices_(start_ticks, first_slice_ticks) {}

  const Slices& slices() const noexcept { return slices_; }
  uint16_t serial() const noexcept { return slices_.serial(); }
  bool due(uint64_t time) const noexcept { return slices_.due(time, events_) && !ended_; }
  bool paused(uint64_t time) const noexcept { return slices_.paused(time) && !ended_; }

  // Every allocation and free is to be counted, before the heap's figures change.
  void count_event() noexcept { ++events_; }

  // A block of an earlier slice, `serial`, came to the site (blocks = 1), left it (-1), or changed.
  void change(uint32_t site, uint16_t serial, int32_t blocks, int64_t bytes);

  // A site allocates for the first time in the slice under way.
  void touch(uint32_t site) { touched_.push_back(site); }

  // Ends the slice under way at `time`. `live(site)` answers {blocks, bytes} of a site, for those that were touched.
  template <class Live>
  void close(uint64_t time, RunSlice slice, Live&& live) {
    if (!slices_.close(time, events_, slice)) return;
    const auto closed = static_cast<uint8_t>(slices_.size() - 1);
    for (const uint32_t site : touched_) {
      const auto [blocks, bytes] = live(site);
      outlived(site, closed, blocks, bytes);
    }
    touched_.clear();
    if (slices_.full()) compact();
  }
  bool due_at_mark(uint64_t time) const noexcept { return slices_.due_at_mark(time, events_); }

  // No further slices, and no further changes may come.
  void end() noexcept { ended_ = true; }
  bool ended() const noexcept { return ended_; }

  // By slice, ascending. Of slices that have ended.
  std::span<const GenerationCell> cells(uint32_t site) const noexcept;

 private:
  struct History {
    std::vector<GenerationCell> cells;      // by slice; within one in any order
    int64_t old_blocks = 0, old_bytes = 0;  // what of the site is live and from slices before the one under way
  };

  History& history(uint32_t site);
  void outlived(uint32_t site, uint8_t closed, uint64_t blocks, uint64_t bytes);
  void compact();

  Slices slices_;
  uint64_t events_ = 0;
  bool ended_ = false;
  std::vector<uint32_t> history_of_;  // by site: position + 1 in histories_, 0 without
  std::vector<History> histories_;
  std::vector<uint32_t> touched_;  // sites that allocated in the slice under way
};

}  // namespace tidemark::replay
