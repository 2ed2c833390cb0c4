// Where a hook was called from: the state that unwinding starts with.
#pragma once

#include <cstdint>

namespace tidemark {

struct Caller {
  uintptr_t pc;  // return address into the caller
  uintptr_t sp;  // the caller's stack pointer after the call returns (the hook's canonical frame address)
  uintptr_t bp;  // the caller's rbp
};

// In an exported hook itself, never in a helper: asking for the frame address makes the compiler set up a frame
// pointer, so that the caller's rbp lies at it, the return address above it, and the caller's stack above that.
// One load; the push and pop of rbp are the cost.
#define TIDEMARK_CALLER()                                                           \
  (::tidemark::Caller{reinterpret_cast<uintptr_t>(__builtin_return_address(0)),     \
                      reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) + 16, \
                      *static_cast<const uintptr_t*>(__builtin_frame_address(0))})

// Where the calling thread's control block lies; thread-local storage lies below it.
inline uint64_t thread_pointer() noexcept {
  uint64_t pointer = 0;
  asm("mov %%fs:0, %0" : "=r"(pointer));
  return pointer;
}

}  // namespace tidemark
