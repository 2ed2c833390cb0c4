// The traces that one `tidemark run` made: the program's own, those of its exec'd images, and those of its children.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "trace/format.h"

namespace tidemark::launch {

struct SessionTrace {
  std::string path;
  trace::FileHeader header{};
  bool running = false;  // its process still lives and writes
};

// All traces of the session whose names fit the output pattern, in the order of their start.
std::vector<SessionTrace> traces_of(uint64_t session, const std::string& output_pattern);

// Writes how the program `pid` ended (its wait status) into the trace of its last image, waits for heap snapshots that
// are still being written, and cuts every trace whose process is gone to its used length.
void finish(std::vector<SessionTrace>& traces, pid_t pid, int wait_status);

// Waits for heap snapshots of the trace that are still being written, by copies of a process that may be gone.
void wait_for_pictures(const std::string& path);

// Shell patterns (glob) of the names that a recorder may give to traces under an output pattern.
std::vector<std::string> name_patterns(const std::string& output_pattern);

}  // namespace tidemark::launch
