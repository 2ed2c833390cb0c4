// Reports in text: what a reader must find, and that nothing in a trace can command the terminal.
#include "analyzer/report/text_report.h"

#include <gtest/gtest.h>

#include "analyzer/cli/make_report.h"
#include "analyzer/report/process_tree.h"
#include "analyzer/report/text_stack.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::report {
namespace {

using testing::TemporaryFolder;
using testing::TraceBuilder;

constexpr uint64_t kStart = TraceBuilder::kStartTicks;
constexpr uint64_t kSecond = TraceBuilder::kTicksPerSecond;
constexpr uint64_t kMegabyte = 1 << 20;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

cli::MadeReport made(TraceBuilder& trace, const cli::ReportOptions& options = {}) {
  const TemporaryFolder folder;
  trace.write(folder.file("trace"));
  symbols::SymbolStore store;
  Result<cli::MadeReport> made = cli::make_report(folder.file("trace"), options, store);
  EXPECT_TRUE(made.ok()) << (made ? "" : made.error().text);
  return *std::move(made);
}

trace::SampleRecord sample(uint64_t seconds, uint64_t rss, uint64_t max_rss) {
  trace::SampleRecord sample;
  sample.monotonic_ns = 5'000'000'000 + seconds * 1'000'000'000;
  sample.rss = rss;
  sample.rss_anon = rss;
  sample.max_rss = max_rss;
  sample.high_water = max_rss;
  return sample;
}

// The documents' case: memory was used, given back, and maxrss tells of the past.
void fill_like_the_documents(TraceBuilder& trace) {
  auto& stream = trace.stream(0).thread(1, 10, "main").node(1, 0, 0x1000).node(2, 1, 0x2000);
  stream.alloc(kStart + kSecond / 2, 0x100000, 12 * kMegabyte, 1);
  stream.alloc(kStart + kSecond, 0x2000000, 70 * kMegabyte, 2);
  stream.record(kStart + kSecond * 6 / 5, sample(0, 90 * kMegabyte, 96365117)).mark(kStart + 2 * kSecond, "loaded");
  stream.free(kStart + 3 * kSecond, 0x2000000);
  stream.record(kStart + 4 * kSecond, sample(4, 34 * kMegabyte, 96365117)).life_end(kStart + 4 * kSecond);
}

TEST(TextReport, FiveLinesTellWhatHappened) {
  TraceBuilder trace;
  fill_like_the_documents(trace);
  const std::string text = text_report(made(trace).report, {});
  std::string head = text;
  size_t end = 0;
  for (int i = 0; i < 5; ++i) end = text.find('\n', end) + 1;
  head.resize(end);
  EXPECT_TRUE(contains(head, "peak 82.0 MB live at 1.00 s.\n")) << head;
  EXPECT_TRUE(
      contains(head,
               "\nmaxrss 91.9 MB is a high-water mark reached at 1.20 s with 82.0 MB live, and never falls; the "
               "process now holds 34.0 MB, of which 12.0 MB live.\n"))
      << head;
  EXPECT_TRUE(contains(head, "\nLargest part of ")) << head;
  EXPECT_TRUE(contains(text, "exited with 0; 1 thread, 3 events, nothing lost")) << text;
  EXPECT_TRUE(contains(text, "loaded"));
}

TEST(Marks, WhatHappenedSinceTheOneBeforeAddsUp) {
  TraceBuilder trace;
  auto& stream = trace.stream(0).thread(1, 10, "main").node(1, 0, 0x1000);
  stream.alloc(kStart + 10, 0xa000, 100, 1).alloc(kStart + 20, 0xb000, 50, 1).mark(kStart + 30, "loaded");
  stream.free(kStart + 40, 0xb000).alloc(kStart + 50, 0xc000, 7, 1).mark(kStart + 60, "cleaned");
  // The free of 0xa000 was not seen: its block is gone all the same.
  stream.alloc(kStart + 100'000, 0xa000, 1, 1).mark(kStart + 200'000, "reused");
  const std::vector<model::Mark> marks = made(trace).report.marks;
  ASSERT_EQ(marks.size(), 3u);
  EXPECT_EQ(marks[0].before_live_bytes, 0u);
  EXPECT_EQ(marks[0].allocated_bytes, 150u);
  EXPECT_EQ(marks[0].allocated_blocks, 2u);
  EXPECT_EQ(marks[0].freed_blocks, 0u);
  EXPECT_EQ(marks[1].before_live_bytes, 150u);
  EXPECT_EQ(marks[1].before_live_blocks, 2u);
  EXPECT_EQ(marks[1].freed_bytes, 50u);
  EXPECT_EQ(marks[1].freed_blocks, 1u);
  EXPECT_EQ(marks[1].allocated_bytes, 7u);
  EXPECT_EQ(marks[2].freed_bytes, 100u);
  EXPECT_EQ(marks[2].live_bytes, 8u);
}

TEST(TextReport, AnEarlierImagesMaxRssIsExplained) {
  TraceBuilder trace;
  trace::SampleRecord foreign = sample(1, 5 * kMegabyte, 308 * kMegabyte);
  foreign.high_water = 8 * kMegabyte;
  trace.header().max_rss_before_bytes = 308 * kMegabyte;
  trace.stream(0).thread(1, 1, "main").record(kStart + kSecond, foreign);
  const std::string sentence = max_rss_sentence(made(trace).report);
  EXPECT_TRUE(contains(sentence, "308.0 MB is a high-water mark that this program did not reach")) << sentence;
  EXPECT_TRUE(contains(sentence, "8.0 MB")) << sentence;
}

TEST(TextReport, LossesAreNamed) {
  TraceBuilder trace;
  fill_like_the_documents(trace);
  trace.header().stop_reason = static_cast<uint32_t>(trace::StopReason::kNoSpace);
  trace.header().stop_errno = ENOSPC;
  trace.header().stop_ticks = kStart + 2 * kSecond;
  trace.header().lost[static_cast<size_t>(trace::Lost::kEventsAfterStop)] = 12345;
  trace.header().lost[15] = 3;
  const model::Report report = made(trace).report;
  EXPECT_FALSE(report.recording.complete);
  ASSERT_TRUE(report.recording.stopped);
  EXPECT_EQ(report.recording.stopped->error, ENOSPC);
  EXPECT_NEAR(report.recording.stopped->time_s, 2.0, 0.01);
  const std::string text = text_report(report, {});
  EXPECT_TRUE(contains(text, "SOMETHING WAS LOST"));
  EXPECT_TRUE(contains(text, "the disk is full"));
  EXPECT_TRUE(contains(text, "12,345 events after recording stopped are missing"));
}

TEST(TextReport, ControlCharactersOfATraceDoNotReachTheTerminal) {
  TraceBuilder trace;
  trace.set_command("/bin/\x1b[31mred", {"\x1b[2J", "x"});
  trace.stream(0).thread(1, 1, "\x1b]0;title\x07").node(1, 0, 0x1000).alloc(kStart + 1, 0xa000, 10, 1);
  trace.stream(0).mark(kStart + 2, "\x1b[5m");
  trace.stream(1).thread(2, 2, "second").alloc(kStart + 3, 0xb000, 10, 1);
  trace.stream(0).module(kStart + 4, 0, 0, 0x10000, 0, "/lib/\x1b[1m.so");
  const std::string text = text_report(made(trace).report, {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
}

TEST(TextReport, AnEmptyTraceIsAReport) {
  TraceBuilder trace;
  const model::Report report = made(trace).report;
  EXPECT_EQ(report.verdict.headline, "no allocation was recorded");
  EXPECT_TRUE(contains(text_report(report, {}), "Nothing was ever live."));
  EXPECT_FALSE(report.memory.max_rss_bytes);
}

TEST(MakeReport, SmallSitesAreFoldedAndTopFoldsMore) {
  TraceBuilder trace;
  auto& stream = trace.stream(0).thread(1, 1, "main");
  for (uint32_t id = 1; id <= 50; ++id) stream.node(id, 0, 0x1000 + id);
  for (uint32_t id = 1; id <= 50; ++id)
    stream.alloc(kStart + id, uint64_t{0x1000} * id, id <= 10 ? 100'000 - id : 20, id);
  const model::Report all = made(trace).report;
  ASSERT_EQ(all.findings.size(), 11u);
  EXPECT_EQ(all.findings[0].bytes, 99'999u);
  EXPECT_EQ(all.findings[10].folded_sites, 40u);
  EXPECT_EQ(all.findings[10].bytes, 800u);
  EXPECT_TRUE(all.findings[10].stack.frames.empty());
  cli::ReportOptions options;
  options.top = 3;
  const model::Report top = made(trace, options).report;
  ASSERT_EQ(top.findings.size(), 4u);
  EXPECT_EQ(top.findings[3].folded_sites, 47u);
  uint64_t bytes = 0;
  for (const model::Finding& finding : top.findings) bytes += finding.bytes;
  EXPECT_EQ(bytes, top.memory.live_bytes_at_end);
  EXPECT_EQ(top.peak_stacks.size(), 3u);
}

TEST(MakeReport, ADeepStackIsWholeAndFoldedOnlyInText) {
  TraceBuilder trace;
  auto& stream = trace.stream(0).thread(1, 1, "main").module(kStart, 0, 0x1000, 0x9000, 0x1000, "/bin/deep");
  stream.node(1, 0, 0x1101);
  for (uint32_t id = 2; id <= 10'000; ++id) stream.node(id, id - 1, 0x2201);
  stream.alloc(kStart + 1, 0xa0000, 5000, 10'000);
  const model::Report report = made(trace).report;
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].stack.frames.size(), 10'000u);
  const std::string lines = stack_lines(report, report.findings[0].stack, 2);
  EXPECT_EQ(lines, "  deep+0x1200\n  ... the same frame 9,998 more times\n  deep+0x100\n");
}

TEST(TextStack, MutualRecursionIsFoldedToo) {
  model::Report report;
  for (int i = 0; i < 3; ++i)
    report.frames.push_back({"f" + std::to_string(i), "f.c", static_cast<uint32_t>(i + 1), "/bin/f", 0, false});
  model::Stack stack;
  for (int i = 0; i < 50; ++i) {
    stack.frames.push_back(0);
    stack.frames.push_back(1);
  }
  stack.frames.push_back(2);
  stack.cut = true;
  EXPECT_EQ(stack_lines(report, stack, 0),
            "f0  f.c:1\nf1  f.c:2\n... the same 2 frames 49 more times\nf2  f.c:3\n... (the stack could not be "
            "followed further)\n");
}

TEST(TextStack, LibraryFramesInTheMiddleAndWhatComesBeforeMainAreFolded) {
  model::Report report;
  model::Stack stack;
  for (const char* name : {"std::vector<int>::reserve", "fill", "std::_Function_handler<void()>::_M_invoke",
                           "std::function<void()>::operator()", "std::for_each", "run", "std::invoke", "main",
                           "__libc_start_call_main", "__libc_start_main@@GLIBC_2.34", "_start"}) {
    stack.frames.push_back(static_cast<uint32_t>(report.frames.size()));
    report.frames.push_back({name, "f.cpp", 1, "/bin/f", 0, false});
  }
  EXPECT_EQ(stack_lines(report, stack, 0),
            "std::vector<int>::reserve  f.cpp:1\nfill  f.cpp:1\n... 3 library frames\nrun  f.cpp:1\nstd::invoke  "
            "f.cpp:1\nmain  f.cpp:1\n");
  EXPECT_EQ(stack_summary(report, stack), "fill (f.cpp:1)");
  EXPECT_EQ(stack_origin(report, stack), "fill (f.cpp:1), called by run (f.cpp:1)");
  // Of a cut stack nobody knows where it would have led.
  stack.cut = true;
  EXPECT_TRUE(contains(stack_lines(report, stack, 0), "\n_start  f.cpp:1\n... (the stack"));
  stack.frames = {7, 8, 9, 10};
  EXPECT_EQ(stack_origin(report, stack), "main (f.cpp:1)");
  stack.frames = {10};
  stack.cut = false;
  EXPECT_EQ(stack_lines(report, stack, 0), "_start  f.cpp:1\n");
  stack.frames.clear();
  EXPECT_EQ(stack_lines(report, stack, 0) + stack_origin(report, stack), "");
}

TEST(TextReport, ThePeakRefersToStacksThatWereShown) {
  model::Report report;
  for (const char* name : {"load", "keep", "main"}) report.frames.push_back({name, "a.c", 1, "/bin/a", 0, false});
  report.memory.peak_live_bytes = 100 * kMegabyte;
  model::Finding& finding = report.findings.emplace_back();
  finding.bytes = 12 * kMegabyte;
  finding.blocks = 1;
  finding.stack.frames = {1, 2};
  report.peak_stacks = {{88 * kMegabyte, 1, 1, {{0, 2}, false}}, {12 * kMegabyte, 1, 2, {{1, 2}, false}}};
  const std::string text = text_report(report, {});
  const std::string peak = text.substr(text.find("\nPEAK"));
  EXPECT_TRUE(contains(peak, "  88.0 MB (88.0%) in 1 block\n      load  a.c:1\n      main  a.c:1\n")) << peak;
  EXPECT_TRUE(contains(peak, "  12.0 MB (12.0%) in 1 block\n      keep (a.c:1), as in the finding of 12.0 MB above\n"))
      << peak;
  // Less than 1% of the peak is not worth a stack.
  report.peak_stacks[1].bytes = kMegabyte - 1;
  const std::string without = text_report(report, {});
  EXPECT_FALSE(contains(without, "as in the finding"));
  EXPECT_TRUE(contains(without, "\n  (smaller ones, 1 of them, are in JSON)\n")) << without;
}

TEST(ProcessTree, ImagesFollowEachOtherAndChildrenHangBelow) {
  ProcessTree tree;
  const auto add = [&](uint32_t pid, uint32_t image, uint64_t id, uint64_t parent, const char* command) {
    model::Report report;
    report.process.pid = pid;
    report.process.image = image;
    report.process.trace_id = id;
    report.process.parent_trace_id = parent;
    report.process.command = command;
    report.memory.total_allocations = 2;
    tree.add(report);
  };
  add(10, 0, 1, 0, "shell");
  add(11, 0, 2, 1, "child");
  add(10, 1, 3, 1, "program");
  add(12, 0, 4, 99, "orphan");
  add(13, 0, 5, 5, "its own parent");
  const std::string text = tree.text();
  EXPECT_LT(text.find("shell"), text.find("    - 11"));
  EXPECT_LT(text.find("    - 11"), text.find("  = 10"));
  EXPECT_TRUE(contains(text, "orphan"));
  EXPECT_TRUE(contains(text, "its own parent"));
  EXPECT_EQ(tree.totals().processes, 4u);
  EXPECT_EQ(tree.totals().allocations, 10u);
}

}  // namespace
}  // namespace tidemark::report
