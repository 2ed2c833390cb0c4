// Findings and snapshots in the text report, to the letter.
#include "analyzer/report/text_findings.h"

#include <gtest/gtest.h>

#include "analyzer/report/text_report.h"
#include "tests/unit/analyzer/filled_report.h"

namespace tidemark::report {
namespace {

std::string findings_of(const model::Report& report, size_t top = 10) {
  Text text;
  write_findings(text, report, top);
  return fmt::to_string(text);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(TextFindings, ALostCycleAndAHeldStore) {
  EXPECT_EQ(findings_of(testing::filled_report()), R"(
LIVE AT THE END  200.0 MB in 1,001,070 blocks at 0 us
  80.0 MB (40.0%) in 1,030 blocks  true-leak / unreachable-cycle, high confidence (0.90)
    10 copies, 1,000 blocks directly lost (2.0 KB), 30 more only through them (80.0 MB)
    2 blocks that looked unreachable in a snapshot were freed later: reachability proves little here
    unreachable at main's return and in 2 snapshots before
    cycle: ConversationTranscriber +0x18 recognized → EventSignal +0x30 callbacks → on_transcribed closure +0x10 →
           ConversationTranscriber
    keeps alive: 76.3 MB in 10 × AudioBuffer, 500 B in Header, 40 B in 2 × A, 30 B in 2 × B, 30 B in 2 more types
      make_request  transcriber.cpp:40
  53.4 MB (26.7%) in 1,000,000 blocks  undecided
    held by global_store (leak.cpp:12) +0x0 _M_start → std::string[] +0x20 _M_p → std::string
      fill_store  leak.cpp:30  (inlined)
)");
}

TEST(TextFindings, ConfidenceInWords) {
  model::Report report = testing::filled_report();
  const auto words = [&](double confidence) {
    report.findings[0].confidence = confidence;
    return findings_of(report);
  };
  EXPECT_TRUE(contains(words(0.8), ", high confidence (0.80)"));
  EXPECT_TRUE(contains(words(0.79), ", medium confidence (0.79)"));
  EXPECT_TRUE(contains(words(0.3), ", low confidence (0.30)"));
  EXPECT_TRUE(contains(words(0), ", low confidence (0.00)"));
}

TEST(TextFindings, OneBlockLostIsSaidPlainly) {
  model::Report report = testing::filled_report();
  model::Finding& lost = report.findings[0];
  lost.kind = model::VerdictKind::kUnreachable;
  lost.copies = 1;
  lost.direct_blocks = 1;
  lost.indirect_blocks = 0;
  lost.resurrected_blocks = 1;
  lost.cycle.clear();
  lost.keeps.clear();
  std::string text = findings_of(report);
  EXPECT_TRUE(contains(text, "\n    1 block directly lost (2.0 KB)\n")) << text;
  EXPECT_TRUE(contains(text, "\n    1 block that looked unreachable in a snapshot was freed later")) << text;
  EXPECT_FALSE(contains(text, "cycle:") || contains(text, "keeps alive")) << text;
  lost.indirect_blocks = 5;
  text = findings_of(report);
  EXPECT_TRUE(contains(text, "\n    1 block directly lost (2.0 KB), 5 more only through it (80.0 MB)\n")) << text;
}

TEST(TextFindings, UnreachableOnesBeyondTopAreCounted) {
  model::Report report = testing::filled_report();
  std::swap(report.findings[0], report.findings[1]);
  EXPECT_TRUE(contains(findings_of(report, 1),
                       "  (1 site more, 1 of them unreachable (80.0 MB); --top 2 shows them, and JSON has all)\n"));
  std::swap(report.findings[0], report.findings[1]);
  EXPECT_TRUE(contains(findings_of(report, 1), "  (1 site more; --top 2 shows them, and JSON has all)\n"));
  EXPECT_FALSE(contains(findings_of(report, 2), "more;"));
}

TEST(TextFindings, TheSummaryNamesWhoHoldsTheLargest) {
  model::Report report = testing::filled_report();
  EXPECT_TRUE(contains(text_report(report, {}),
                       "Largest part of what is live at the end: 80.0 MB (40.0%) in 1,030 blocks from make_request "
                       "(transcriber.cpp:40), held only by cycles of their own.\n"));
  report.findings[0].kind = model::VerdictKind::kUnreachable;
  EXPECT_TRUE(contains(text_report(report, {}), "(transcriber.cpp:40), which nothing holds.\n"));
  report.findings.erase(report.findings.begin());
  EXPECT_TRUE(contains(text_report(report, {}), "(leak.cpp:30), held by global_store (leak.cpp:12).\n"));
  report.findings[0].held_by = {};
  EXPECT_TRUE(contains(text_report(report, {}), "(leak.cpp:30).\n"));
}

TEST(TextFindings, WhatHasNoTypeIsKeptInBlocks) {
  model::Report report = testing::filled_report();
  report.findings[0].keeps = {{"allocated in parse", 1, 4096}, {"allocated in (anonymous namespace)::read", 20, 2048}};
  EXPECT_TRUE(
      contains(findings_of(report),
               "\n    keeps alive: 4.0 KB in 1 block allocated in parse, 2.0 KB in 20 blocks allocated in read\n"));
}

TEST(TextFindings, ControlCharactersOfEvidenceDoNotReachTheTerminal) {
  model::Report report = testing::filled_report();
  report.findings[0].evidence = {"held by \x1b[2J"};
  report.findings[0].keeps[0].type = "\x1b[31m";
  EXPECT_EQ(findings_of(report).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace tidemark::report
