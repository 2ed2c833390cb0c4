#include "analyzer/graph/block_index.h"

#include <algorithm>
#include <array>
#include <bit>

namespace tidemark::graph {
namespace {

// Gaps below this do not begin a segment: an arena's blocks stay together.
constexpr unsigned kMinGapBits = 20;
// Segments are to be few beside blocks.
constexpr size_t kBlocksPerSegment = 64;
// Within an entry of the table, longer stretches are searched by halves.
constexpr size_t kLinearSearch = 8;

// Who is kept of two that overlap: the lower.
int rank(const Block& block) { return (block.flags & kMapping) != 0 ? 2 : (block.flags & kInFlight) != 0 ? 1 : 0; }

bool before(const Block& one, const Block& other) {
  if (one.address != other.address) return one.address < other.address;
  if (rank(one) != rank(other)) return rank(one) < rank(other);
  return one.size > other.size;
}

}  // namespace

BlockIndex::BlockIndex(std::vector<Block> blocks) : blocks_(std::move(blocks)) {
  sort_and_separate();
  build_table();
}

void BlockIndex::sort_and_separate() {
  for (Block& block : blocks_) {
    if (block.address != 0) block.size = std::min(block.size, 0 - block.address);
  }
  if (!std::is_sorted(blocks_.begin(), blocks_.end(), before)) std::sort(blocks_.begin(), blocks_.end(), before);

  size_t kept = 0;
  for (const Block& block : blocks_) {
    if (kept != 0) {
      Block& last = blocks_[kept - 1];
      const uint64_t offset = block.address - last.address;
      if (offset < last.size || offset == 0) {
        ++overlapping_;
        // What precedes `last` ends before it begins, and so before this one.
        if (rank(block) < rank(last)) last = block;
        continue;
      }
    }
    blocks_[kept++] = block;
  }
  if (kept > kMaxBlocks) {
    over_limit_ = kept - kMaxBlocks;
    kept = kMaxBlocks;
  }
  blocks_.resize(kept);
}

void BlockIndex::build_table() {
  const size_t count = blocks_.size();
  // How many gaps between starts have so many bits: the shortest gap that may begin a segment without too many of them.
  std::array<size_t, 65> gaps{};
  for (size_t i = 1; i < count; ++i) ++gaps[std::bit_width(blocks_[i].address - blocks_[i - 1].address)];
  unsigned bits = 64;
  size_t segments = gaps[64];
  while (bits > kMinGapBits && segments + gaps[bits - 1] <= count / kBlocksPerSegment + kBlocksPerSegment) {
    segments += gaps[--bits];
  }

  table_.reserve(count / 2 + segments + 2);
  size_t begin = 0;
  for (size_t i = 1; i <= count; ++i) {
    if (i == count || static_cast<unsigned>(std::bit_width(blocks_[i].address - blocks_[i - 1].address)) >= bits) {
      add_segment(begin, i);
      begin = i;
    }
  }
  table_.push_back(static_cast<uint32_t>(count));
}

void BlockIndex::add_segment(size_t begin, size_t end) {
  const uint64_t start = blocks_[begin].address;
  const uint64_t span = blocks_[end - 1].address - start;
  const uint64_t most_buckets = std::max<uint64_t>(1, (end - begin) / 2);
  unsigned shift = 0;
  while (shift < 63 && (span >> shift) >= most_buckets) ++shift;
  if ((span >> shift) >= most_buckets) ++shift;  // one bucket for all addresses: see bucket_of

  const auto first = static_cast<uint32_t>(table_.size());
  const uint64_t buckets = shift == 64 ? 1 : (span >> shift) + 1;
  size_t block = begin;
  for (uint64_t bucket = 0; bucket < buckets; ++bucket) {
    while (block < end && bucket != 0 && (blocks_[block].address - start) >> shift < bucket) ++block;
    table_.push_back(static_cast<uint32_t>(block));
  }
  segment_starts_.push_back(start);
  segments_.push_back({first, static_cast<uint32_t>(table_.size() - 1), shift});
}

BlockIndex::Bucket BlockIndex::bucket_of(uint64_t value) const noexcept {
  // The last segment that starts at or before the value; written so that it compiles to moves instead of jumps.
  const uint64_t* const starts = segment_starts_.data();
  size_t length = segment_starts_.size();
  if (length == 0 || value < starts[0]) return kNoBucket;
  size_t found = 0;
  while (length > 1) {
    const size_t half = length / 2;
    found = starts[found + half] <= value ? found + half : found;
    length -= half;
  }
  const Segment& segment = segments_[found];
  const uint64_t bucket = segment.shift == 64 ? 0 : (value - starts[found]) >> segment.shift;
  return static_cast<Bucket>(std::min<uint64_t>(segment.last_bucket, segment.first_bucket + bucket));
}

Target BlockIndex::find_in(Bucket bucket, uint64_t value) const noexcept {
  // The last block that starts at or before the value: among those that start in this bucket, or else the one before,
  // which exists because the first bucket of a segment begins where its first block does.
  size_t begin = table_[bucket];
  size_t end = table_[bucket + 1];
  if (end - begin > kLinearSearch) {
    begin = std::upper_bound(blocks_.begin() + begin, blocks_.begin() + end, value,
                             [](uint64_t address, const Block& block) { return address < block.address; }) -
            blocks_.begin();
  } else {
    while (begin < end && blocks_[begin].address <= value) ++begin;
  }
  const size_t found = begin - 1;
  const Block& block = blocks_[found];
  const uint64_t offset = value - block.address;
  if (offset < block.size || offset == 0) return {static_cast<uint32_t>(found), offset, false};
  if (offset == block.size) return {static_cast<uint32_t>(found), offset, true};
  return {};
}

void BlockIndex::find_all(std::span<const uint64_t> values, Target* targets) const noexcept {
  constexpr size_t kAtOnce = 64;
  std::array<Bucket, kAtOnce> buckets;
  for (size_t from = 0; from < values.size(); from += kAtOnce) {
    const size_t count = std::min(kAtOnce, values.size() - from);
    for (size_t i = 0; i < count; ++i) {
      buckets[i] = bucket_of(values[from + i]);
      if (buckets[i] != kNoBucket) __builtin_prefetch(&table_[buckets[i]]);
    }
    for (size_t i = 0; i < count; ++i) {
      if (buckets[i] == kNoBucket) continue;
      const size_t first = table_[buckets[i]];
      __builtin_prefetch(&blocks_[first == 0 ? 0 : first - 1]);
      __builtin_prefetch(&blocks_[std::min(first + 1, blocks_.size() - 1)]);
    }
    for (size_t i = 0; i < count; ++i) {
      targets[from + i] = buckets[i] == kNoBucket ? Target{} : find_in(buckets[i], values[from + i]);
    }
  }
}

}  // namespace tidemark::graph
