#include "analyzer/cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "analyzer/base/units.h"

namespace tidemark::cli {
namespace {

// Names that begin a command of their own; a program that is called so is started by `tidemark run NAME` or `-- NAME`.
constexpr std::array<std::string_view, 11> kReserved = {"run",      "report", "check", "diff",    "export", "top",
                                                        "snapshot", "mark",   "help",  "version", "pack"};

Error not_yet(std::string_view what) { return Error{fmt::format("{} is not in this version", what)}; }

// Walks arguments; options are `--name value`, `--name=value`, `-o value` or `-ovalue`.
class Arguments {
 public:
  explicit Arguments(const std::vector<std::string>& arguments, size_t from) : arguments_(arguments), at_(from) {}

  bool done() const { return at_ == arguments_.size(); }
  const std::string& peek() const { return arguments_[at_]; }
  const std::string& take() { return arguments_[at_++]; }
  std::vector<std::string> rest() const { return {arguments_.begin() + static_cast<ptrdiff_t>(at_), arguments_.end()}; }

  bool at_option() const { return !done() && peek().size() > 1 && peek().front() == '-'; }

  // True when the next argument is the flag; takes it.
  bool flag(std::string_view name) {
    if (done() || peek() != name) return false;
    ++at_;
    return true;
  }

  // True when the next argument is the option; takes it and its value. `failed()` tells of a missing value.
  bool option(std::string_view name, std::string& value) {
    if (done()) return false;
    const std::string& argument = peek();
    if (argument == name) {
      ++at_;
      if (done()) {
        error_ = fmt::format("{} needs a value", name);
      } else {
        value = take();
      }
      return true;
    }
    const bool is_long = name.substr(0, 2) == "--";
    const size_t glue = is_long ? 1 : 0;  // the =
    if (argument.size() <= name.size() || argument.compare(0, name.size(), name) != 0) return false;
    if (is_long && argument[name.size()] != '=') return false;
    value = argument.substr(name.size() + glue);
    ++at_;
    return true;
  }

  bool failed() const { return !error_.empty(); }
  Error error() const { return Error{error_}; }

 private:
  const std::vector<std::string>& arguments_;
  size_t at_;
  std::string error_;
};

// Empty when the value of --snapshot makes sense, else what would.
std::optional<Error> check_snapshot(const std::string& value) {
  if (value == "exit" || value == "never") return std::nullopt;
  if (value.compare(0, 6, "every=") == 0) {
    const auto duration = parse_duration(std::string_view(value).substr(6));
    if (duration && *duration > 0) return std::nullopt;
  }
  if (value.compare(0, 7, "growth=") == 0) {
    const auto factor = parse_real(std::string_view(value).substr(7));
    if (factor && *factor > 1) return std::nullopt;
  }
  return Error{
      fmt::format("--snapshot {}: expected exit, never, every=DURATION (such as every=10s) or growth=FACTOR "
                  "(above 1, such as growth=2)",
                  value)};
}

Result<model::WhoHoldsQuery> parse_who_holds(const std::string& text) {
  model::WhoHoldsQuery query;
  query.text = text;
  if (text.compare(0, 2, "0x") == 0 || text.compare(0, 2, "0X") == 0) {
    uint64_t address = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 2, end, address, 16);
    if (error != std::errc{} || stop != end) {
      return Error{fmt::format("--who-holds {}: expected a hexadecimal address such as 0x55d0c0a012c0", text)};
    }
    query.address = address;
  } else if (text.empty() || text.front() == '-') {
    return Error{
        fmt::format("--who-holds {}: expected an address such as 0x55d0c0a012c0, or a part of the name of a function "
                    "or file of the allocation stack",
                    text)};
  }
  return query;
}

// SITE=SIZE. A site may contain = itself (operator==), a size does not: the last one separates.
Result<model::Bound> parse_bound(const std::string& text) {
  const size_t equals = text.rfind('=');
  const bool whole = equals != std::string::npos && equals != 0;
  const auto bytes = whole ? parse_size(std::string_view(text).substr(equals + 1)) : std::nullopt;
  if (!bytes || *bytes == 0) {
    return Error{
        fmt::format("--bound {}: expected SITE=SIZE, where SITE is a part of the name of a function, file or module of "
                    "the allocation stack, as in: --bound lookup_cache=256MB",
                    text)};
  }
  return model::Bound{text.substr(0, equals), *bytes};
}

Result<Command> parse_run(Arguments arguments) {
  RunCommand command;
  std::string value;
  while (arguments.at_option() && !arguments.failed()) {
    if (arguments.flag("--")) break;
    if (arguments.flag("-h") || arguments.flag("--help")) return Command{HelpCommand{}};
    if (arguments.flag("--quiet") || arguments.flag("-q")) {
      command.quiet = true;
    } else if (arguments.flag("--no-follow-fork")) {
      command.settings.follow_fork = false;
    } else if (arguments.option("--output", value) || arguments.option("-o", value)) {
      if (value.empty() && !arguments.failed()) return Error{"--output: the file's name is empty"};
      command.settings.output = value;
    } else if (arguments.option("--mode", value)) {
      if (value == "sample") return Error{"sampling is not in this version"};
      if (value != "full" && !arguments.failed())
        return Error{fmt::format("--mode {}: expected full or sample", value)};
      command.settings.mode = value;
    } else if (arguments.option("--sample-interval", value)) {
      const auto bytes = parse_size(value);
      if ((!bytes || *bytes == 0) && !arguments.failed())
        return Error{fmt::format("--sample-interval {}: expected a size such as 512KiB", value)};
      command.settings.sample_interval = bytes;
    } else if (arguments.option("--max-trace-size", value)) {
      const auto bytes = parse_size(value);
      if ((!bytes || *bytes == 0) && !arguments.failed())
        return Error{fmt::format("--max-trace-size {}: expected a size such as 2GiB", value)};
      command.settings.max_trace_bytes = bytes;
    } else if (arguments.option("--snapshot", value)) {
      if (arguments.failed()) break;
      if (auto error = check_snapshot(value)) return *error;
      auto& snapshot = command.settings.snapshot;
      snapshot = snapshot ? *snapshot + "," + value : value;
    } else if (arguments.option("--bound", value)) {
      if (arguments.failed()) break;
      const auto bound = parse_bound(value);
      if (!bound) return bound.error();
      command.bounds.push_back(*bound);
    } else if (arguments.option("--report", value)) {
      if (value == "html") return not_yet("--report html");
      if (value == "text") {
        command.report = RunReport::kText;
      } else if (value == "json") {
        command.report = RunReport::kJson;
      } else if (value == "none") {
        command.report = RunReport::kNone;
      } else if (!arguments.failed()) {
        return Error{fmt::format("--report {}: expected text, html, json or none", value)};
      }
    } else {
      return Error{
          fmt::format("unknown option {} (options of the program itself go behind its name)", arguments.peek())};
    }
  }
  if (arguments.failed()) return arguments.error();
  command.program = arguments.rest();
  if (command.program.empty()) return Error{"no program to run"};
  return Command{std::move(command)};
}

Result<Command> parse_report(Arguments arguments) {
  ReportCommand command;
  std::string value;
  bool options_end = false;
  while (!arguments.done() && !arguments.failed()) {
    if (options_end || !arguments.at_option()) {
      command.traces.push_back(arguments.take());
    } else if (arguments.flag("--")) {
      options_end = true;
    } else if (arguments.flag("-h") || arguments.flag("--help")) {
      return Command{HelpCommand{}};
    } else if (arguments.option("--format", value)) {
      if (value == "html") return not_yet("--format html");
      if (value != "text" && value != "json" && !arguments.failed()) {
        return Error{fmt::format("--format {}: expected text, json or html", value)};
      }
      command.format = value == "json" ? Format::kJson : Format::kText;
    } else if (arguments.option("--output", value) || arguments.option("-o", value)) {
      if (value.empty() && !arguments.failed()) return Error{"--output: the file's name is empty"};
      command.output = value;
    } else if (arguments.option("--top", value)) {
      const auto top = parse_number(value);
      if ((!top || *top == 0) && !arguments.failed())
        return Error{fmt::format("--top {}: expected a number from 1", value)};
      command.top = top;
    } else if (arguments.flag("--holders")) {
      command.holders = true;
    } else if (arguments.option("--who-holds", value)) {
      if (arguments.failed()) break;
      const auto query = parse_who_holds(value);
      if (!query) return query.error();
      command.who_holds = *query;
    } else if (arguments.option("--bound", value)) {
      if (arguments.failed()) break;
      const auto bound = parse_bound(value);
      if (!bound) return bound.error();
      command.bounds.push_back(*bound);
    } else {
      return Error{fmt::format("report: unknown option {}", arguments.peek())};
    }
  }
  if (arguments.failed()) return arguments.error();
  if (command.traces.empty()) return Error{"report: no trace given"};
  return Command{std::move(command)};
}

Result<Command> parse_mark(Arguments arguments) {
  if (arguments.flag("-h") || arguments.flag("--help")) return Command{HelpCommand{}};
  const std::vector<std::string> rest = arguments.rest();
  if (rest.size() != 2)
    return Error{"mark: expected a process id and a text, as in: tidemark mark 1234 \"after load\""};
  const auto pid = parse_number(rest[0]);
  if (!pid || *pid == 0 || *pid > INT32_MAX) return Error{fmt::format("mark: {} is no process id", rest[0])};
  return Command{MarkCommand{static_cast<uint32_t>(*pid), rest[1]}};
}

Result<Command> parse_snapshot(Arguments arguments) {
  if (arguments.flag("-h") || arguments.flag("--help")) return Command{HelpCommand{}};
  const std::vector<std::string> rest = arguments.rest();
  if (rest.size() != 1) return Error{"snapshot: expected a process id, as in: tidemark snapshot 1234"};
  const auto pid = parse_number(rest[0]);
  if (!pid || *pid == 0 || *pid > INT32_MAX) return Error{fmt::format("snapshot: {} is no process id", rest[0])};
  return Command{SnapshotCommand{static_cast<uint32_t>(*pid)}};
}

}  // namespace

Result<Command> parse_command(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return Error{"nothing to do"};
  const std::string& first = arguments.front();
  if (first == "-h" || first == "--help" || first == "help") return Command{HelpCommand{}};
  if (first == "-V" || first == "--version" || first == "version") return Command{VersionCommand{}};
  if (first == "run") return parse_run(Arguments(arguments, 1));
  if (first == "report") return parse_report(Arguments(arguments, 1));
  if (first == "mark") return parse_mark(Arguments(arguments, 1));
  if (first == "snapshot") return parse_snapshot(Arguments(arguments, 1));
  if (std::find(kReserved.begin(), kReserved.end(), first) != kReserved.end()) return not_yet(first);
  return parse_run(Arguments(arguments, 0));
}

const char* help_text() noexcept {
  return R"(Tidemark records what a program does with its heap, and explains it.

  tidemark [run] [options] [--] PROGRAM [ARGS...]   record; when it ends, print the report to stderr
  tidemark report TRACE... [options]                a trace, several, or a folder of them
  tidemark mark PID TEXT                            name this moment in the record of a running program
  tidemark snapshot PID                             take a heap snapshot of a running program into its record
  tidemark --version, tidemark --help

Options of run:
  -o, --output FILE         the trace (default %e.%p.tidemark: %e program name, %p process id, %% a percent sign)
  --mode full               every event with its whole stack (the default)
  --sample-interval BYTES   for --mode sample, which is not in this version
  --snapshot WHEN           heap snapshots: exit, never, every=DURATION or growth=FACTOR; may be repeated, and replaces
                            the default (exit and growth=2)
  --max-trace-size SIZE     such as 2GiB (default: the smaller of 16 GiB and half the free disk)
  --no-follow-fork          record neither forked children nor exec'd images
  --report text|json|none   what to print to stderr at the end (default text)
  --bound SITE=SIZE         see below
  -q, --quiet               print nothing of ours

Options of report:
  --format text|json        (default text)
  -o, --output FILE         instead of stdout
  --top N                   the N largest of each kind (default: text 10, JSON all)
  --holders                 who holds the memory: a tree, with what each holder retains
  --who-holds ADDRESS|TEXT  who holds the block at 0x..., or those whose allocation stack has a function or a file with
                            this text in its name
  --bound SITE=SIZE         what is allocated at SITE may grow to SIZE on purpose, such as a cache: up to there it is no
                            leak. SITE is a part of the name of a function, file or module of the allocation stack. May
                            be repeated; of several that match one site the first counts

The exit status of run is the program's own (128+N for signal N); 127 if there is no such program, 126 if it cannot be
run. Other commands exit with 0, or with 2 when they could not do their work.

Without this command: LD_PRELOAD=.../lib/libtidemark_preload.so TIDEMARK_OUTPUT=app.%p.tidemark ./app
)";
}

}  // namespace tidemark::cli
