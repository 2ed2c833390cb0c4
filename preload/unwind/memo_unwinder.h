// From a hook's caller to the call-tree node of its whole stack: memoized unwinding.
//
// The memo holds the stack of the thread's last walk: its frames, outermost first, and the (address, value) of every
// slot that unwinding them read and that an outer frame depends on. A new stack shares most outer frames with it. So
// the walk goes outwards from the caller until it meets a frame of the memo (same pc, same sp, and same rbp where an
// outer frame address depends on it), then only verifies: if all slots still hold their values, the rest of the stack
// is the memo's, and so is its node. If one changed, the walk goes on, and may meet the memo again outside of the
// change.
//
// Sound, because one step depends only on (pc, sp, rbp, the slots read, the row of the pc), and rows change only with
// the code epoch. Slots are verified from inner to outer, so that an address is read only when a fresh unwind would
// read it too: an unverified outer slot may have been unmapped (coroutines). A saved rbp that no outer frame address
// depends on is not verified: most code uses rbp as a general register. Nor is what made the outermost step end.
//
// In front of the memo stands a table of stacks seen before (seen_stacks.h), which finds most of them without a walk.
//
// Cost: docs/performance.md. A stack seen before takes about 8 ns (10 slots of its entry and some 10 of the memo, whose
// loads do not depend on each other); a walk 80 to 300 ns for 3 to 6 frames (each a row, a slot and a call-tree node,
// one after the other); verifying 0.4 ns a frame of a deep stack. Not thread-safe: one per thread state. Allocates only
// when a stack is deeper than any before.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/caller_x86_64.h"
#include "preload/unwind/row.h"
#include "preload/unwind/seen_stacks.h"

namespace tidemark {
struct ThreadState;
}

namespace tidemark::unwind {

class MemoUnwinder {
 public:
  // The node of `caller`'s stack in the call tree. Writes records of new nodes to `thread`'s stream.
  uint32_t stack(ThreadState& thread, const Caller& caller) noexcept;

  // The stacks, and what was found readable: after code was unloaded, and for another thread.
  void forget_code() noexcept;

  // As forget_code(), after stack() was left in the middle for good: arrays that were being moved are given up. (The
  // table of stacks seen is mapped before.)
  void forget_unfinished() noexcept {
    if (moving_) {
      const SeenStacks seen = seen_;
      *this = MemoUnwinder();
      seen_ = seen;
    }
    forget_code();
  }

  // Where the thread's own stack lies; 0, 0: not known.
  void set_stack_bounds(uintptr_t low, uintptr_t high) noexcept { seen_.set_bounds(low, high); }

  // Frees the memory of the memo and of the table.
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

  // A frame of the walk under way, innermost first, with the row by which it was left.
  struct Fresh {
    uint64_t key, sp, bp;
    Row row;
  };

  enum class Step { kCaller, kEnd, kCutNoUnwindInfo, kCutUnreadable, kOther };

  friend bool still_interrupted(const Caller& from, uintptr_t sp) noexcept;
  friend size_t list_frames(const Caller& innermost, bool exact, uint64_t* pairs, size_t most) noexcept;
  template <class FindRow, class Read>
  static Step step(Fresh& frame, Fresh& outer, FindRow&& find_row, Read&& read) noexcept;
  uint32_t walk(ThreadState& thread, const Caller& caller) noexcept;
  bool holds_from_join(const SeenStack& stack) const noexcept;
  void remember() noexcept;
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

  // As first_failed(frame) == checks_. So many at once that the loop's end is mostly predicted.
  [[gnu::always_inline]] bool all_hold(const Frame& frame) const noexcept {
    const auto holds = [](const Check& check) { return *check.address == check.value; };
    for (const Check* check = checks_ + frame.checks; check > checks_ + kFirstCheck;) {
      check -= kFirstCheck;
      if (!(holds(check[3]) && holds(check[2]) && holds(check[1]) && holds(check[0]))) return false;
    }
    return true;
  }

  // frames_[0] is a sentinel that no walk goes past. The first checks belong to no frame: checks_[0] never holds, which
  // ends first_failed(), and the others always do: all_hold() takes as many at once, and may run over them.
  static constexpr unsigned kFirstCheck = 4;

  // Of the arrays for so many frames: with up to three checks each.
  static size_t bytes_of(size_t frames) noexcept {
    return (frames * (sizeof(Frame) + 3 * sizeof(Check) + sizeof(Fresh)) + 4095) & ~size_t{4095};
  }

  Frame* frames_ = nullptr;
  Check* checks_ = nullptr;
  size_t depth_ = 0;  // index of the innermost frame
  SeenStacks seen_;
  Fresh* fresh_ = nullptr;
  size_t capacity_ = 0;  // in frames; checks_ holds three times as many
  bool moving_ = false;  // reserve() is at work
  uint64_t window_start_ = 0, window_bytes_ = 0;
  static constexpr size_t kPages = 64;
  uint64_t readable_pages_[kPages] = {};  // page numbers found readable, by low bits: stacks other than the window's
};

// Whether the memo still has the frame where `stack` joins, and all that it holds from there outwards is so.
[[gnu::always_inline]] inline bool MemoUnwinder::holds_from_join(const SeenStack& stack) const noexcept {
  // Frames inside of the memo's innermost one are void, and so may be their checks.
  const Frame& join = frames_[stack.join];
  return stack.join <= depth_ && join.node == stack.join_node && join.sp == stack.sp + stack.join_offset &&
         (join.needs_bp == 0 || join.bp == stack.join_bp) && all_hold(join);
}

[[gnu::always_inline]] inline uint32_t MemoUnwinder::stack(ThreadState& thread, const Caller& caller) noexcept {
  if (capacity_ != 0) [[likely]] {
    const uint32_t node = seen_.find(caller, [this](const SeenStack& stack) { return holds_from_join(stack); });
    if (node != 0) [[likely]]
      return node;
  }
  return walk(thread, caller);
}

// Whether a frame with stack pointer `sp` lies outside of `from`, behind a signal frame: whether a signal handler that
// is running has interrupted the hook that was entered at `sp`. True also when the stack cannot be followed so far.
// Uses no memo and writes nothing; some microseconds.
bool still_interrupted(const Caller& from, uintptr_t sp) noexcept;

// The frames from `innermost` outwards, up to `most`, as pairs of pc and the frame's end (its caller's stack pointer;
// 0: the last that could be followed). `exact`: its pc was interrupted. Takes no lock and keeps nothing; about 1 us
// each.
size_t list_frames(const Caller& innermost, bool exact, uint64_t* pairs, size_t most) noexcept;

}  // namespace tidemark::unwind
