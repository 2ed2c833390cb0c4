#include <fmt/format.h>

#include "analyzer/base/process.h"
#include "analyzer/cli/commands.h"
#include "analyzer/launch/outside_trace.h"

namespace tidemark::cli {

int mark(const MarkCommand& command) {
  const auto pid = static_cast<pid_t>(command.pid);
  if (!process_state(command.pid)) {
    complain(fmt::format("mark: there is no process {}", pid));
    return kFailed;
  }
  const auto path = launch::find_trace_of(pid);
  if (!path) {
    complain(fmt::format("mark: process {} writes no trace (not recorded, or not ours to look at)", pid));
    return kFailed;
  }
  Result<launch::OutsideTrace> trace = launch::OutsideTrace::open(*path);
  if (!trace) {
    complain(fmt::format("mark: {}", trace.error().text));
    return kFailed;
  }
  // The sample belongs to the mark: it tells the resident set at that moment.
  (void)trace->sample(pid);
  if (const Status marked = trace->mark(command.text); !marked) {
    complain(fmt::format("mark: {}", marked.error().text));
    return kFailed;
  }
  return 0;
}

}  // namespace tidemark::cli
