// Where the preload library is, and what a program's environment must say so that it is recorded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/base/result.h"

namespace tidemark::launch {

// The library beside this command: ../lib/ relative to the folder of the command's file, installed or in a build tree.
Result<std::string> find_library();

// `existing` with ours behind it: libraries that the user preloads keep seeing every call first.
std::string preload_list(const char* existing, const std::string& library);

// What `tidemark run` asks of the recorder; an empty member leaves the environment as it is.
struct RecorderSettings {
  std::optional<std::string> output;        // pattern; made absolute against the current folder
  std::optional<std::string> mode;          // full, sample
  std::optional<uint64_t> sample_interval;  // bytes
  std::optional<std::string> snapshot;      // comma-separated
  std::optional<uint64_t> max_trace_bytes;
  bool follow_fork = true;
};

using Environment = std::vector<std::pair<std::string, std::string>>;

// The variables to set in the program, but for TIDEMARK_RECORDED_PID, which only the forked child knows.
Result<Environment> recorder_environment(const RecorderSettings& settings, const std::string& library,
                                         uint64_t session);

// The output pattern as it will be used: from the settings, else from TIDEMARK_OUTPUT, else the default; absolute.
std::string output_pattern(const RecorderSettings& settings);

uint64_t random_id();

}  // namespace tidemark::launch
