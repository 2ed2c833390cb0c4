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
    One cycle is left behind at every request, and nothing leads to it any more.
    grows steadily, 271.3 KB a second (953.7 MB an hour), 8.0 MB per mark
    declared bound: 1.0 MB
    10 copies, 1,000 blocks directly lost (2.0 KB), 30 more only through them (80.0 MB)
    2 blocks that looked unreachable in a snapshot were freed later: reachability proves little here
    unreachable at main's return and in 2 snapshots before
    cycle: ConversationTranscriber +0x18 recognized → EventSignal +0x30 callbacks → on_transcribed closure +0x10 →
           ConversationTranscriber
    keeps alive: 76.3 MB in 10 × AudioBuffer, 500 B in Header, 40 B in 2 × A, 30 B in 2 × B, 30 B in 2 more types
    3 sites join here; the stack of the largest:
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
  const uint64_t held = report.findings[1].bytes;
  report.findings[1].bytes = 100 << 20;
  EXPECT_TRUE(contains(findings_of(report, 1),
                       "  (1 finding more, 1 of them unreachable (80.0 MB); --top 2 shows them, and JSON has all)\n"));
  report.findings[1].bytes = held;
  EXPECT_TRUE(contains(findings_of(report, 1), "  (1 finding more; --top 2 shows them, and JSON has all)\n"));
  EXPECT_FALSE(contains(findings_of(report, 2), "more;"));
}

TEST(TextFindings, WhatTheWorkingLifeEndedWithIsNotWhatIsLiveAtTheEnd) {
  model::Report report = testing::filled_report();
  report.memory.live_bytes_at_end = 1 << 20;
  report.memory.live_blocks_at_end = 5;
  const std::string text = findings_of(report);
  EXPECT_TRUE(
      contains(text,
               "\nLIVE WHEN THE WORKING LIFE ENDED, at 2.04 s  200.0 MB in 1,001,070 blocks (1.0 MB at the very "
               "end)\n  80.0 MB (40.0%) in 1,030 blocks"))
      << text;
  report.working_life = {};
  EXPECT_TRUE(contains(findings_of(report), "\nLIVE AT THE END  1.0 MB in 5 blocks at 0 us\n"));
}

TEST(TextFindings, LargestFirstAndTheRestLast) {
  model::Report report = testing::filled_report();
  std::swap(report.findings[0], report.findings[1]);
  model::Finding rest;
  rest.folded_sites = 12;
  rest.bytes = 70 << 20;
  rest.blocks = 3;
  report.findings.insert(report.findings.begin(), rest);
  const std::string text = findings_of(report);
  EXPECT_LT(text.find("80.0 MB (40.0%)"), text.find("53.4 MB"));
  EXPECT_LT(text.find("53.4 MB"), text.find("70.0 MB (35.0%) in 3 blocks  undecided"));
  EXPECT_EQ(shown_findings(report, 10).size(), 2u);
  EXPECT_EQ(shown_findings(report, 1)[0]->blocks, 1030u);
}

TEST(TextFindings, WhatTheAllocatorKeepsIsAPartOfTheResidentSet) {
  model::Report report = testing::filled_report();
  report.memory.rss_bytes_at_end = 400 << 20;
  model::Finding& finding = report.findings[0];
  finding = {};
  finding.verdict_class = model::VerdictClass::kAllocatorCaching;
  finding.kind = model::VerdictKind::kFreePages;
  finding.bytes = 100 << 20;
  finding.confidence = 0.8;
  finding.summary = "The allocator keeps pages without a live block";
  EXPECT_TRUE(contains(findings_of(report),
                       "\n  100.0 MB (25.0% of RSS)  allocator-caching / free-pages, high confidence (0.80)\n    The "
                       "allocator keeps pages without a live block.\n"));
}

TEST(TextFindings, GenerationsAreDrawn) {
  model::Report report = testing::filled_report();
  report.findings[0].generations.clear();
  EXPECT_FALSE(contains(findings_of(report), "slice by slice"));
  for (uint64_t i = 1; i <= 8; ++i)
    report.findings[0].generations.push_back({static_cast<double>(i), i * 1000, i, 1000, 1, i == 1 ? 1000 : 0u, 0});
  const std::string text = findings_of(report);
  EXPECT_TRUE(contains(text,
                       "\n    live, slice by slice     ▂▃▄▅▆▇██  full height 7.8 KB\n"
                       "    born, and lived on       ████████  full height 1000 B\n"
                       "    of these, never freed    █\n"))
      << text;
}

TEST(TextFindings, LongProseIsWrappedAtBlanks) {
  model::Report report = testing::filled_report();
  std::string words;
  for (int i = 0; i < 60; ++i) words += "word ";
  report.findings[0].summary = words + std::string(150, 'x') + " end";
  const std::string text = findings_of(report);
  size_t count = 0;
  for (size_t at = text.find("word"); at != std::string::npos; at = text.find("word", at + 1)) ++count;
  EXPECT_EQ(count, 60u);
  EXPECT_TRUE(contains(text, "\n    " + std::string(150, 'x') + "\n    end.\n")) << text;
  for (size_t at = text.find("word"), end = 0; at + 8 < text.find("xxx"); at = end + 1) {
    end = text.find('\n', at);
    EXPECT_LE(end - at, 120u);
  }
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
