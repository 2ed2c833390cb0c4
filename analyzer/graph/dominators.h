// Who alone keeps what: the dominator tree over a virtual root, the groups of root words, and the blocks that full
// edges reach from there. A node dominates a block if every way from the roots to the block leads through it; what it
// dominates would be unreachable without it, and its retained size is what that would free.
//
// The algorithm is Lengauer and Tarjan's ("A fast algorithm for finding dominators in a flowgraph", 1979) with simple
// path compression, O(edges x log blocks) in the worst case. The semi-NCA variant is shorter and mostly as fast, but
// takes quadratic time where, for instance, a long list ends at a table whose elements are held elsewhere too.
// Nothing recurses: a list may be ten million blocks long.
//
// Memory: 12 bytes per block for the result; while it runs, 28 per block and 4 per full edge beside the edges
// themselves, and in the worst case (a list of all blocks whose end points back to its begin) 8 more per block.
#pragma once

#include <cstdint>
#include <span>

#include "analyzer/base/huge_pages.h"
#include "analyzer/graph/block.h"
#include "analyzer/graph/edges.h"
#include "analyzer/graph/roots.h"

namespace tidemark::graph {

// Nodes are numbered: blocks by their indices, then the groups, then the virtual root.
struct NodeNumbers {
  uint32_t blocks = 0;
  uint32_t groups = 0;

  bool is_block(uint32_t node) const noexcept { return node < blocks; }
  bool is_group(uint32_t node) const noexcept { return node >= blocks && node - blocks < groups; }
  uint32_t of_group(uint32_t group) const noexcept { return blocks + group; }
  uint32_t group(uint32_t node) const noexcept { return node - blocks; }
  uint32_t root() const noexcept { return blocks + groups; }
  size_t count() const noexcept { return size_t{blocks} + groups + 1; }
};

struct Dominators {
  NodeNumbers nodes;
  // The nearest, by node: a block, a group (all ways come from it), or the root. kNone: of the root, and of groups
  // without full words. Of blocks that are not reachable it says nothing.
  ZeroedArray<uint32_t> dominator;
  // Bytes of all blocks that the node dominates, itself included; 0 of what is not reachable.
  ZeroedArray<uint64_t> retained;
};

Dominators find_dominators(std::span<const Block> blocks, const Edges& edges, const Roots& roots);

}  // namespace tidemark::graph
