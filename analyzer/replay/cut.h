// The heap at the cut of a picture: what the events say lived when the program was copied. Together with the picture
// it is all that a heap graph needs.
//
// The cut lies between events: those up to its tick have happened. But a thread may have been stopped inside an
// allocation, after the allocator returned and before it was recorded; so the first heap event of each stream behind
// the cut, if it is an allocation, names a block that may be in the picture, too. Such blocks are `in_flight`: nothing
// is known of who holds them. Likewise the old block of a realloc that was under way.
#pragma once

#include <cstdint>
#include <vector>

#include "analyzer/replay/heap.h"
#include "analyzer/replay/module_table.h"
#include "analyzer/replay/picture.h"
#include "analyzer/replay/program_maps.h"
#include "analyzer/replay/trace_file.h"

namespace tidemark::replay {

struct CutBlock {
  uint64_t address = 0, size = 0;
  uint32_t node = 0;  // of the call tree
  uint16_t in_flight = 0;
  uint16_t unreachable_in = 0;  // earlier pictures
};
static_assert(sizeof(CutBlock) == 24);

struct CutMapping {
  uint64_t begin = 0, end = 0;
  MappingTraits traits;
};

// Valid during the callback that gets it. References are to the replay's state, which is up to 50 ms later than the
// cut.
struct CutHeap {
  const TraceFile& file;
  const Picture& picture;
  std::vector<CutBlock> blocks;              // by address; the callback may move them away
  std::vector<CutMapping> mappings;          // of the program itself, by address
  std::vector<LoadedModule> modules;         // mapped then, by address
  const std::vector<ThreadTotals>& threads;  // all that were seen until then
  const CallTree& tree;
  bool forked = false;      // the process was forked: its memory holds blocks of its parent, which nobody recorded
  bool after_life = false;  // the program's life had ended before, and the picture is not one of its end

  Heap& heap;

  // The block's birth in ticks; 0: it was freed since the cut, or is in flight.
  uint64_t birth(const CutBlock& block) const noexcept {
    const LiveBlock* const live = heap.live().find(block.address);
    return live != nullptr && live->node == block.node && live->birth <= picture.head.cut ? live->birth : 0;
  }
  // To be called for every block that nothing leads to; the replay then watches whether it is freed all the same.
  void judge_unreachable(const CutBlock& block) const {
    heap.judge_unreachable(picture.head.cut, block.address, block.size, block.node, block.unreachable_in);
  }
};

}  // namespace tidemark::replay
