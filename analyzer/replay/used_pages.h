// In which pages a block of the heap ever lay. Tells a page that the allocator keeps after its blocks were freed from
// one that it never handed out (its own tables).
//
// A bit for each page of 4 KiB, in granules of 2 MiB that blocks touched; large blocks are kept as ranges that merge.
// Memory: 64 bytes per 2 MiB of heap, 48 bytes per gap between large blocks. Cost: some ns per block. A hostile trace
// may name any number of addresses: from kMaxGranules or kMaxRanges on nothing new is noted. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

namespace tidemark::replay {

class UsedPages {
 public:
  static constexpr unsigned kPageShift = 12;
  static constexpr size_t kMaxGranules = size_t{1} << 20;  // 2 TiB of heap
  static constexpr size_t kMaxRanges = size_t{1} << 18;

  // A block of `size` bytes lies at `address`. An empty one counts as a byte.
  void note(uint64_t address, uint64_t size) {
    if (size >= kLarge) return note_large(address, size);
    const uint64_t first = address >> kPageShift;
    const uint64_t last = (address + (size == 0 ? 0 : size - 1)) >> kPageShift;
    if (first == last_page_ && last == first) return;
    for (uint64_t page = first; page <= last; ++page) {
      Granule* const granule = granule_of(page >> kGranuleShift);
      if (granule != nullptr) (*granule)[page / 64 % kWords] |= uint64_t{1} << (page % 64);
    }
    last_page_ = last;
  }

  // Whether a block ever lay in the page that holds `address`. Fast if the addresses ascend.
  bool used(uint64_t address) const noexcept;

  // Whether one ever lay in some page of [begin, end).
  bool any_used(uint64_t begin, uint64_t end) const;

  // Of the pages with the numbers [first, behind), those in which one ever lay. O(granules and ranges there), and not
  // of the pages, of which a damaged trace may name any number.
  uint64_t count_used(uint64_t first, uint64_t behind) const;

 private:
  static constexpr uint64_t kLarge = uint64_t{1} << 20;
  static constexpr unsigned kGranuleShift = 9;  // pages
  static constexpr size_t kWords = (size_t{1} << kGranuleShift) / 64;
  using Granule = std::array<uint64_t, kWords>;

  Granule* granule_of(uint64_t index) {
    if (index == last_index_) return last_granule_;
    return find_granule(index);
  }
  Granule* find_granule(uint64_t index);
  void note_large(uint64_t address, uint64_t size);
  const std::vector<uint64_t>& sorted_indexes() const;

  std::unordered_map<uint64_t, Granule> granules_;  // its elements stay where they are
  std::map<uint64_t, uint64_t> ranges_;             // begin -> end in bytes, disjoint
  uint64_t last_page_ = UINT64_MAX;
  uint64_t last_index_ = UINT64_MAX;
  Granule* last_granule_ = nullptr;
  mutable std::vector<uint64_t> indexes_;  // of granules_, ascending; made when asked for
  mutable uint64_t asked_index_ = UINT64_MAX;
  mutable const Granule* asked_granule_ = nullptr;
};

}  // namespace tidemark::replay
