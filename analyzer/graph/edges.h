// Which block points to which, as compressed sparse rows: the targets of all blocks behind one another, and where each
// block's begin. Edges come in the order of their sources and are appended; the few that come late are kept aside and
// merged in by finish(), in place.
//
// Weak edges lie apart, as pairs, since they are few and matter to one question only.
//
// Memory: 4 bytes per block, 4 per full edge (up to half as much again for a moment while the array grows), 8 per weak
// edge. Full edges beyond kMaxEdges are counted and left out. Not thread-safe before finish().
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/base/huge_pages.h"
#include "analyzer/graph/block.h"

namespace tidemark::graph {

struct Edge {
  uint32_t source;
  uint32_t target;
  friend bool operator==(const Edge&, const Edge&) = default;
  friend bool operator<(const Edge& one, const Edge& other) {
    return one.source != other.source ? one.source < other.source : one.target < other.target;
  }
};

class Edges {
 public:
  explicit Edges(uint32_t block_count) : block_count_(block_count), row_starts_(size_t{block_count} + 1) {}

  // Fast if no source so far was greater. The same edge twice in a row is stored once.
  void add(uint32_t source, uint32_t target);
  void add_weak(uint32_t source, uint32_t target);
  // To be called before anything below; more may be added, and finished, later.
  void finish();

  uint32_t block_count() const noexcept { return block_count_; }
  uint64_t count() const noexcept { return targets_.size(); }
  uint64_t over_limit() const noexcept { return over_limit_; }

  std::span<const uint32_t> targets(uint32_t block) const noexcept {
    return {targets_.data() + row_starts_[block], targets_.data() + row_starts_[block + 1]};
  }
  void prefetch_row(uint32_t block) const noexcept { __builtin_prefetch(&row_starts_[block]); }
  void prefetch_targets(uint32_t block) const noexcept { __builtin_prefetch(targets_.data() + row_starts_[block]); }

  std::span<const Edge> weak() const noexcept { return weak_; }    // sorted, each once
  std::span<const Edge> weak_from(uint32_t block) const noexcept;  // O(log weak edges)

 private:
  void merge_late();

  uint32_t block_count_;
  uint32_t rows_begun_ = 0;  // row_starts_ is set up to and including this block
  ZeroedArray<uint32_t> row_starts_;
  std::vector<uint32_t, HugePageAllocator<uint32_t>> targets_;
  std::vector<Edge> weak_;
  std::vector<Edge> late_;
  uint64_t over_limit_ = 0;
};

}  // namespace tidemark::graph
