// How much of a process's memory is resident, as the kernel counts it at the moment of a picture.
//
// /proc/PID/status costs some tens of microseconds, but from Linux 6.2 on its counters may lag behind by up to two
// pages per processor times the number of processors. /proc/PID/smaps_rollup is exact and walks the page tables: 25 ms
// per GB, half of what the copy of the process takes. As threads stand still meanwhile, the caller says how large a
// process may be for it.
//
// For the preload library: no libstdc++, no libc state, no locks, no memory.
#pragma once

#include <cstdint>

namespace tidemark::picture {

// Bytes; 0: not known.
struct Resident {
  uint64_t all = 0, anonymous = 0, file = 0, shared = 0;
};

// `pid` 0: the calling process. `exact_below`: bytes.
Resident read_resident(uint32_t pid, uint64_t exact_below) noexcept;

}  // namespace tidemark::picture
