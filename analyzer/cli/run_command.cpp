#include <fmt/format.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>

#include "analyzer/base/file.h"
#include "analyzer/base/text.h"
#include "analyzer/cli/commands.h"
#include "analyzer/cli/print_reports.h"
#include "analyzer/launch/program.h"
#include "analyzer/launch/sampler.h"
#include "analyzer/launch/session.h"
#include "analyzer/launch/supervise.h"
#include "analyzer/launch/why_no_trace.h"

namespace tidemark::cli {
namespace {

// As env(1) does.
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

int exit_status(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void print(const RunCommand& command, const std::vector<launch::SessionTrace>& traces) {
  std::vector<std::string> paths;
  paths.reserve(traces.size());
  for (const launch::SessionTrace& trace : traces) paths.push_back(trace.path);
  PrintOptions options;
  options.format = command.report == RunReport::kJson ? Format::kJson : Format::kText;
  options.bounds = command.bounds;
  print_reports(paths, options, []() -> Result<std::FILE*> { return stderr; });
}

}  // namespace

int run(const RunCommand& command) {
  const Result<std::string> library = launch::find_library();
  if (!library) {
    complain(library.error().text);
    return kFailed;
  }
  const uint64_t session = launch::random_id();
  const std::string pattern = launch::output_pattern(command.settings);
  const Result<launch::Environment> environment = launch::recorder_environment(command.settings, *library, session);
  if (!environment) {
    complain(environment.error().text);
    return kFailed;
  }

  launch::Started started;
  int status = 0;
  {
    const launch::SignalBlock signals;
    started = launch::start_program(command.program, *environment, signals);
    if (started.error == 0) {
      launch::Sampler sampler(started.pid, session);
      status = launch::supervise(started.pid, signals, sampler);
    }
  }
  if (started.error != 0) {
    complain(fmt::format("cannot run {}: {}", printable(command.program.front()), error_text(started.error)));
    return started.error == ENOENT ? kNotFound : kCannotRun;
  }

  std::vector<launch::SessionTrace> traces = launch::traces_of(session, pattern);
  launch::finish(traces, started.pid, status);
  if (!command.quiet) {
    if (traces.empty()) {
      complain("nothing was recorded: " + launch::why_no_trace(command.program.front()));
    } else if (command.report != RunReport::kNone) {
      print(command, traces);
    }
  }
  return exit_status(status);
}

}  // namespace tidemark::cli
