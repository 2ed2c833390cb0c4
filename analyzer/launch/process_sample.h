// A process's memory as the kernel states it, from outside.
#pragma once

#include <sys/types.h>

#include <optional>

#include "trace/records.h"

namespace tidemark::launch {

// From /proc/PID/status; ru_maxrss and the recorder's share cannot be seen from outside and stay 0, as does the clock.
// Empty: the process is gone, or has no memory any more.
std::optional<trace::SampleRecord> sample_process(pid_t pid);

}  // namespace tidemark::launch
