// The command line as data. Parsing has no side effects; what is wrong comes back as an error that says what to write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "analyzer/base/result.h"
#include "analyzer/launch/library.h"
#include "analyzer/model/heap.h"
#include "analyzer/model/report.h"

namespace tidemark::cli {

enum class Format { kText, kJson };
enum class RunReport { kText, kJson, kNone };

struct RunCommand {
  launch::RecorderSettings settings;
  bool quiet = false;
  RunReport report = RunReport::kText;
  std::vector<model::Bound> bounds;
  std::vector<std::string> program;  // and its arguments; not empty
};

struct ReportCommand {
  std::vector<std::string> traces;  // files and folders; not empty
  Format format = Format::kText;
  std::optional<std::string> output;
  std::optional<size_t> top;
  bool holders = false;
  std::optional<model::WhoHoldsQuery> who_holds;
  std::vector<model::Bound> bounds;
};

struct MarkCommand {
  uint32_t pid = 0;
  std::string text;
};

struct SnapshotCommand {
  uint32_t pid = 0;
};

struct HelpCommand {};
struct VersionCommand {};

using Command = std::variant<RunCommand, ReportCommand, MarkCommand, SnapshotCommand, HelpCommand, VersionCommand>;

// `arguments` without the command's own name.
Result<Command> parse_command(const std::vector<std::string>& arguments);

const char* help_text() noexcept;

}  // namespace tidemark::cli
