// The slow unwinder: libunwind, for the few frames that rows cannot describe, and as the oracle of the checking mode.
//
// One thread at a time, behind a try-lock: who finds it taken gets a cut stack instead of a deadlock. (In a forked
// child it may be taken for ever, by a thread that is not there.) libunwind calls the loader (dl_iterate_phdr) only
// through our own look-up by pc, which takes no lock. About 5 microseconds a stack.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/caller_x86_64.h"

namespace tidemark::unwind {

struct SlowStack {
  uint64_t* keys = nullptr;  // call-tree keys, innermost (the caller's pc) first
  size_t count = 0;
  size_t capacity = 0;
  bool complete = false;  // the outermost frame was reached

  void release() noexcept;
};

// Unwinds from the hook that was called by `caller` and is still on the stack. False when libunwind is busy or lost its
// way before it met `caller`. The caller releases `stack`.
bool slow_unwind(const Caller& caller, SlowStack& stack) noexcept;

// Unwinds every stack a second time and compares `node` with it; counts in the trace's header.
void check_stack(const Caller& caller, uint32_t node) noexcept;

// After code was unloaded.
void forget_slow_rows() noexcept;

}  // namespace tidemark::unwind
