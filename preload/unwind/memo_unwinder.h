// From a hook's caller to the call-tree node of its whole stack: memoized unwinding.
//
// The memo holds the stack of the thread's last event: its frames, outermost first, and every (address, value) that
// unwinding them read. A new stack shares most outer frames with it. So the walk goes outwards from the caller until it
// meets a frame of the memo (same pc, same sp, and same rbp where an outer frame depends on rbp), then only verifies:
// if all recorded slots still hold their values, the rest of the stack is the memo's, and so is its node. If a slot
// changed, the frames inside of it hold, and the walk goes on from there.
//
// Sound, because one step depends only on (pc, sp, rbp, the slots read, the row of the pc), and rows change only with
// the code epoch. Slots are verified from inner to outer, so that an address is read only when a fresh unwind would
// read it too: an unverified outer slot may have been unmapped (coroutines).
//
// Cost in real programs: 2.5 to 5 frames walked anew, 10 to 22 verified; a verified slot costs about 0.4 ns, since the
// loads do not depend on each other; at 10,000 frames of recursion that is 9 microseconds an event. Not thread-safe:
// one per thread state. Allocates only when a stack is deeper than any before.
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

  void forget() noexcept { depth_ = 0; }

  // Frees what the memo holds.
  void release() noexcept;

  size_t bytes() const noexcept { return capacity_ * (sizeof(Frame) + sizeof(Fresh) + 3 * sizeof(Check)); }

  // Whether the last stack() had to ask libunwind, and whether it was cut: for the checking mode.
  bool last_was_slow() const noexcept { return last_was_slow_; }
  bool last_was_cut() const noexcept { return last_was_cut_; }

 private:
  struct Frame {
    uint64_t pc, sp, bp;
    uint32_t node;
    uint32_t checks : 29;      // checks of this frame and all outer ones: an end index into checks_
    uint32_t needs_bp : 1;     // an outer frame address depends on this frame's rbp
    uint32_t restores_bp : 1;  // the caller's rbp was read from a slot
    uint32_t exact : 1;        // interrupted by a signal: pc is not a return address
  };
  static_assert(sizeof(Frame) == 32);

  struct Check {
    const uint64_t* address;
    uint64_t value;
  };

  // A frame of the walk under way, innermost first, with the row by which it was left.
  struct Fresh {
    uint64_t pc, sp, bp;
    Row row;
    bool exact;
  };

  enum class Step { kCaller, kEnd, kCutNoUnwindInfo, kCutUnreadable, kOther };

  Step step(ThreadState& thread, Fresh& frame) noexcept;
  size_t first_failed(size_t frame) const noexcept;
  uint32_t rebuild(ThreadState& thread, size_t base, size_t fresh, uint64_t cut_pc) noexcept;
  uint32_t slow_stack(ThreadState& thread, const Caller& caller, size_t fresh) noexcept;
  void push_checks(const Fresh& frame, const Fresh& outer) noexcept;
  bool reserve(size_t frames) noexcept;
  Row find_row(ThreadState& thread, uint64_t pc, bool exact) noexcept;

  bool read(uint64_t address, uint64_t& value) noexcept {
    // The window of stack pages known to be readable: two compares. 8 bytes never straddle its end: 4 KiB pages.
    if (address - window_start_ >= window_bytes_ || (address & 7) != 0) [[unlikely]]
      if (!can_read(address)) return false;
    value = *reinterpret_cast<const uint64_t*>(address);
    return true;
  }
  bool can_read(uint64_t address) noexcept;

  Frame* frames_ = nullptr;
  Check* checks_ = nullptr;
  Fresh* fresh_ = nullptr;
  size_t capacity_ = 0;  // in frames; checks_ holds three times as many
  size_t depth_ = 0;
  size_t check_count_ = 0;
  uint64_t window_start_ = 0, window_bytes_ = 0;
  bool last_was_slow_ = false, last_was_cut_ = false;
  static constexpr size_t kPages = 64;
  uint64_t readable_pages_[kPages] = {};  // page numbers found readable, by low bits: stacks other than the window's
};

// Rows decoded so far, for all threads.
bool init_rows() noexcept;
void forget_rows() noexcept;  // after an unload of code
void reset_rows_after_fork() noexcept;
size_t rows_bytes() noexcept;

}  // namespace tidemark::unwind
