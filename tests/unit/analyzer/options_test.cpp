#include "analyzer/cli/options.h"

#include <gtest/gtest.h>

namespace tidemark::cli {
namespace {

using Arguments = std::vector<std::string>;

template <class Parsed>
Parsed parsed(const Arguments& arguments) {
  Result<Command> command = parse_command(arguments);
  EXPECT_TRUE(command.ok()) << (command ? "" : command.error().text);
  if (!command || !std::holds_alternative<Parsed>(*command)) {
    ADD_FAILURE() << "another command";
    return {};
  }
  return std::get<Parsed>(*command);
}

std::string failure(const Arguments& arguments) {
  const Result<Command> command = parse_command(arguments);
  return command ? std::string() : command.error().text;
}

TEST(Options, AProgramAloneIsRun) {
  EXPECT_EQ(parsed<RunCommand>({"ls", "-l", "--output", "x"}).program, (Arguments{"ls", "-l", "--output", "x"}));
  EXPECT_EQ(parsed<RunCommand>({"run", "report"}).program, (Arguments{"report"}));
  EXPECT_EQ(parsed<RunCommand>({"--", "report", "x"}).program, (Arguments{"report", "x"}));
  EXPECT_EQ(parsed<RunCommand>({"--quiet", "--", "--odd"}).program, (Arguments{"--odd"}));
  EXPECT_EQ(parsed<RunCommand>({"./report"}).program, (Arguments{"./report"}));
}

TEST(Options, EveryOptionOfRun) {
  const auto run = parsed<RunCommand>({"run", "-o", "a.%p", "--mode=full", "--sample-interval", "1M", "--snapshot",
                                       "exit", "--snapshot=growth=1.5", "--max-trace-size", "2GiB", "--quiet",
                                       "--report", "json", "--no-follow-fork", "prog", "arg"});
  EXPECT_EQ(run.settings.output, "a.%p");
  EXPECT_EQ(run.settings.mode, "full");
  EXPECT_EQ(run.settings.sample_interval, 1u << 20);
  EXPECT_EQ(run.settings.snapshot, "exit,growth=1.5");
  EXPECT_EQ(run.settings.max_trace_bytes, uint64_t{2} << 30);
  EXPECT_TRUE(run.quiet);
  EXPECT_EQ(run.report, RunReport::kJson);
  EXPECT_FALSE(run.settings.follow_fork);
  EXPECT_EQ(run.program, (Arguments{"prog", "arg"}));
  EXPECT_EQ(parsed<RunCommand>({"-oout", "prog"}).settings.output, "out");
  EXPECT_EQ(parsed<RunCommand>({"--output=a=b", "prog"}).settings.output, "a=b");
  const auto plain = parsed<RunCommand>({"prog"});
  EXPECT_FALSE(plain.settings.output || plain.settings.mode || plain.settings.snapshot ||
               plain.settings.max_trace_bytes);
  EXPECT_TRUE(plain.settings.follow_fork);
}

TEST(Options, SnapshotsAreChecked) {
  for (const char* good : {"exit", "never", "every=10s", "every=250ms", "growth=2", "growth=1.1"}) {
    EXPECT_EQ(parsed<RunCommand>({"--snapshot", good, "prog"}).settings.snapshot, good);
  }
  for (const char* bad :
       {"", "often", "every=", "every=0s", "every=x", "growth=1", "growth=-2", "growth=", "exit,never"}) {
    EXPECT_NE(failure({"--snapshot", bad, "prog"}), "") << bad;
  }
}

TEST(Options, WhatIsWrongIsNamed) {
  EXPECT_NE(failure({}), "");
  EXPECT_NE(failure({"run"}).find("no program"), std::string::npos);
  EXPECT_NE(failure({"run", "--frobnicate", "prog"}).find("--frobnicate"), std::string::npos);
  EXPECT_NE(failure({"run", "--output"}).find("needs a value"), std::string::npos);
  EXPECT_NE(failure({"--mode", "fast", "prog"}).find("fast"), std::string::npos);
  EXPECT_NE(failure({"--max-trace-size", "huge", "prog"}).find("huge"), std::string::npos);
  EXPECT_NE(failure({"--report", "pdf", "prog"}).find("pdf"), std::string::npos);
  EXPECT_NE(failure({"report"}).find("no trace"), std::string::npos);
  EXPECT_NE(failure({"report", "t", "--top", "0"}).find("--top"), std::string::npos);
  EXPECT_NE(failure({"report", "t", "--format", "xml"}).find("xml"), std::string::npos);
  EXPECT_NE(failure({"mark", "12"}).find("text"), std::string::npos);
  EXPECT_NE(failure({"mark", "x", "y"}).find("no process id"), std::string::npos);
}

TEST(Options, WhatComesLaterSaysSo) {
  for (const char* name : {"check", "diff", "export", "top", "snapshot", "pack"}) {
    EXPECT_EQ(failure({name, "x"}), std::string(name) + " is not in this version");
  }
  EXPECT_EQ(failure({"report", "--format", "html", "t"}), "--format html is not in this version");
  EXPECT_EQ(failure({"--report=html", "prog"}), "--report html is not in this version");
  EXPECT_EQ(failure({"--mode", "sample", "prog"}), "sampling is not in this version");
}

TEST(Options, Report) {
  const auto report =
      parsed<ReportCommand>({"report", "a", "--format", "json", "b", "-o", "out", "--top=3", "--", "--odd"});
  EXPECT_EQ(report.traces, (Arguments{"a", "b", "--odd"}));
  EXPECT_EQ(report.format, Format::kJson);
  EXPECT_EQ(report.output, "out");
  EXPECT_EQ(report.top, 3u);
}

TEST(Options, MarkHelpAndVersion) {
  const auto mark = parsed<MarkCommand>({"mark", "123", "after load"});
  EXPECT_EQ(mark.pid, 123u);
  EXPECT_EQ(mark.text, "after load");
  parsed<HelpCommand>({"--help"});
  parsed<HelpCommand>({"run", "--help"});
  parsed<VersionCommand>({"--version"});
}

}  // namespace
}  // namespace tidemark::cli
