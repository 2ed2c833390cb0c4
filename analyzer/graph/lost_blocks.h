// The unreachable blocks, sorted by what was lost: strongly connected components, the heads among them that no other
// unreachable block points to, and for every block the one head it belongs to.
//
// A head is what the program lost its last pointer to: one block, or a cycle (more than one block, each of which leads
// to every other). Its members are lost directly, the rest of what it leads to indirectly. A block that several heads
// lead to belongs to the one with the lowest address. Every unreachable block belongs to exactly one head. Only full
// edges count.
//
// Components are Tarjan's, in the form of Pearce ("A space-efficient algorithm for finding strongly connected
// components", 2016), without recursion. O(blocks + edges). Memory: 16 bytes per unreachable block, 8 per head, and up
// to 16 more per unreachable block while it runs; 2 bits per block.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/base/huge_pages.h"
#include "analyzer/graph/block.h"
#include "analyzer/graph/edges.h"
#include "analyzer/graph/number_set.h"

namespace tidemark::graph {

struct Head {
  uint32_t block = kNone;  // its member with the lowest address
  bool cycle = false;
  uint32_t direct_blocks = 0;
  uint32_t indirect_blocks = 0;
  uint64_t direct_bytes = 0;
  uint64_t indirect_bytes = 0;
};

class LostBlocks {
 public:
  LostBlocks() = default;
  // `reach` is by block. `blocks` and `edges` must outlive this.
  LostBlocks(std::span<const Block> blocks, const Edges& edges, const ZeroedArray<Reach>& reach);

  uint32_t count() const noexcept { return lost_.count(); }  // unreachable blocks
  uint32_t component_count() const noexcept { return component_count_; }

  // Heads are numbered in the order of their addresses. O(its blocks).
  uint32_t head_count() const noexcept { return static_cast<uint32_t>(heads_.size()); }
  Head head(uint32_t head) const noexcept;
  std::span<const uint32_t> direct(uint32_t head) const noexcept;    // ascending
  std::span<const uint32_t> indirect(uint32_t head) const noexcept;  // the nearest to the head first

  // All of these are kNone or false of blocks that are not unreachable.
  uint32_t head_of(uint32_t block) const noexcept { return look_up(head_of_, block); }
  // The block before it on a shortest way from its head's members; kNone for these.
  uint32_t parent(uint32_t block) const noexcept { return look_up(parent_, block); }
  // A number that blocks of one component share.
  uint32_t component(uint32_t block) const noexcept { return look_up(component_, block); }
  // Whether it leads back to itself through other blocks.
  bool in_cycle(uint32_t block) const noexcept { return is_lost(block) && in_cycle_[lost_.index(block)]; }

  // A shortest cycle through `block`, which comes first; the last one points to it. Empty: there is none, or none was
  // found among the nearest `max_visited` blocks. O(edges of the blocks visited), 16 to 40 bytes for each.
  std::vector<uint32_t> cycle_through(uint32_t block, size_t max_visited = size_t{1} << 20) const;

 private:
  struct Extent {
    uint32_t begin;  // in by_head_; the next head's is the end
    uint32_t direct;
  };

  bool is_lost(uint32_t block) const noexcept { return lost_.contains(block); }
  uint32_t look_up(const ZeroedArray<uint32_t>& array, uint32_t block) const noexcept {
    return is_lost(block) ? array[lost_.index(block)] : kNone;
  }
  uint32_t extent_end(uint32_t head) const noexcept {
    return head + 1 < heads_.size() ? heads_[head + 1].begin : count();
  }
  void find_components();
  std::vector<bool> find_pointed_to() const;
  void find_heads();
  void prefetch_heads(size_t at) const;
  void add_head(uint32_t block);

  std::span<const Block> blocks_;
  const Edges* edges_ = nullptr;
  NumberSet lost_;
  uint32_t component_count_ = 0;
  // By index in lost_.
  ZeroedArray<uint32_t> component_;
  ZeroedArray<uint32_t> head_of_;
  ZeroedArray<uint32_t> parent_;
  std::vector<bool> in_cycle_;
  std::vector<Extent> heads_;
  std::vector<uint32_t> by_head_;  // each head's members, then the rest that belongs to it
};

}  // namespace tidemark::graph
