// Which blocks the roots reach, from which root, and on which way.
//
// Strong roots first, in the order of RootKind, breadth first within a kind: a block that a global and a stack reach is
// held by the global, on a shortest way from any global. Then whatever weak edges of held blocks, weak roots, and
// mappings that nothing else holds lead to, by edges of both sorts, is weakly reachable.
//
// O(blocks + edges + weakly reached blocks x log weak edges). Memory: 9 bytes per block, and 4 more while it runs.
#pragma once

#include <cstdint>
#include <span>

#include "analyzer/base/huge_pages.h"
#include "analyzer/graph/block.h"
#include "analyzer/graph/edges.h"
#include "analyzer/graph/roots.h"

namespace tidemark::graph {

// By block. Of an unreachable block only `reach` is set.
struct Reached {
  ZeroedArray<Reach> reach;
  ZeroedArray<uint32_t> parent;  // the block before it on the way; kNone: the root itself points to it
  ZeroedArray<uint32_t> group;   // of the root at the way's start; kNone: that block is its own root
};

Reached find_reachable(std::span<const Block> blocks, const Edges& edges, const Roots& roots);

}  // namespace tidemark::graph
