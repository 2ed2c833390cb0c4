// What the command does: one function per subcommand, each returning the exit status.
#pragma once

#include <string>
#include <vector>

#include "analyzer/cli/options.h"

namespace tidemark::cli {

// A command that could not do its work.
inline constexpr int kFailed = 2;

int run(const RunCommand& command);
int report(const ReportCommand& command);
int mark(const MarkCommand& command);
int snapshot(const SnapshotCommand& command);

// One line on stderr: "tidemark: TEXT".
void complain(const std::string& text);

}  // namespace tidemark::cli
