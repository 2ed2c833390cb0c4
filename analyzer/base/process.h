// What the system says about a process, by its pid.
#pragma once

#include <cstdint>
#include <optional>

namespace tidemark {

struct ProcessState {
  char state = '?';         // R, S, D, T, Z…
  uint64_t start_time = 0;  // in clock ticks after boot: tells two processes of one pid apart
};

// Empty: there is no such process.
std::optional<ProcessState> process_state(uint32_t pid);

// Whether the process that had `pid` and began at `start_time` still has memory (a zombie has none).
bool process_lives(uint32_t pid, uint64_t start_time);

}  // namespace tidemark
