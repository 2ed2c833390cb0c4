// A table of stacks seen before, in front of the memo (memo_unwinder.h).
//
// A program allocates from the same places over and over, but alternates between them, and each change would walk some
// frames anew. An entry holds the slots from the caller outwards to a frame of the memo, where it *joins*, and the
// node. If its slots hold, the memo still has that frame, and the memo's slots from there on hold, then the stack is
// the same. Hits leave the memo as it is: it becomes the trunk from which the stacks seen branch off.
//
// An entry is found by the caller's pc and sp. Where several stacks share these (a function that everything allocates
// through), one slot that tells most of them apart, the *parting*, helps to find the right one: its value enters the
// hash. It is read before anything is verified, and therefore only within the bounds of the thread's own stack, which
// stays mapped.
//
// Cost of a hit: about 8 ns: four cache lines of the table (parting, tags, and the entry's two) and the slots on the
// stack, whose loads do not depend on each other. Memory: 140 KiB, touched by need. Not thread-safe: one per thread
// state.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "preload/caller_x86_64.h"
#include "preload/unwind/lanes_x86_64.h"

namespace tidemark::unwind {

// A stack, in two cache lines.
struct alignas(128) SeenStack {
  static constexpr unsigned kSlots = 10;

  uint64_t pc, sp, bp;  // the caller's
  uint64_t join_bp;
  uint32_t join_offset;  // of the joined frame's sp, from `sp`
  uint32_t join_node;
  uint32_t node;
  uint16_t join;     // index of the joined frame in the memo
  uint8_t needs_bp;  // `bp` matters
  uint8_t slots;
  // In the order of verifying: offset from `sp` in words << 48 | value. Those beyond `slots` repeat the last.
  uint64_t slot[kSlots];

  // False if the slot cannot be packed: too far off, or no pointer.
  static bool pack(uint64_t offset, uint64_t value, uint64_t& slot) noexcept {
    slot = offset / 8 << 48 | value;
    return offset % 8 == 0 && offset / 8 < kMaxWord && value <= kValue;
  }
  static uint64_t word_of(uint64_t slot) noexcept { return slot >> 48; }
  static uint64_t value_of(uint64_t slot) noexcept { return slot & kValue; }

  bool same_caller(const SeenStack& other) const noexcept { return pc == other.pc && sp == other.sp; }
  const uint64_t* slot_at(uint64_t word) const noexcept;  // nullptr if it has none there

  static constexpr uint64_t kMaxWord = UINT16_MAX - 1;

 private:
  static constexpr uint64_t kValue = (uint64_t{1} << 48) - 1;
};
static_assert(sizeof(SeenStack) == 128);

class SeenStacks {
 public:
  // Maps the table unless there is one; false without memory.
  [[nodiscard]] bool init() noexcept;
  void clear() noexcept;
  void release() noexcept;

  // Where the thread's own stack lies; 0, 0: not known.
  void set_bounds(uintptr_t low, uintptr_t high) noexcept {
    low_ = low;
    high_ = high;
  }

  // The node of the caller's stack, or 0. `trunk_holds(stack)` verifies the memo from where the stack joins it.
  template <class TrunkHolds>
  uint32_t find(const Caller& caller, TrunkHolds&& trunk_holds) const noexcept {
    const uint64_t hash = hash_of(caller.pc, caller.sp);
    const uint16_t parting = tables_->partings[parting_of(hash)];
    if (!can_read(caller.sp, parting)) return find_in(hash, caller, trunk_holds);
    const uint64_t value = *reinterpret_cast<const uint64_t*>(caller.sp + (parting - 1u) * 8);
    const uint32_t node = find_in(with_parting(hash, value), caller, trunk_holds);
    return node != 0 ? node : find_in(hash, caller, trunk_holds);
  }

  // Takes the place of another one if its set is full.
  void add(const SeenStack& stack) noexcept;

 private:
  static constexpr unsigned kWays = 4;
  static constexpr unsigned kSetsLog2 = 8;
  static constexpr unsigned kPartingsLog2 = 12;
  static constexpr uint64_t kMix = 0x9e3779b97f4a7c15u;

  // The tags say which entries are worth a look: a cache line for four sets, instead of one for each entry. A parting
  // is the word of its slot + 1, or one of the two below; where two callers share one, it does no harm.
  struct Tables {
    SeenStack stacks[1u << kSetsLog2][kWays];
    alignas(16) uint32_t tags[1u << kSetsLog2][kWays];  // 0: no entry
    uint16_t partings[1u << kPartingsLog2];
  };
  static constexpr uint16_t kUnparted = 0;            // none was chosen yet
  static constexpr uint16_t kNoParting = UINT16_MAX;  // no slot tells the caller's stacks apart

  static uint64_t hash_of(uint64_t pc, uint64_t sp) noexcept { return (pc ^ sp << 20) * kMix; }
  static uint64_t with_parting(uint64_t hash, uint64_t value) noexcept { return hash ^ value * kMix; }
  static size_t set_of(uint64_t hash) noexcept { return hash >> (64 - kSetsLog2); }
  static uint32_t tag_of(uint64_t hash) noexcept { return static_cast<uint32_t>(hash >> 20) | 1; }
  static size_t parting_of(uint64_t hash) noexcept { return hash >> (64 - kPartingsLog2); }
  bool can_read(uint64_t sp, uint16_t parting) const noexcept {
    return parting != kUnparted && parting != kNoParting && sp >= low_ && sp + parting * 8u <= high_;
  }

  // Unrolled, since the end of a loop would be mispredicted more often than not.
  template <unsigned I>
  [[gnu::always_inline]] static bool slots_hold(const SeenStack& stack) noexcept {
    if constexpr (I == SeenStack::kSlots) {
      return true;
    } else {
      const uint64_t slot = stack.slot[I];
      return *reinterpret_cast<const uint64_t*>(stack.sp + SeenStack::word_of(slot) * 8) == SeenStack::value_of(slot) &&
             slots_hold<I + 1>(stack);
    }
  }

  template <class TrunkHolds>
  [[gnu::always_inline]] uint32_t find_in(uint64_t hash, const Caller& caller,
                                          TrunkHolds&& trunk_holds) const noexcept {
    const size_t set = set_of(hash);
    unsigned matching = equal_lanes(tables_->tags[set], tag_of(hash));
    for (; matching != 0; matching &= matching - 1) {
      const SeenStack& stack = tables_->stacks[set][std::countr_zero(matching)];
      if (stack.pc != caller.pc || stack.sp != caller.sp || (stack.needs_bp != 0 && stack.bp != caller.bp)) continue;
      if (slots_hold<0>(stack) && trunk_holds(stack)) return stack.node;
    }
    return 0;
  }

  bool is_together(size_t set, unsigned way, uint32_t tag, const SeenStack& stack) const noexcept {
    return tables_->tags[set][way] == tag && tables_->stacks[set][way].same_caller(stack);
  }
  uint64_t parted_hash(const SeenStack& stack) const noexcept;
  bool choose_parting(uint64_t hash, const SeenStack& stack) noexcept;

  Tables* tables_ = nullptr;
  uintptr_t low_ = 0, high_ = 0;
  unsigned next_way_ = 0;  // which entry of a set the next new stack replaces
};

}  // namespace tidemark::unwind
