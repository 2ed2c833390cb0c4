// Paths and cycles as lines: what a reader sees, to the letter.
#include "analyzer/report/text_paths.h"

#include <gtest/gtest.h>

#include "tests/unit/analyzer/filled_report.h"

namespace tidemark::report {
namespace {

model::HeldBy held_by(model::HolderKind kind, const char* symbol, const char* thread = "") {
  model::HeldBy held_by;
  held_by.kind = kind;
  if (symbol != nullptr) held_by.symbol = symbol;
  held_by.thread = thread;
  held_by.path = {{"Node", 0, {}}};
  return held_by;
}

TEST(TextPaths, ACycleIsOneLine) {
  EXPECT_EQ(cycle_lines(
                {{"ConversationTranscriber", 96, 0x18, {}}, {"EventSignal", 64, 0x30, {}}, {"closure", 32, 0, {}}}, 0),
            "cycle: ConversationTranscriber +0x18 → EventSignal +0x30 → closure +0x0 → ConversationTranscriber\n");
  EXPECT_EQ(cycle_lines({{"Node", 16, 8, "next"}}, 2), "  cycle: Node +0x8 next → Node\n");
  EXPECT_EQ(cycle_lines({}, 2), "");
}

TEST(TextPaths, ALongCycleIsWrappedBehindArrows) {
  EXPECT_EQ(cycle_lines(testing::transcriber_cycle(), 4),
            "    cycle: ConversationTranscriber +0x18 recognized → EventSignal +0x30 callbacks → on_transcribed "
            "closure +0x10 →\n"
            "           ConversationTranscriber\n");
}

TEST(TextPaths, StepsOfAListAreFolded) {
  model::HeldBy path = held_by(model::HolderKind::kGlobal, "list");
  path.path.assign(1001, {"Node", 8, "next"});
  path.path.back() = {"Node", 0, {}};
  EXPECT_EQ(held_by_lines(path, 0), "held by list +0x0 → Node +0x8 next (1,000 times) → Node\n");
  path.path[1].offset = 16;
  EXPECT_EQ(held_by_lines(path, 0),
            "held by list +0x0 → Node +0x8 next → Node +0x10 next → Node +0x8 next (998 times) → Node\n");
  EXPECT_EQ(cycle_lines({{"Node", 16, 8, {}}, {"Node", 16, 8, {}}}, 0), "cycle: Node +0x8 (2 times) → Node\n");
}

TEST(TextPaths, AVeryLongOneIsShownWithoutItsMiddle) {
  std::vector<model::CycleMember> cycle;
  for (uint64_t i = 0; i < 11; ++i) cycle.push_back({"T", 8, i, {}});
  EXPECT_EQ(
      cycle_lines(cycle, 0),
      "cycle: T +0x0 → T +0x1 → T +0x2 → T +0x3 → T +0x4 → T +0x5 → T +0x6 → T +0x7 → T +0x8 → T +0x9 → … 1 more … "
      "→ T\n");
  cycle.pop_back();
  EXPECT_EQ(cycle_lines(cycle, 0),
            "cycle: T +0x0 → T +0x1 → T +0x2 → T +0x3 → T +0x4 → T +0x5 → T +0x6 → T +0x7 → T +0x8 → T +0x9 → T\n");
  model::HeldBy path = held_by(model::HolderKind::kKernel, nullptr);
  path.path.clear();
  for (uint64_t i = 0; i < 13; ++i) path.path.push_back({"T", i, {}});
  path.path.back() = {"Last", 0, {}};
  path.elided = 500;
  EXPECT_EQ(held_by_lines(path, 0),
            "held by the kernel (epoll) → T +0x0 → T +0x1 → T +0x2 → T +0x3 → T +0x4 → T +0x5 → T +0x6 → T +0x7 → T "
            "+0x8 → T +0x9 →\n"
            "        … 502 more … → Last\n");
}

TEST(TextPaths, EveryKindOfRoot) {
  using model::HolderKind;
  model::HeldBy global = testing::held_by_global_store();
  global.field.reset();
  global.path[0].field.reset();
  EXPECT_EQ(held_by_lines(global, 0), "held by global_store (leak.cpp:12) +0x0 → std::string[] +0x20 → std::string\n");
  EXPECT_EQ(held_by_lines(testing::held_by_global_store(), 0),
            "held by global_store (leak.cpp:12) +0x0 _M_start → std::string[] +0x20 _M_p → std::string\n");
  global.file.clear();
  EXPECT_EQ(root_name(global), "global_store (leak)");
  global.symbol = "leak+0x4010 (.bss)";
  EXPECT_EQ(held_by_lines(global, 0), "held by leak+0x4010 (.bss) → std::string[] +0x20 → std::string\n");
  global.symbol = "(anonymous namespace)::store";
  EXPECT_EQ(root_name(global), "store (leak)");
  global.symbol.reset();
  EXPECT_EQ(root_name(global), "a variable without a name (leak)");
  EXPECT_EQ(held_by_lines(held_by(HolderKind::kStack, "serve", "worker (12)"), 0),
            "held by the frame of serve in thread worker (12) → Node\n");
  EXPECT_EQ(held_by_lines(held_by(HolderKind::kStack, nullptr, "worker (12)"), 0),
            "held by a stack of thread worker (12) → Node\n");
  EXPECT_EQ(held_by_lines(held_by(HolderKind::kTls, "cache", "worker (12)"), 0),
            "held by thread-local cache of thread worker (12) +0x0 → Node\n");
  EXPECT_EQ(held_by_lines(held_by(HolderKind::kRegister, "serve", "worker (12)"), 0),
            "held by a register in serve, thread worker (12) → Node\n");
  EXPECT_EQ(held_by_lines(held_by(HolderKind::kKernel, nullptr), 0), "held by the kernel (epoll) → Node\n");
  EXPECT_EQ(held_by_lines(held_by(HolderKind::kInherited, nullptr), 0), "held by the heap inherited by fork → Node\n");
  EXPECT_EQ(held_by_lines(held_by(HolderKind::kHeap, nullptr), 0), "held by a block that counts as held → Node\n");
  model::HeldBy unknown = held_by(HolderKind::kUnknown, nullptr);
  unknown.weak = true;
  EXPECT_EQ(held_by_lines(unknown, 0), "held weakly by memory of unknown origin → Node\n");
  model::HeldBy lost = held_by(HolderKind::kNone, nullptr);
  EXPECT_EQ(held_by_lines(lost, 0), "");
  lost.path = {{"Head", 0x10, "first"}, {"Node", 0, {}}};
  EXPECT_EQ(held_by_lines(lost, 0), "lost with Head +0x10 first → Node\n");
}

TEST(TextPaths, NamesCannotCommandTheTerminalNorFloodIt) {
  model::HeldBy hostile = held_by(model::HolderKind::kStack, "\x1b[2Jsymbol", "\x1b]0;\x07");
  hostile.file = "/\x1b[31m.c";
  hostile.module = "/\x1b[32m.so";
  hostile.field = "\x1b[33m\nfield";
  hostile.path = {{"\x1b[34m\xff", 8, "\x1b[35m"}, {std::string(1'000'000, '<'), 0, {}}};
  const std::string text = held_by_lines(hostile, 0) + cycle_lines({{"\x1b[1m\r", 1, 1, "\x1b[1m"}}, 0);
  for (const char control : {'\x1b', '\x07', '\r', '\xff'}) EXPECT_EQ(text.find(control), std::string::npos);
  EXPECT_LT(text.size(), 1000u);
}

}  // namespace
}  // namespace tidemark::report
