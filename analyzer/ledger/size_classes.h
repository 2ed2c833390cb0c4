// How many bytes a block of a size really takes, learned from how blocks lie beside each other: whatever the allocator,
// the next block cannot begin before this one's place ends. So the least distance seen from a block of a size to the
// next block is the size of its class, headers included, once two have been neighbours; and as classes grow with sizes,
// what was seen for a size bounds all smaller ones.
//
// Of a heap that was mostly freed, few or none of the blocks have a neighbour, and the least distance spans a free
// place. A distance counts as a class's if it is hardly more than was asked for, or if it comes again and again (blocks
// of one size side by side). Without one a block counts up to the next multiple of 16; a large one, which has pages of
// its own, to its last page's end. Both may be too little, and what is missing counts as free.
//
// Memory: a table of the sizes up to kSmall, 40 bytes for each larger size up to kMaxLarge of them. Cost: some ns to
// learn a block, some more to look one up. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidemark::ledger {

class SizeClasses {
 public:
  static constexpr uint64_t kSmall = 4096;
  static constexpr size_t kMaxLarge = size_t{1} << 16;
  static constexpr uint64_t kOwnPages = uint64_t{64} << 10;  // from here on blocks have pages of their own

  SizeClasses() : seen_(kSmall + 1), known_(kSmall + 1, UINT64_MAX), class_of_(kSmall + 1) { settle(); }

  // A block of `size` bytes, and behind it the next one in `distance` bytes.
  void learn(uint64_t size, uint64_t distance) {
    if (size <= kSmall) {
      seen_[size].add(size, distance);
    } else {
      learn_large(size, distance);
    }
  }

  // A heap was learned: what it showed counts from now on. O(sizes log sizes).
  void settle();

  // Bytes that a block takes from its address on, at least `size`.
  uint64_t place_of(uint64_t address, uint64_t size) const noexcept {
    return size <= kSmall ? class_of_[size] : large_place(address, size);
  }

 private:
  static constexpr uint64_t kTight = 16;  // bytes, or a part in kTightPart
  static constexpr uint64_t kTightPart = 64;
  static constexpr uint64_t kOften = 8;  // times, and one in kOftenPart
  static constexpr uint64_t kOftenPart = 4;

  // The largest class that a size may have: no allocator wastes more than a quarter and a little.
  static constexpr uint64_t most(uint64_t size) noexcept { return size + size / 4 + 32; }
  static constexpr uint64_t aligned(uint64_t size) noexcept { return size == 0 ? 16 : (size + 15) & ~uint64_t{15}; }

  // Of one size in the heap under way.
  struct Seen {
    uint64_t least = UINT64_MAX;  // distance
    uint64_t times = 0, blocks = 0;

    void add(uint64_t size, uint64_t distance) noexcept {
      ++blocks;
      if (distance > least || distance < size || distance > most(size) || distance == 0) return;
      times = distance == least ? times + 1 : 1;
      least = distance;
    }
    bool is_class(uint64_t size) const noexcept {
      if (times == 0) return false;
      return least - size <= std::max(kTight, size / kTightPart) || (times >= kOften && times >= blocks / kOftenPart);
    }
  };

  void learn_large(uint64_t size, uint64_t distance);
  uint64_t large_place(uint64_t address, uint64_t size) const noexcept;

  std::vector<Seen> seen_;          // by size
  std::vector<uint64_t> known_;     // by size: the least distance that counts as a class's; UINT64_MAX: none
  std::vector<uint64_t> class_of_;  // by size
  std::unordered_map<uint64_t, Seen> seen_large_;
  std::unordered_map<uint64_t, uint64_t> known_large_;
  std::vector<std::pair<uint64_t, uint64_t>> large_classes_;  // size and class, both ascending
};

}  // namespace tidemark::ledger
