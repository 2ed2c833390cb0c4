// How much memory the process may still take: the least of its control groups' limits and of what the machine has.
#pragma once

#include <cstdint>

#include "trace/records.h"

namespace tidemark {

// Bytes; UINT64_MAX where nothing is known. Reads four to six files of /proc and /sys: about 60 microseconds, and 3 KB
// of stack, which may be a signal handler's.
uint64_t memory_headroom() noexcept;

// The limits for the record, as they are now; of the control groups the one that leaves least. About 40 microseconds.
trace::LimitsRecord memory_limits() noexcept;

}  // namespace tidemark
