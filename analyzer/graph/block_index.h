// The blocks in the order of their addresses, none overlapping another, and which of them an address lies in.
//
// Addresses are sparse (a program's heap and its mappings lie terabytes apart) and, in a damaged trace, hostile. The
// blocks are cut into segments at the large gaps; each segment has a table with an entry for every so many bytes, which
// says which block is the first to start there. A look-up is a binary search among the segments (tens in a usual
// program), one entry of the table and a few neighbouring blocks: two misses of the cache, which find_all overlaps for
// many values. Where blocks crowd into few entries, the search within an entry is binary, so that no set of addresses
// costs more than O(log blocks).
//
// Memory: 24 bytes per block, at most 2 for the table, and at most 24 per 64 blocks for the segments.
// Immutable once built, so that any number of threads may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/base/huge_pages.h"
#include "analyzer/graph/block.h"

namespace tidemark::graph {

class BlockIndex {
 public:
  // In any order. Of blocks that overlap, one is kept: an ordinary block before one in flight before a mapping, then
  // the one that starts first, then the larger. A block that would reach beyond the last address is cut there.
  explicit BlockIndex(std::vector<Block> blocks);

  std::span<const Block> blocks() const noexcept { return blocks_; }
  uint64_t overlapping() const noexcept { return overlapping_; }  // blocks left out
  uint64_t over_limit() const noexcept { return over_limit_; }    // blocks left out, beyond kMaxBlocks

  Target find(uint64_t value) const noexcept {
    const Bucket bucket = bucket_of(value);
    return bucket == kNoBucket ? Target{} : find_in(bucket, value);
  }

  // find() of each, into `targets` of the same length.
  void find_all(std::span<const uint64_t> values, Target* targets) const noexcept;

  // The block whose requested bytes cover `address`, or kNone.
  uint32_t block_at(uint64_t address) const noexcept {
    const Target target = find(address);
    return target.block != kNone && target.offset < blocks_[target.block].size ? target.block : kNone;
  }

 private:
  using Bucket = size_t;  // of table_
  static constexpr Bucket kNoBucket = SIZE_MAX;

  struct Segment {
    uint32_t first_bucket;
    uint32_t last_bucket;
    unsigned shift;  // a bucket is 2^shift bytes
  };

  void sort_and_separate();
  void build_table();
  void add_segment(size_t begin, size_t end);
  Bucket bucket_of(uint64_t value) const noexcept;
  Target find_in(Bucket bucket, uint64_t value) const noexcept;

  std::vector<Block> blocks_;
  std::vector<uint64_t> segment_starts_;
  std::vector<Segment> segments_;
  // The first block that starts in the bucket or later; one more at the end: the number of blocks.
  std::vector<uint32_t, HugePageAllocator<uint32_t>> table_;
  uint64_t overlapping_ = 0;
  uint64_t over_limit_ = 0;
};

}  // namespace tidemark::graph
