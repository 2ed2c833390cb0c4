// The blocks that live at a moment of the replay, by address.
//
// Addresses keep their neighbourhood: a region of 2 KiB of the heap has one small array of its blocks, found through a
// hash table of regions; a block is found in its region by its one-byte key (its address in units of 8) with memchr.
// Programs allocate and free mostly near to where they just did, so most accesses stay in the processor's caches. A
// hash table of blocks scatters them: with 4.5 million live blocks it took 125 ns per event, waiting for memory at
// every step.
//
// Memory: 25 bytes per place in an array that doubles, and about 50 bytes per region: 30 to 55 bytes per block of up to
// a few hundred bytes. Blocks at addresses that are no multiples of 8, which no allocator gives, go to a map of their
// own. The table of regions is hashed with a seed, so that a hostile trace cannot choose colliding addresses. Not
// thread-safe; pointers to blocks are valid until the next change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <unordered_map>

#include "analyzer/base/huge_pages.h"

namespace tidemark::replay {

struct LiveBlock {
  static constexpr uint32_t kThreadBits = 24;
  static constexpr uint32_t kMostPictures = 255;

  uint64_t size : 48;           // requested bytes
  uint64_t slice : 16;          // serial number of the slice of its birth (slices.h)
  uint64_t birth;               // ticks; a realloc keeps its block's birth
  uint32_t node;                // of the call tree
  uint32_t thread : 24;         // slot of the thread that allocated it
  uint32_t unreachable_in : 8;  // pictures of the heap in which nothing led to it, at most kMostPictures
};
static_assert(sizeof(LiveBlock) == 24);

class LiveMap {
 public:
  LiveMap();
  ~LiveMap();
  LiveMap(const LiveMap&) = delete;
  LiveMap& operator=(const LiveMap&) = delete;

  size_t size() const noexcept { return size_; }

  const LiveBlock* find(uint64_t address) const noexcept { return const_cast<LiveMap*>(this)->find(address); }
  LiveBlock* find(uint64_t address) noexcept {
    if (is_odd(address)) [[unlikely]]
      return find_odd(address);
    const Slot& slot = slots_[slot_of(address)];
    return slot.region == nullptr ? nullptr : slot.region->find(key_of(address));
  }

  // Puts `block` at `address`. True: another one was there, which `before` now holds.
  bool put(uint64_t address, const LiveBlock& block, LiveBlock& before) {
    if (is_odd(address)) [[unlikely]]
      return put_odd(address, block, before);
    Slot& slot = slots_[slot_of(address)];
    if (slot.region != nullptr) [[likely]] {
      if (LiveBlock* const found = slot.region->find(key_of(address))) [[unlikely]] {
        before = *found;
        *found = block;
        return true;
      }
      if (slot.region->count < slot.region->capacity) [[likely]] {
        slot.region->append(key_of(address), block);
        ++size_;
        return false;
      }
    }
    put_in_grown(slot, address, block);
    return false;
  }

  // Takes the block at `address` out, into `block`. False: there is none.
  bool take(uint64_t address, LiveBlock& block) {
    if (is_odd(address)) [[unlikely]]
      return take_odd(address, block);
    const size_t at = slot_of(address);
    Region* const region = slots_[at].region;
    LiveBlock* const found = region == nullptr ? nullptr : region->find(key_of(address));
    if (found == nullptr) return false;
    block = *found;
    region->remove(found);
    --size_;
    if (region->count <= region->capacity / 4) [[unlikely]]
      shrink(at);
    return true;
  }

  // Brings what accesses to these addresses will need near, in steps that each overlap their waiting. Worth its cost
  // only when the map is larger than the caches.
  template <class Iterator, class AddressOf>
  void prefetch(Iterator begin, Iterator end, AddressOf address_of) const noexcept {
    if (size_ < kPrefetchFrom) return;
    for (Iterator at = begin; at != end; ++at) __builtin_prefetch(&slots_[home(address_of(*at))]);
    for (Iterator at = begin; at != end; ++at) {
      if (const Region* const region = slots_[slot_of(address_of(*at))].region) __builtin_prefetch(region, 1);
    }
    for (Iterator at = begin; at != end; ++at) {
      const uint64_t address = address_of(*at);
      const Region* const region = slots_[slot_of(address)].region;
      if (region == nullptr) continue;
      const LiveBlock* const found = region->find(key_of(address));
      __builtin_prefetch(found != nullptr ? found : region->blocks() + region->count, 1);
    }
  }

  template <class Visitor>
  void for_each(Visitor visit) const {
    for (size_t at = 0; at < capacity_; ++at) {
      const Slot& slot = slots_[at];
      if (slot.region == nullptr) continue;
      const uint64_t base = (slot.id & ~kUsed) << kRegionShift;
      for (size_t i = 0; i < slot.region->count; ++i) {
        visit(base + (uint64_t{slot.region->key_bytes()[i]} << kKeyShift), slot.region->blocks()[i]);
      }
    }
    for (const auto& [address, block] : odd_) visit(address, block);
  }

 private:
  static constexpr unsigned kKeyShift = 3;
  static constexpr unsigned kRegionShift = kKeyShift + 8;
  static constexpr uint64_t kUsed = uint64_t{1} << 63;  // tells the region at address 0 from an unused slot
  static constexpr size_t kPrefetchFrom = 100'000;

  // Followed in memory by keys up to the capacity, rounded up to 8 with the 4 bytes here, and by the blocks.
  struct Region {
    uint16_t count;
    uint16_t capacity;  // a power of two up to 256
    uint8_t keys[4];    // and further

    static size_t blocks_offset(size_t capacity) noexcept { return (4 + capacity + 7) / 8 * 8; }
    static size_t bytes(size_t capacity) noexcept { return blocks_offset(capacity) + capacity * sizeof(LiveBlock); }

    LiveBlock* blocks() noexcept {
      return reinterpret_cast<LiveBlock*>(reinterpret_cast<char*>(this) + blocks_offset(capacity));
    }
    const LiveBlock* blocks() const noexcept { return const_cast<Region*>(this)->blocks(); }
    uint8_t* key_bytes() noexcept { return reinterpret_cast<uint8_t*>(this) + offsetof(Region, keys); }
    const uint8_t* key_bytes() const noexcept {
      return reinterpret_cast<const uint8_t*>(this) + offsetof(Region, keys);
    }

    LiveBlock* find(uint8_t key) noexcept {
      const void* const found = std::memchr(key_bytes(), key, count);
      return found == nullptr ? nullptr : blocks() + (static_cast<const uint8_t*>(found) - key_bytes());
    }
    const LiveBlock* find(uint8_t key) const noexcept { return const_cast<Region*>(this)->find(key); }

    void append(uint8_t key, const LiveBlock& block) noexcept {
      key_bytes()[count] = key;
      blocks()[count] = block;
      ++count;
    }
    // The last one takes the place.
    void remove(LiveBlock* block) noexcept {
      --count;
      key_bytes()[block - blocks()] = key_bytes()[count];
      *block = blocks()[count];
    }
  };

  struct Slot {
    uint64_t id;  // kUsed and the address >> kRegionShift; 0: unused
    Region* region;
  };

  static bool is_odd(uint64_t address) noexcept { return (address & 7) != 0 || address >> 62 != 0; }
  static uint8_t key_of(uint64_t address) noexcept { return static_cast<uint8_t>(address >> kKeyShift); }
  static uint64_t id_of(uint64_t address) noexcept { return address >> kRegionShift | kUsed; }

  size_t home_of_id(uint64_t id) const noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{id ^ seed_} * 0x9e3779b97f4a7c15u;
    return (static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64)) & (capacity_ - 1);
  }
  size_t home(uint64_t address) const noexcept { return home_of_id(id_of(address)); }

  // The region's slot, or the unused one where it would go.
  size_t slot_of(uint64_t address) const noexcept {
    const uint64_t id = id_of(address);
    size_t at = home_of_id(id);
    while (slots_[at].id != id && slots_[at].id != 0) at = (at + 1) & (capacity_ - 1);
    return at;
  }

  static Region* make_region(size_t capacity);
  static void resize(Region*& region, size_t capacity);
  void put_in_grown(Slot& slot, uint64_t address, const LiveBlock& block);
  void shrink(size_t at);
  void grow_table();
  void erase_slot(size_t at) noexcept;

  LiveBlock* find_odd(uint64_t address) noexcept;
  bool put_odd(uint64_t address, const LiveBlock& block, LiveBlock& before);
  bool take_odd(uint64_t address, LiveBlock& block);

  ZeroedArray<Slot> slots_;
  size_t capacity_ = 0;  // of slots_, a power of two
  size_t regions_ = 0;
  size_t size_ = 0;
  uint64_t seed_;
  std::unordered_map<uint64_t, LiveBlock> odd_;
};

}  // namespace tidemark::replay
