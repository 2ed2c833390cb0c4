// Snapshots, the tree of holders and --who-holds in the text report, to the letter.
#include "analyzer/report/text_holders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "analyzer/report/json_report.h"
#include "analyzer/report/text_report.h"
#include "tests/unit/analyzer/filled_report.h"

namespace tidemark::report {
namespace {

std::string snapshots_of(const model::Report& report) {
  Text text;
  write_snapshots(text, report);
  return fmt::to_string(text);
}

std::string holders_of(const model::Report& report, size_t top = 10) {
  Text text;
  write_holders(text, report, top);
  return fmt::to_string(text);
}

std::string who_holds_of(const model::Report& report, size_t top = 10) {
  Text text;
  write_who_holds(text, report, top);
  return fmt::to_string(text);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(TextSnapshots, OneLineEach) {
  EXPECT_EQ(snapshots_of(testing::filled_report()), R"(
SNAPSHOTS  2 taken
  on growth (1.50 s): 30.0 MB in 500,000 blocks live; cut short, so that it proves nothing unreachable
  at main's return (2.04 s): 100.0 MB in 1,000,030 blocks reachable, 20.0 MB in 10 blocks perhaps reachable, 80.0 MB in 1,030 blocks unreachable; read from outside; registers of 1 sleeping thread not read; 3.0 MB swapped out, not read; 4.0 KB not readable; paused 0.8 ms
  not taken: 2 on growth: a memory limit is too near (Cannot allocate memory)
)");
  model::Report report = testing::filled_report();
  model::Snapshot plain;
  plain.reason = model::SnapshotReason::kExit;
  plain.complete = true;
  plain.time_s = 3;
  plain.pause_s = 0.0012;
  plain.reachability = model::Reachability{{1234, 56 << 20}, {}, {}};
  report.snapshots = {plain};
  report.snapshots_skipped.clear();
  EXPECT_EQ(snapshots_of(report), R"(
SNAPSHOTS  1 taken
  at exit (3.00 s): 56.0 MB in 1,234 blocks reachable, none unreachable; paused 1.2 ms
)");
}

TEST(TextSnapshots, TheLastFiveAreShown) {
  model::Report report;
  EXPECT_EQ(snapshots_of(report), "");
  report.snapshots.resize(7);
  const std::string text = snapshots_of(report);
  EXPECT_TRUE(contains(text, "SNAPSHOTS  7 taken\n  (2 earlier ones; JSON has all)\n")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 1 + 1 + 5);
  report.snapshots.clear();
  report.snapshots_skipped = {{model::SnapshotReason::kExit, model::SkipReason::kThreads, 1, "\x1b[2J"}};
  const std::string skipped = snapshots_of(report);
  EXPECT_TRUE(contains(skipped, "  not taken: 1 at exit: the threads could not be stopped (")) << skipped;
  EXPECT_EQ(skipped.find('\x1b'), std::string::npos);
}

TEST(TextHolders, ATreeWithShares) {
  EXPECT_EQ(holders_of(testing::filled_report()), R"(
HOLDERS  of 200.0 MB live in 1,001,070 blocks at main's return (2.04 s); what each retains, and its own size
     87.0 MB  43.5%  global_store (leak.cpp:12), std::vector<Text>
     87.0 MB  43.5%    std::string[], 32.0 MB
     54.0 MB  27.0%      1,000,000 × std::string, 54.0 MB
      1.0 MB   0.5%      8 others
     80.0 MB  40.0%  10 × unreachable: ConversationTranscriber, 960 B
)");
}

// Mappings of the program are retained, and are no blocks.
TEST(TextHolders, NothingIsMoreThanTheWhole) {
  model::Report report = testing::filled_report();
  report.snapshots[1].live_bytes = 40 << 20;
  const std::string text = holders_of(report);
  EXPECT_TRUE(contains(text, "HOLDERS  of 40.0 MB live in 1,001,070 blocks, and 127.0 MB that the program mapped, at "))
      << text;
  EXPECT_TRUE(contains(text, "     87.0 MB  52.1%  global_store")) << text;
  EXPECT_TRUE(contains(text, "     80.0 MB  47.9%  10 × unreachable")) << text;
}

TEST(TextHolders, TopFoldsTheRest) {
  const std::string text = holders_of(testing::filled_report(), 1);
  EXPECT_TRUE(contains(text, "\n     80.0 MB  40.0%  10 others\n")) << text;
  EXPECT_FALSE(contains(text, "ConversationTranscriber")) << text;
}

TEST(TextHolders, EveryKind) {
  model::Report report = testing::filled_report();
  const auto line_of = [&](model::HolderKind kind, const char* name, const char* type, uint64_t count) {
    report.holders = std::vector<model::Holder>{{name, kind, type, count, 100, 1 << 20, "", 0, {}}};
    const std::string text = holders_of(report);
    return text.substr(text.find("%  ") + 3);
  };
  using model::HolderKind;
  EXPECT_EQ(line_of(HolderKind::kStack, "serve", "", 1), "the frame of serve\n");
  EXPECT_EQ(line_of(HolderKind::kTls, "cache", "Cache", 1), "thread-local cache, Cache\n");
  EXPECT_EQ(line_of(HolderKind::kUnknown, "", "", 1), "memory of unknown origin\n");
  EXPECT_EQ(line_of(HolderKind::kMapping, "", "", 3), "3 × mapping block, 100 B\n");
  EXPECT_EQ(line_of(HolderKind::kBlock, "64 bytes allocated in f", "", 1), "64 bytes allocated in f, 100 B\n");
  EXPECT_EQ(line_of(HolderKind::kBlock, "", "\x1b[2J", 1), "\\x1b[2J, 100 B\n");
}

// A tree that no builder should make: the printer stops by itself.
TEST(TextHolders, ADeepAndWideTreeIsBounded) {
  model::Report report = testing::filled_report();
  model::Holder node;
  node.type = "Node";
  node.retained_bytes = 100 << 20;
  for (size_t depth = 0; depth < 3 * model::kMaxHolderDepth; ++depth) {
    model::Holder parent = node;
    parent.children = {std::move(node)};
    node = std::move(parent);
  }
  report.holders = std::vector<model::Holder>(50, node);
  const std::string text = holders_of(report, 20);
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 2 + 20 * (3 * 20 + 1) + 1);
  EXPECT_TRUE(contains(text, "  30 others\n"));
  // Two spaces a level, and two behind the share.
  EXPECT_TRUE(contains(text, "%" + std::string(2 * model::kMaxHolderDepth, ' ') + "Node"));
  EXPECT_FALSE(contains(text, "%" + std::string(2 * model::kMaxHolderDepth + 2, ' ') + "Node"));
}

TEST(JsonHolders, ADeepTreeIsCut) {
  model::Report report = testing::filled_report();
  model::Holder node;
  for (size_t depth = 0; depth < 3 * model::kMaxHolderDepth; ++depth) {
    model::Holder parent;
    parent.children = {std::move(node)};
    node = std::move(parent);
  }
  report.holders = std::vector<model::Holder>{std::move(node)};
  char* written = nullptr;
  size_t size = 0;
  std::FILE* const file = ::open_memstream(&written, &size);
  ASSERT_TRUE(write_json(report, file));
  std::fclose(file);
  const std::string json(written, size);
  std::free(written);
  size_t levels = 0;
  for (size_t at = 0; (at = json.find("\"children\"", at)) != std::string::npos; ++at) ++levels;
  EXPECT_EQ(levels, model::kMaxHolderDepth);
}

TEST(TextHolders, WithoutASnapshotItSaysSo) {
  model::Report report = testing::filled_report();
  report.graph_snapshot = 99;
  EXPECT_TRUE(contains(holders_of(report), "HOLDERS  There is no whole heap snapshot in this trace"));
  report.graph_snapshot.reset();
  EXPECT_TRUE(contains(holders_of(report), "HOLDERS  There is no whole heap snapshot in this trace"));
  EXPECT_TRUE(contains(who_holds_of(report), "WHO HOLDS fill_store  There is no whole heap snapshot in this trace"));
  report.holders.reset();
  report.who_holds.reset();
  EXPECT_EQ(holders_of(report) + who_holds_of(report), "");
}

TEST(TextWhoHolds, BlocksWithTheirHolders) {
  model::Report report = testing::filled_report();
  EXPECT_EQ(who_holds_of(report), R"(
WHO HOLDS fill_store  54.0 MB in 1,000,000 blocks live at main's return (2.04 s)
  54.0 MB in 999,999 blocks, such as 0x55d0c0a012c0
    held by global_store (leak.cpp:12) +0x0 _M_start → std::string[] +0x20 _M_p → std::string
      fill_store  leak.cpp:30  (inlined)
  32 B in 1 block at 0x7f0000001000
    held weakly by thread-local cache of thread worker (1234) +0x0 → Node +0x8 → … 1,000 more … → Node
      fill_store  leak.cpp:30  (inlined)
)");
  EXPECT_TRUE(contains(who_holds_of(report, 1), "  (1 more; JSON has all)\n"));
  report.who_holds->blocks[0].held_by = {};
  EXPECT_TRUE(contains(who_holds_of(report), "0x55d0c0a012c0\n    held by nothing: unreachable\n      fill_store"));
  report.who_holds->matched = {};
  report.who_holds->blocks.clear();
  report.who_holds->query = "\x1b[2J";
  EXPECT_EQ(who_holds_of(report), "\nWHO HOLDS \\x1b[2J  No block that was live at main's return (2.04 s) matches.\n");
}

TEST(TextHolders, WhatWasAskedForComesFirst) {
  const std::string text = text_report(testing::filled_report(), {});
  EXPECT_LT(text.find("WHO HOLDS"), text.find("HOLDERS  of"));
  EXPECT_LT(text.find("HOLDERS  of"), text.find("LIVE AT THE END"));
  EXPECT_LT(text.find("LIVE AT THE END"), text.find("SNAPSHOTS"));
}

}  // namespace
}  // namespace tidemark::report
