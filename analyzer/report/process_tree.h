// The processes of several reports, as a tree: a process hangs below the trace that forked it, an image below the one
// that it replaced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/model/report.h"

namespace tidemark::report {

const char* end_name(model::End::Kind kind) noexcept;

class ProcessTree {
 public:
  struct Entry {
    uint32_t pid = 0, parent_pid = 0, image = 0;
    uint64_t trace_id = 0, parent_trace_id = 0;
    std::string command;
    model::End end;
    double duration_s = 0;
    uint64_t peak_live_bytes = 0, live_bytes_at_end = 0;
    std::optional<uint64_t> max_rss_bytes;
  };
  struct Totals {
    uint64_t processes = 0;  // pids; an exec'd image is the same process
    uint64_t allocations = 0, frees = 0, allocated_bytes = 0, live_bytes_at_end = 0;
    uint64_t highest_peak_live_bytes = 0;
    std::optional<uint64_t> highest_max_rss_bytes;
  };

  void add(const model::Report& report);

  const std::vector<Entry>& entries() const noexcept { return entries_; }
  Totals totals() const;

  // One line per trace, each ended by a newline: "- " for a forked child, indented below its parent, and "= " for the
  // image that the process became by exec.
  std::string text() const;

 private:
  std::vector<Entry> entries_;
  Totals sums_;
};

}  // namespace tidemark::report
