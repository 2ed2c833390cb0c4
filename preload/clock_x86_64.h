// The event clock: the time-stamp counter, shifted (trace::kTickShift). Without an invariant counter: CLOCK_MONOTONIC
// through the kernel.
//
// Unserialised rdtsc, about 9 ns: it may run ahead of a lock or an exchange that waits for its cache line, and so be
// early by up to a memory latency (30 ticks were seen). A block that goes from thread to thread can then have the free
// in one and the allocation in the other in the wrong order; the reader repairs that by the address
// (trace::kOrderSlackTicks). Rejected: lfence before it, right by itself but 60% more per event in saturated threads.
#pragma once

#include <cpuid.h>
#include <time.h>

#include <cstdint>

#include "system/syscalls_linux.h"
#include "trace/format.h"

namespace tidemark {

inline constinit bool tsc_is_invariant = true;  // set by detect_clock() before the first event

inline uint64_t now_ticks() noexcept {
  if (tsc_is_invariant) [[likely]]
    return __builtin_ia32_rdtsc() >> trace::kTickShift;
  return static_cast<uint64_t>(sys::clock_ns(CLOCK_MONOTONIC)) >> trace::kTickShift;
}

inline trace::Clock detect_clock() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  tsc_is_invariant = __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
  return tsc_is_invariant ? trace::Clock::kTsc : trace::Clock::kMonotonic;
}

// Ticks a second as the processor or the hypervisor states it; 0 if neither does.
inline uint64_t stated_tick_hz() noexcept {
  if (!tsc_is_invariant) return uint64_t{1'000'000'000} >> trace::kTickShift;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) != 0 && (c & (1u << 31)) != 0) {  // a hypervisor
    __cpuid(0x40000000, a, b, c, d);
    if (a >= 0x40000010) {
      __cpuid(0x40000010, a, b, c, d);
      if (a != 0) return uint64_t{a} * 1000 >> trace::kTickShift;
    }
  }
  if (__get_cpuid(0x15, &a, &b, &c, &d) != 0 && a != 0 && b != 0 && c != 0)
    return uint64_t{c} * b / a >> trace::kTickShift;
  return 0;
}

}  // namespace tidemark
