// The call tree as the trace spells it, and what was allocated at each of its nodes (a *site* is a node that
// allocates).
//
// A node may be used before the record that defines it is met: streams are merged by time, and another thread's node
// travels in that thread's stream. Ids grow with the definitions (a recorder uses some for itself), so an id far beyond
// all defined ones is damage: it would otherwise make a few bytes of trace claim gigabytes here. Such uses go to node
// 0, the root, and are counted.
//
// Memory: 88 bytes per node. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "analyzer/base/huge_pages.h"
#include "trace/format.h"

namespace tidemark::replay {

struct CallTreeNode {
  uint64_t pc = 0;  // a return address unless `exact`; 0: never defined; up to trace::kMaxCutPc: why the stack was cut
  uint64_t first_birth = 0;  // ticks of the first block
  uint32_t parent = 0;
  uint32_t module : 31;  // index into the recording's modules
  uint32_t exact : 1;

  static constexpr uint32_t kNoModule = 0x7fffffff;
  CallTreeNode() : module(kNoModule), exact(0) {}
};

// Exactly one cache line: an allocation touches one of these. Bytes are requested bytes.
struct alignas(64) SiteTotals {
  uint64_t live_bytes = 0;
  uint64_t at_peak_bytes = 0;  // valid when epoch is the heap's; see Heap
  uint64_t most_bytes = 0;     // the most that this site ever held
  uint64_t allocated_bytes = 0;
  uint64_t allocations = 0;
  uint64_t temporary : 48 = 0;   // freed by the same thread before its next allocation
  uint64_t last_slice : 16 = 0;  // serial number of the slice of its last allocation
  uint32_t live_blocks = 0;
  uint32_t at_peak_blocks = 0;
  uint32_t epoch = 0;
};
static_assert(sizeof(SiteTotals) == 64);

class CallTree {
 public:
  CallTree() : nodes_(1), totals_(1), defined_(0) {}

  // Records a definition; the first one of an id counts. False: the id or its parent makes no sense.
  bool define(uint32_t id, uint32_t parent, uint64_t pc, bool exact, uint32_t module) {
    if (id == 0 || parent >= id || !reach(id)) return false;
    CallTreeNode& node = nodes_[id];
    if (node.pc != 0) return false;
    node.pc = pc;
    node.parent = parent;
    node.exact = exact ? 1 : 0;
    node.module = module & CallTreeNode::kNoModule;
    ++defined_;
    return true;
  }

  // Makes an id from an event usable as an index; 0 for one that makes no sense.
  uint32_t use(uint32_t id) {
    if (id < nodes_.size()) [[likely]]
      return id;
    if (reach(id)) return id;
    ++senseless_uses_;
    return 0;
  }

  size_t size() const noexcept { return nodes_.size(); }
  uint64_t senseless_uses() const noexcept { return senseless_uses_; }
  const CallTreeNode& node(uint32_t id) const noexcept { return nodes_[id]; }
  CallTreeNode& node(uint32_t id) noexcept { return nodes_[id]; }
  const SiteTotals& totals(uint32_t id) const noexcept { return totals_[id]; }
  SiteTotals& totals(uint32_t id) noexcept { return totals_[id]; }

 private:
  static constexpr uint64_t kMaxSparseness = 4;
  static constexpr uint64_t kMaxAhead = uint64_t{1} << 20;

  bool reach(uint32_t id) {
    if (id < nodes_.size()) return true;
    if (id > kMaxSparseness * defined_ + kMaxAhead) return false;
    nodes_.resize(size_t{id} + 1);
    totals_.resize(size_t{id} + 1);
    return true;
  }

  std::vector<CallTreeNode, HugePageAllocator<CallTreeNode>> nodes_;
  std::vector<SiteTotals, HugePageAllocator<SiteTotals>> totals_;
  uint64_t defined_;
  uint64_t senseless_uses_ = 0;
};

}  // namespace tidemark::replay
