// How much memory the process may still take: the least of its control groups' limits and of what the machine has.
#pragma once

#include <cstdint>

namespace tidemark {

// Bytes; UINT64_MAX where nothing is known. Reads four to six files of /proc and /sys: about 60 microseconds, and 3 KB
// of stack, which may be a signal handler's.
uint64_t memory_headroom() noexcept;

}  // namespace tidemark
