// The working life of a program: from the end of its start-up to the beginning of the final release of what it held.
// Growth is judged there; a runtime or a destructor that frees everything before main returns must not turn a leak into
// "released". In slices of the run (replay/slices.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "analyzer/replay/recording.h"

namespace tidemark::classify {

struct Life {
  size_t slices = 0;   // of the run up to the end of the program's life; 0: nothing was recorded
  size_t startup = 0;  // slices [0, startup) are start-up
  size_t end = 0;      // slices [end, slices) are the final release, or the standstill before it was killed
  bool released = false;
  std::vector<double> at;     // by slice: where in the run it ends, 0 to 1: the mean of its shares of time and activity
  std::vector<double> hours;  // by slice: when it ends
};

Life find_life(const replay::Recording& recording);

}  // namespace tidemark::classify
