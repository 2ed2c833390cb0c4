// Waits for the recorded program: forwards the signals that were sent to us, stops when it is stopped from the
// terminal, and lets the sampler work. Sleeps in between.
#pragma once

#include <sys/types.h>

#include "analyzer/launch/program.h"
#include "analyzer/launch/sampler.h"

namespace tidemark::launch {

// Returns the wait status of `pid` once it has ended.
int supervise(pid_t pid, const SignalBlock& signals, Sampler& sampler);

}  // namespace tidemark::launch
