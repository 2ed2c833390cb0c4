// What comes again gets a number: a table of the last value in each slot, where a value's slot is given by its hash.
//
// The writer asks for a value's slot; if the value is there, the slot's number stands for it, else it writes the value
// and enters it. The reader enters what it reads, so that its table is the same at each record. Both start empty with
// each chunk. An empty slot reads as the value 0, which therefore is always known.
// Cost: about 1 ns when the slot is in L1. Not thread-safe.
#pragma once

#include <cstdint>
#include <cstring>

namespace tidemark::trace {

template <unsigned SlotsLog2>
class RepeatTable {
 public:
  static constexpr unsigned kSlots = 1u << SlotsLog2;

  static unsigned slot_of(uint64_t value) noexcept {
    return static_cast<unsigned>((value * 0x9e3779b97f4a7c15u) >> (64 - SlotsLog2));
  }

  // Whether `value` is in its slot `slot`; enters it if not.
  bool known_or_enter(unsigned slot, uint64_t value) noexcept {
    if (values_[slot] == value) return true;
    values_[slot] = value;
    return false;
  }

  void enter(uint64_t value) noexcept { values_[slot_of(value)] = value; }
  uint64_t at(uint64_t slot) const noexcept { return values_[slot % kSlots]; }

  void clear() noexcept { std::memset(values_, 0, sizeof(values_)); }

 private:
  uint64_t values_[kSlots] = {};
};

// A site in a RepeatTable. Sizes from 4 GiB on are never entered.
constexpr bool site_fits(uint64_t size) noexcept { return size >> 32 == 0; }
constexpr uint64_t pack_site(uint32_t node, uint64_t size) noexcept { return uint64_t{node} << 32 | size; }
// A node's pc likewise; it is below 2^63.
constexpr uint64_t pack_pc(uint64_t pc, bool exact) noexcept { return pc << 1 | (exact ? 1u : 0u); }

}  // namespace tidemark::trace
