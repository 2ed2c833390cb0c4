// Samples a recorded process from outside while it runs: the recorder's own samples ride on allocation events, so a
// process that allocates nothing for a while would show no resident set. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "analyzer/launch/outside_trace.h"

namespace tidemark::launch {

class Sampler {
 public:
  // Of the process `pid` as far as it writes a trace of this session.
  Sampler(pid_t pid, uint64_t session) noexcept;

  // Nanoseconds until tick() has something to do; times are CLOCK_MONOTONIC.
  uint64_t wait_ns(uint64_t now) const noexcept { return next_ > now ? next_ - now : 0; }
  void tick(uint64_t now);

  // Whether a trace of the process was ever seen.
  bool seen_trace() const noexcept { return seen_trace_; }

 private:
  void search(uint64_t now);

  pid_t pid_;
  uint64_t session_;
  uint64_t start_;
  uint64_t next_;
  uint64_t search_interval_;
  std::optional<OutsideTrace> trace_;
  bool seen_trace_ = false;
};

}  // namespace tidemark::launch
