// The command's entry: parses, dispatches, and turns what must not escape into an exit status.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "analyzer/base/text.h"
#include "analyzer/cli/commands.h"
#include "analyzer/cli/options.h"

namespace tidemark::cli {

void complain(const std::string& text) { fmt::print(stderr, "tidemark: {}\n", printable(text)); }

namespace {

struct Dispatch {
  int operator()(const RunCommand& command) const { return run(command); }
  int operator()(const ReportCommand& command) const { return report(command); }
  int operator()(const MarkCommand& command) const { return mark(command); }
  int operator()(const SnapshotCommand& command) const { return snapshot(command); }
  int operator()(const HelpCommand&) const {
    std::fputs(help_text(), stdout);
    return 0;
  }
  int operator()(const VersionCommand&) const {
    std::puts("tidemark " TIDEMARK_VERSION);
    return 0;
  }
};

int dispatch(int count, char** values) {
  const std::vector<std::string> arguments(values + (count > 0 ? 1 : 0), values + count);
  const Result<Command> command = parse_command(arguments);
  if (!command) {
    complain(command.error().text);
    if (arguments.empty()) std::fputs(help_text(), stderr);
    return kFailed;
  }
  return std::visit(Dispatch{}, *command);
}

}  // namespace
}  // namespace tidemark::cli

int main(int count, char** values) {
  try {
    return tidemark::cli::dispatch(count, values);
  } catch (const std::bad_alloc&) {
    std::fputs("tidemark: out of memory\n", stderr);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "tidemark: %s\n", failure.what());
  }
  return tidemark::cli::kFailed;
}
