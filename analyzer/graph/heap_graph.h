// The heap at one moment as a graph: blocks, the pointers between them, and the roots that point in from outside. Says
// of every block whether something still reaches it, what holds it, and who alone keeps how much; and of the
// unreachable ones what was lost.
//
//   HeapGraph graph(blocks);
//   for each word of memory: if (!graph.add_word(address, value, weak)) { decide whether it is a root; graph.add_root()
//   } graph.solve(); graph.path(block), graph.retained(graph.group_node(group)), graph.lost().head(0),
//   graph.holder_tree() ...
//
// What is what: an edge is full if the value lies inside a block, and weak if it is one past a block's end where no
// other begins, or the caller says so (a tagged pointer). A block's pointers to itself hold nothing. A block is
// reachable if full edges lead to it from a full root; weakly reachable if it takes a weak root or edge; else
// unreachable.
//
// Costs of 10 million blocks and 30 million edges: bench/graph. Memory beyond the 24 bytes of each block: 6 bytes per
// block and 4 per full edge to build it, 28 and 4 once solved (and 16 per unreachable block, 8 per node of the holder
// tree), about 31 and 8 at most while dominators are found. Nothing recurses, and no input takes more than O(edges x
// log blocks). Not thread-safe. Throws std::bad_alloc only.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "analyzer/graph/block.h"
#include "analyzer/graph/block_index.h"
#include "analyzer/graph/dominators.h"
#include "analyzer/graph/edges.h"
#include "analyzer/graph/holder_tree.h"
#include "analyzer/graph/lost_blocks.h"
#include "analyzer/graph/reachability.h"
#include "analyzer/graph/roots.h"

namespace tidemark::graph {

class HeapGraph {
 public:
  explicit HeapGraph(std::vector<Block> blocks);
  HeapGraph(const HeapGraph&) = delete;
  HeapGraph& operator=(const HeapGraph&) = delete;

  std::span<const Block> blocks() const noexcept { return index_.blocks(); }
  uint32_t block_count() const noexcept { return static_cast<uint32_t>(blocks().size()); }
  Target find(uint64_t value) const noexcept { return index_.find(value); }
  uint32_t block_at(uint64_t address) const noexcept { return index_.block_at(address); }

  // A word of memory at `source`. False: no block covers all of it, and it may be a root. Fast for sources that ascend;
  // others are taken too (their edges lie aside, 8 bytes each, until the graph is solved).
  bool add_word(uint64_t source, uint64_t value, bool weak);
  // `group`: the caller's number of an object that holds root words, dense from 0, of one kind.
  void add_root(uint32_t group, RootKind kind, uint32_t block, bool weak) { roots_.add(group, kind, block, weak); }

  void solve_reachability();
  // Reachability, the dominator tree, and the unreachable blocks. Calls `done` after each phase with its name.
  void solve(const std::function<void(const char* phase)>& done = {});

  // --- What was left out: a damaged trace, or one beyond the limits (see block.h).
  uint64_t overlapping_blocks() const noexcept { return index_.overlapping(); }
  uint64_t over_limit() const noexcept { return index_.over_limit() + edges_.over_limit() + roots_.over_limit(); }

  // --- The edges, once solved in either way.
  uint64_t edge_count() const noexcept { return edges_.count(); }
  uint64_t weak_edge_count() const noexcept { return edges_.weak().size(); }
  std::span<const uint32_t> targets(uint32_t block) const noexcept { return edges_.targets(block); }
  std::span<const Edge> weak_targets(uint32_t block) const noexcept { return edges_.weak_from(block); }
  // Blocks with a full edge to `block`, ascending, up to `limit`. O(all edges).
  std::vector<uint32_t> referrers(uint32_t block, size_t limit = SIZE_MAX) const;
  // Whether a full pointer of the block leads to itself: such a block is no cycle, but self-linked.
  bool self_linked(uint32_t block) const noexcept { return self_linked_[block / 64] >> block % 64 & 1; }

  // --- Reachability, once solved in either way.
  Reach reach(uint32_t block) const noexcept { return reached_.reach[block]; }
  // Of the root that holds the block; kNone: unreachable, or a block on the way is its own root.
  uint32_t root_group(uint32_t block) const noexcept {
    return reach(block) == Reach::kUnreachable ? kNone : reached_.group[block];
  }
  // Of reachable and weakly reachable blocks: the kind of the root at the begin of the way, where it may be weakly
  // held.
  RootKind root_kind(uint32_t block) const noexcept { return roots_.kind(root_group(block)); }
  RootKind group_kind(uint32_t group) const noexcept { return roots_.kind(group); }
  // The block before it on the way from the root, or, if it is unreachable and solve() was called, from its head.
  // kNone: there is none before.
  uint32_t parent(uint32_t block) const noexcept {
    if (reach(block) != Reach::kUnreachable) return reached_.parent[block];
    return lost_.count() != 0 ? lost_.parent(block) : kNone;  // none without solve()
  }
  // From the root's first block (or a member of the head) to `block`, both included. O(length).
  std::vector<uint32_t> path(uint32_t block) const;

  // --- The dominator tree, after solve(). Its nodes are the reachable blocks, by their indices, the groups that hold
  // some by full words, and the virtual root.
  uint32_t group_node(uint32_t group) const noexcept { return dominators_.nodes.of_group(group); }
  uint32_t root_node() const noexcept { return dominators_.nodes.root(); }
  const NodeNumbers& nodes() const noexcept { return dominators_.nodes; }
  // kNone: the root, or no node of the tree.
  uint32_t dominator(uint32_t node) const noexcept {
    if (nodes().is_block(node) && reach(node) != Reach::kReachable) return kNone;
    return dominators_.dominator[node];
  }
  // Bytes; of the root, of all that is reachable; 0 of what is no node of the tree.
  uint64_t retained(uint32_t node) const noexcept { return dominators_.retained[node]; }
  // Built when first asked for.
  HolderTree& holder_tree();

  // --- The unreachable blocks, after solve().
  const LostBlocks& lost() const noexcept { return lost_; }

 private:
  static constexpr size_t kPending = 256;
  static constexpr uint64_t kWordBytes = 8;

  uint32_t source_block(uint64_t source) noexcept;
  void resolve_pending();
  void finish_building();

  BlockIndex index_;
  Edges edges_;
  Roots roots_;
  std::vector<uint64_t> self_linked_;  // a bit per block

  // Words whose values wait to be looked up together.
  std::array<uint64_t, kPending> pending_values_;
  std::array<uint32_t, kPending> pending_sources_;  // blocks
  std::array<bool, kPending> pending_weak_;
  size_t pending_ = 0;
  uint64_t last_source_ = 0;
  uint32_t cursor_ = 0;  // the first block that ends behind last_source_

  Reached reached_;
  Dominators dominators_;
  LostBlocks lost_;
  std::optional<HolderTree> holder_tree_;
};

}  // namespace tidemark::graph
