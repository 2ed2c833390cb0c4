// From a hook's caller to the call-tree node of its whole stack: memoized unwinding.
//
// The memo holds the stack of the thread's last event: its frames, outermost first, and the (address, value) of every
// slot that unwinding them read and that an outer frame depends on. A new stack shares most outer frames with it. So
// the walk goes outwards from the caller until it meets a frame of the memo (same pc, same sp, and same rbp where an
// outer frame address depends on it), then only verifies: if all slots still hold their values, the rest of the stack
// is the memo's, and so is its node. If one changed, the walk goes on, and may meet the memo again outside of the
// change.
//
// Sound, because one step depends only on (pc, sp, rbp, the slots read, the row of the pc), and rows change only with
// the code epoch. Slots are verified from inner to outer, so that an address is read only when a fresh unwind would
// read it too: an unverified outer slot may have been unmapped (coroutines). A saved rbp that no outer frame address
// depends on is not verified: most code uses rbp as a general register.
//
// In front of the memo stands a table of stacks seen before. A program allocates from the same places over and over,
// but alternates between them, and each change would walk some frames anew. An entry holds the slots from the caller
// outwards to a frame that was in the memo (where it *joined*), and the node. If these slots hold, the memo still has
// that frame, and the memo's slots from there on hold, then the stack is the same. Hits leave the memo as it is: it
// becomes the trunk from which the stacks seen branch off.
//
// Cost in real programs: 94% to 99.9% of stacks were seen (a compiler's: half), at about 10 ns: one table entry, 2 to 6
// slots of it and 10 to 20 of the memo, 0.4 ns each, since the loads do not depend on each other. A walk costs about 10
// ns a frame (row, slot, call-tree node) for 3 to 6 frames, more where the program keeps them out of the cache; at
// 10,000 frames of recursion an event costs 5 microseconds. Not thread-safe: one per thread state. Allocates only when
// a stack is deeper than any before.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/caller_x86_64.h"
#include "preload/unwind/row.h"

namespace tidemark {
struct ThreadState;
}

namespace tidemark::unwind {

class MemoUnwinder {
 public:
  // The node of `caller`'s stack in the call tree. Writes records of new nodes to `thread`'s stream.
  uint32_t stack(ThreadState& thread, const Caller& caller) noexcept;

  // The stack, and what is known of code: after some was unloaded, and for another thread.
  void forget_code() noexcept;

  // As forget_code(), after stack() was left in the middle for good: arrays that were being moved are given up.
  void forget_unfinished() noexcept {
    if (moving_) *this = MemoUnwinder();
    forget_code();
  }

  // Frees what the memo holds.
  void release() noexcept;

 private:
  // `key` is the call-tree key: the pc, with kExactKey for a frame interrupted by a signal.
  struct Frame {
    uint64_t key, sp, bp;
    uint32_t node;
    uint32_t checks : 31;   // end, in checks_, of the checks of this frame and all outer ones
    uint32_t needs_bp : 1;  // an outer frame address depends on this frame's rbp
  };
  static_assert(sizeof(Frame) == 32);

  struct Check {
    const uint64_t* address;
    uint64_t value;
  };

  // A stack seen before, in two cache lines; found by the caller's pc and sp.
  struct alignas(128) Seen {
    uint64_t pc, sp, bp;
    uint64_t join_bp;
    uint32_t join_offset;  // of the joined frame's sp, from `sp`
    uint32_t join_node;
    uint32_t node;
    uint16_t join;     // index of the joined frame in frames_
    uint8_t needs_bp;  // `bp` matters
    uint8_t slots;
    uint64_t slot[10];  // in the order of verifying: (address - sp) / 8 in the upper 16 bits, the value in the lower 48
  };
  static_assert(sizeof(Seen) == 128);
  static constexpr size_t kSeenWays = 4;  // entries that a caller's pc and sp may have
  static constexpr size_t kSeenSetsLog2 = 8;
  static constexpr uint64_t kSlotValue = (uint64_t{1} << 48) - 1;
  static constexpr size_t kSeenBytes = sizeof(Seen) * kSeenWays << kSeenSetsLog2;

  // A frame of the walk under way, innermost first, with the row by which it was left.
  struct Fresh {
    uint64_t key, sp, bp;
    Row row;
  };

  enum class Step { kCaller, kEnd, kCutNoUnwindInfo, kCutUnreadable, kOther };

  friend bool still_interrupted(const Caller& from, uintptr_t sp) noexcept;
  template <class FindRow, class Read>
  static Step step(Fresh& frame, Fresh& outer, FindRow&& find_row, Read&& read) noexcept;
  uint32_t walk(ThreadState& thread, const Caller& caller) noexcept;
  uint32_t find_seen(const Caller& caller) const noexcept;
  void remember(size_t join) noexcept;
  uint32_t push(ThreadState& thread, Frame* top, Fresh* inner_end, bool ends) noexcept;
  uint32_t ended(ThreadState& thread, Fresh* inner_end, uint64_t cut_pc) noexcept;
  uint32_t slow_stack(ThreadState& thread, const Caller& caller, Fresh* inner_end) noexcept;
  bool reserve(size_t frames) noexcept;

  bool read(uint64_t address, uint64_t& value) noexcept {
    // The window of stack pages known to be readable: two compares. 8 aligned bytes never straddle its end.
    if (address - window_start_ >= window_bytes_ || (address & 7) != 0) [[unlikely]]
      if (!can_read(address)) return false;
    value = *reinterpret_cast<const uint64_t*>(address);
    return true;
  }
  bool can_read(uint64_t address) noexcept;

  // The first check, from the innermost of `frame` outwards, that does not hold; checks_ (the sentinel) if all do.
  const Check* first_failed(const Frame& frame) const noexcept {
    const Check* check = checks_ + frame.checks;
    do --check;
    while (*check->address == check->value);
    return check;
  }

  Seen* seen_set(uint64_t pc, uint64_t sp) const noexcept {
    return seen_ + kSeenWays * (((pc ^ sp << 20) * 0x9e3779b97f4a7c15u) >> (64 - kSeenSetsLog2));
  }

  // frames_[0] and checks_[0] are sentinels: a frame that no walk goes past, a check that never holds.
  Frame* frames_ = nullptr;
  Check* checks_ = nullptr;
  Fresh* fresh_ = nullptr;
  Seen* seen_ = nullptr;
  unsigned next_way_ = 0;  // which entry of a set the next new stack replaces
  size_t capacity_ = 0;    // in frames; checks_ holds three times as many
  size_t depth_ = 0;       // index of the innermost frame
  bool moving_ = false;    // reserve() is at work
  uint64_t window_start_ = 0, window_bytes_ = 0;
  static constexpr size_t kPages = 64;
  uint64_t readable_pages_[kPages] = {};  // page numbers found readable, by low bits: stacks other than the window's
};

// The node of the caller's stack if it is among those seen, else 0.
[[gnu::always_inline]] inline uint32_t MemoUnwinder::find_seen(const Caller& caller) const noexcept {
  const Seen* const set = seen_set(caller.pc, caller.sp);
  for (const Seen* seen = set; seen != set + kSeenWays; ++seen) {
    if (seen->pc != caller.pc || seen->sp != caller.sp || (seen->needs_bp != 0 && seen->bp != caller.bp)) continue;
    // Frames inside of the memo's innermost one are void, and so may be their checks.
    const Frame& join = frames_[seen->join];
    if (seen->join > depth_ || join.node != seen->join_node || join.sp != caller.sp + seen->join_offset ||
        (join.needs_bp != 0 && join.bp != seen->join_bp))
      continue;
    const uint64_t* slot = seen->slot;
    const uint64_t* const end = slot + seen->slots;
    while (slot != end && *reinterpret_cast<const uint64_t*>(caller.sp + (*slot >> 48) * 8) == (*slot & kSlotValue))
      ++slot;
    if (slot == end && first_failed(join) == checks_) return seen->node;
  }
  return 0;
}

[[gnu::always_inline]] inline uint32_t MemoUnwinder::stack(ThreadState& thread, const Caller& caller) noexcept {
  if (capacity_ != 0) [[likely]] {
    if (const uint32_t node = find_seen(caller); node != 0) [[likely]]
      return node;
  }
  return walk(thread, caller);
}

// Whether a frame with stack pointer `sp` lies outside of `from`, behind a signal frame: whether a signal handler that
// is running has interrupted the hook that was entered at `sp`. True also when the stack cannot be followed so far.
// Uses no memo and writes nothing; some microseconds.
bool still_interrupted(const Caller& from, uintptr_t sp) noexcept;

// Rows decoded so far, for all threads.
bool init_rows() noexcept;
void forget_rows(uintptr_t start, uintptr_t end) noexcept;  // of code that was unloaded
void reset_rows_after_fork() noexcept;
size_t rows_bytes() noexcept;

}  // namespace tidemark::unwind
