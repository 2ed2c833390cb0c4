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

TEST(Options, SnapshotTakesAProcess) {
  EXPECT_EQ(parsed<SnapshotCommand>({"snapshot", "123"}).pid, 123u);
  for (const char* bad : {"", "0", "x", "-1", "99999999999"}) EXPECT_NE(failure({"snapshot", bad}), "") << bad;
  EXPECT_NE(failure({"snapshot"}), "");
  EXPECT_NE(failure({"snapshot", "1", "2"}), "");
}

TEST(Options, WhatComesLaterSaysSo) {
  for (const char* name : {"check", "diff", "export", "top", "pack"}) {
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

TEST(Options, WhoHolds) {
  EXPECT_TRUE(parsed<ReportCommand>({"report", "t", "--holders"}).holders);
  const auto plain = parsed<ReportCommand>({"report", "t"});
  EXPECT_FALSE(plain.holders || plain.who_holds);
  for (const char* address : {"0x7f00deadBEEF", "0X7f00deadbeef"}) {
    const auto query = parsed<ReportCommand>({"report", "t", "--who-holds", address}).who_holds;
    ASSERT_TRUE(query);
    EXPECT_EQ(query->text, address);
    EXPECT_EQ(query->address, 0x7f00deadbeefu);
  }
  for (const char* site : {"leak.cpp", "make_request", "7f00deadbeef"}) {
    const auto query = parsed<ReportCommand>({"report", std::string("--who-holds=") + site, "t"}).who_holds;
    ASSERT_TRUE(query);
    EXPECT_EQ(query->text, site);
    EXPECT_FALSE(query->address);
  }
  for (const char* bad : {"0x", "0xleak", "0x1 ", "0x11112222333344445", "0x-1"}) {
    EXPECT_NE(failure({"report", "t", "--who-holds", bad}).find("expected a hexadecimal address"), std::string::npos)
        << bad;
  }
  for (const char* bad : {"", "--holders"}) {
    EXPECT_NE(failure({"report", "t", "--who-holds", bad}).find("expected an address such as"), std::string::npos);
  }
  EXPECT_EQ(failure({"report", "t", "--who-holds"}), "--who-holds needs a value");
  EXPECT_NE(failure({"--holders", "prog"}).find("--holders"), std::string::npos);
}

TEST(Options, BoundsOfRunAndReport) {
  const Arguments given = {"--bound", "lookup_cache=256MB", "--bound=operator===1.5k"};
  Arguments run = given, report = given;
  run.push_back("prog");
  report.insert(report.begin(), "report");
  report.push_back("t");
  for (const auto& bounds : {parsed<RunCommand>(run).bounds, parsed<ReportCommand>(report).bounds}) {
    ASSERT_EQ(bounds.size(), 2u);
    EXPECT_EQ(bounds[0].site, "lookup_cache");
    EXPECT_EQ(bounds[0].bytes, uint64_t{256} << 20);
    EXPECT_EQ(bounds[1].site, "operator==");
    EXPECT_EQ(bounds[1].bytes, 1536u);
  }
  EXPECT_TRUE(parsed<RunCommand>({"prog", "--bound", "x"}).bounds.empty());
  for (const char* bad : {"", "cache", "=1M", "cache=", "cache=much", "cache=0", "cache=-1"}) {
    for (const Arguments& arguments : {Arguments{"--bound", bad, "prog"}, Arguments{"report", "--bound", bad, "t"}}) {
      EXPECT_NE(failure(arguments).find("expected SITE=SIZE"), std::string::npos) << bad;
    }
  }
  EXPECT_EQ(failure({"report", "t", "--bound"}), "--bound needs a value");
}

TEST(Options, HelpNamesEveryOptionOfReport) {
  for (const char* option : {"--format", "--output", "--top", "--holders", "--who-holds", "--bound"})
    EXPECT_NE(std::string(help_text()).find(option), std::string::npos) << option;
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
