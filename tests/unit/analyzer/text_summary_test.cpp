// The first lines of the text report, which must do alone, and growth in words.
#include "analyzer/report/text_summary.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "analyzer/report/text_growth.h"
#include "tests/unit/analyzer/filled_report.h"

namespace tidemark::report {
namespace {

std::vector<std::string> summary_of(const model::Report& report) {
  Text text;
  write_summary(text, report);
  std::vector<std::string> lines;
  const std::string all = fmt::to_string(text);
  for (size_t at = 0, end = 0; (end = all.find('\n', at)) != std::string::npos; at = end + 1)
    lines.push_back(all.substr(at, end - at));
  return lines;
}

// The store of the filled report grows without bound, and the lost cycles are the runner-up.
model::Report unbounded() {
  model::Report report = testing::filled_report();
  report.verdict = {model::VerdictClass::kTrueLeak, model::VerdictKind::kUnboundedRetention, 0.6,
                    "53.4 MB are kept for ever, 5.0 MB more an hour"};
  report.process.duration_s = 7200;
  report.process.end = {model::End::Kind::kExited, 0, {}};
  report.memory.max_rss_bytes = 300 << 20;
  report.memory.rss_bytes_at_end = 280 << 20;
  report.growth = {"linear", 5.0 * (1 << 20), {}};
  report.limits = {{"cgroup", 512 << 20, 360 << 20, 259200.0}, {"data", 1 << 30, 1 << 29, 1e9}};
  model::Finding& store = report.findings[1];
  store.verdict_class = report.verdict.verdict_class;
  store.kind = report.verdict.kind;
  store.confidence = 0.6;
  store.summary = "Nothing of it is ever freed, and no bound was seen up to 53.4 MB";
  return report;
}

TEST(TextSummary, FiveLinesAnswerTheQuestion) {
  const std::vector<std::string> lines = summary_of(unbounded());
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0],
            "TRUE-LEAK (unbounded-retention, medium confidence): 53.4 MB are kept for ever, 5.0 MB more an hour.");
  EXPECT_EQ(
      lines[1],
      "Largest part of it: 53.4 MB (26.7%) in 1,000,000 blocks from fill_store (leak.cpp:30), held by global_store "
      "(leak.cpp:12).");
  EXPECT_EQ(lines[2], "Nothing of it is ever freed, and no bound was seen up to 53.4 MB.");
  EXPECT_EQ(lines[3],
            "maxrss 300.0 MB is a high-water mark, and never falls; the process now holds 280.0 MB, of which 200.0 MB "
            "live. At 5.0 MB an "
            "hour the cgroup's limit of 512.0 MB is reached in 3 days.");
  EXPECT_EQ(
      lines[4],
      "Besides: true-leak / unreachable-cycle, high confidence: 80.0 MB (40.0%) in 1,030 blocks from make_request "
      "(transcriber.cpp:40), held only by cycles of their own.");
  EXPECT_TRUE(lines[5].starts_with("demo (pid 0) ran 2 h")) << lines[5];
}

TEST(TextSummary, TheLargestFindingOfTheVerdictDecides) {
  model::Report report = unbounded();
  EXPECT_EQ(deciding_finding(report), &report.findings[1]);
  model::Finding larger = report.findings[1];
  larger.bytes += 1;
  report.findings.push_back(larger);
  EXPECT_EQ(deciding_finding(report), &report.findings[2]);
  report.findings[2].folded_sites = 3;
  EXPECT_EQ(deciding_finding(report), &report.findings[1]);
  report.verdict.kind = model::VerdictKind::kUnreachable;
  EXPECT_EQ(deciding_finding(report), nullptr);
}

TEST(TextSummary, ASmallRunnerUpIsNotNamedUnlessItIsALeak) {
  model::Report report = unbounded();
  report.verdict = {model::VerdictClass::kRetainedByDesign, model::VerdictKind::kWorkingSet, 0.9, "kept"};
  report.findings[1].verdict_class = report.verdict.verdict_class;
  report.findings[1].kind = report.verdict.kind;
  report.findings[0].bytes = 100;
  EXPECT_TRUE(summary_of(report)[4].starts_with("Besides: true-leak / unreachable-cycle, high confidence: 100 B"));
  report.findings[0].verdict_class = model::VerdictClass::kRetainedByDesign;
  report.findings[0].kind = model::VerdictKind::kEpisodic;
  EXPECT_EQ(summary_of(report).size(), 5u);
  report.findings[0].bytes = 20 << 20;
  EXPECT_TRUE(summary_of(report)[4].starts_with("Besides: retained-by-design / episodic"));
}

TEST(TextSummary, WithoutAFindingThePeakTells) {
  model::Report report = unbounded();
  report.verdict = {model::VerdictClass::kNoGrowth, model::VerdictKind::kReleased, 0.9, "all was given back"};
  report.findings.clear();
  report.memory.live_bytes_at_end = report.memory.live_blocks_at_end = 0;
  report.working_life = {0, 2, 0, 0};
  report.peak_stacks.push_back({150 << 20, 1000, 1, {{1}, false}});
  const std::vector<std::string> lines = summary_of(report);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0], "NO-GROWTH (released, high confidence): all was given back.");
  EXPECT_EQ(lines[1], "Largest part of the peak: 150.0 MB (75.0%) in 1,000 blocks from fill_store (leak.cpp:30).");
  EXPECT_EQ(lines[2], "Nothing is live at the end.");
}

TEST(TextSummary, WhatWouldSettleAnUndecidedOne) {
  model::Report report = testing::filled_report();
  EXPECT_TRUE(summary_of(report)[0].starts_with("UNDECIDED: memory is lost."));
  EXPECT_EQ(
      summary_of(report)[1],
      "Largest part of what is live at the end: 53.4 MB (26.7%) in 1,000,000 blocks from fill_store (leak.cpp:30), "
      "held by global_store (leak.cpp:12).");
  report.memory.total_allocations = 1;
  EXPECT_EQ(summary_of(report)[4], "What would settle it: a longer run.");
  report.graph_snapshot.reset();
  report.marks.clear();
  EXPECT_EQ(
      summary_of(report)[4],
      "What would settle it: heap snapshots (--snapshot every=10s), a longer run, or marks at the rounds of its work "
      "(tidemark mark, tidemark_mark).");
  report.process.end.kind = model::End::Kind::kRunning;
  report.process.pid = 12;
  report.recording.complete = false;
  EXPECT_TRUE(summary_of(report)[4].starts_with(
      "What would settle it: a recording that is complete (see its end), a heap snapshot (tidemark snapshot 12), "));
}

TEST(TextSummary, HeadlinesCannotCommandTheTerminal) {
  model::Report report = unbounded();
  report.verdict.headline = report.findings[1].summary = "\x1b[2J";
  for (const std::string& line : summary_of(report)) EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(Growth, InWords) {
  EXPECT_EQ(growth_phrase({}, 1), "");
  EXPECT_EQ(growth_phrase({"linear", 5.0 * (1 << 20), 1.2 * (1 << 20)}, 7200),
            "grows steadily, 5.0 MB an hour, 1.2 MB per mark");
  EXPECT_EQ(growth_phrase({"accelerating", 3600.0 * 1024, {}}, 2),
            "grows ever faster, 1.0 KB a second (3.5 MB an hour)");
  EXPECT_EQ(growth_phrase({"settled", {}, {}}, 7200), "has settled");
  EXPECT_EQ(growth_phrase({"linear", -5.0, 1e300}, 7200), "grows steadily, 0 B per mark");
}

TEST(Growth, OfSeveralLimitsTheOneThatComesFirst) {
  model::Report report = unbounded();
  report.limits[1].reached_in_s = 300;
  EXPECT_EQ(limit_sentence(report),
            "At 5.0 MB an hour the limit on data (ulimit -d) of 1.0 GB is reached in 5 min 0 s.");
  report.limits[0].reached_in_s = 0;
  EXPECT_EQ(limit_sentence(report), "It has used up the cgroup's limit, 512.0 MB.");
  report.limits[0].reached_in_s = 1e9;
  report.limits[1].reached_in_s.reset();
  EXPECT_EQ(limit_sentence(report),
            "At 5.0 MB an hour the cgroup's limit of 512.0 MB is reached in more than 2 years.");
  report.limits[0].reached_in_s.reset();
  EXPECT_EQ(limit_sentence(report), "");
}

TEST(Growth, ADeathNearALimitIsTold) {
  model::Report report = unbounded();
  report.process.end = {model::End::Kind::kSignaled, 9, {}};
  EXPECT_EQ(limit_sentence(report), "");
  report.limits[0].left_bytes = 20 << 20;
  EXPECT_EQ(limit_sentence(report), "It was killed with 20.0 MB left of the cgroup's limit of 512.0 MB.");
  report.process.end = {model::End::Kind::kKilled, {}, {}};
  EXPECT_EQ(limit_sentence(report), "It was killed with 20.0 MB left of the cgroup's limit of 512.0 MB.");
}

}  // namespace
}  // namespace tidemark::report
