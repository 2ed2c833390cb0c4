// The dominator tree from above: what each holder keeps, the largest first.
//
// Memory: 8 bytes per node. Building takes O(nodes); the children of a node are sorted when they are first asked for,
// and so this is not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/base/huge_pages.h"
#include "analyzer/graph/block.h"
#include "analyzer/graph/dominators.h"

namespace tidemark::graph {

class HolderTree {
 public:
  // The arguments must outlive this.
  HolderTree(std::span<const Block> blocks, const ZeroedArray<Reach>& reach, const Dominators& dominators);

  // By retained bytes, the most first; equal ones in the order of their numbers.
  std::span<const uint32_t> children(uint32_t node);

  // The child that retains most, of equals the first; kNone: there is none. O(children).
  uint32_t heaviest_child(uint32_t node) const noexcept;

  // Where what `node` retains comes together: goes down while the heaviest child keeps at least `share` of its parent.
  // A list, whose blocks each keep nearly as much as the one before, is one place, and what is returned is its first
  // block: once the way leads from block to block of one site and has lost more than 1 - `share` of what the first of
  // these retains, it goes back there and ends. O(all children on the way).
  uint32_t accumulation_point(uint32_t node, double share = 0.7) const noexcept;

 private:
  uint64_t retained(uint32_t node) const noexcept { return dominators_.retained[node]; }
  bool same_site(uint32_t one, uint32_t other) const noexcept {
    const NodeNumbers& nodes = dominators_.nodes;
    return nodes.is_block(one) && nodes.is_block(other) && blocks_[one].site == blocks_[other].site;
  }

  std::span<const Block> blocks_;
  const Dominators& dominators_;
  ZeroedArray<uint32_t> row_starts_;  // by node
  ZeroedArray<uint32_t> children_;
  std::vector<uint64_t> sorted_;  // a bit per node
};

}  // namespace tidemark::graph
