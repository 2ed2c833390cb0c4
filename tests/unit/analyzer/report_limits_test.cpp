// Limits on memory: how much of them is left, and when a process that grows reaches them.
#include <gtest/gtest.h>

#include "analyzer/cli/make_report.h"
#include "analyzer/cli/report_parts.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::cli {
namespace {

using testing::TemporaryFolder;
using testing::TraceBuilder;

constexpr uint64_t kMegabyte = 1 << 20;

replay::Recording with_limits() {
  replay::Recording recording;
  recording.limits = replay::MemoryLimits{{.resident = 10 * kMegabyte,
                                           .cgroup = 512 * kMegabyte,
                                           .cgroup_used = 42 * kMegabyte,
                                           .address_space = 1000 * kMegabyte,
                                           .address_space_used = 300 * kMegabyte,
                                           .data = 0,
                                           .data_used = 0},
                                          5 * kMegabyte,
                                          kMegabyte};
  recording.end.live_bytes = 55 * kMegabyte;
  recording.end.program_map_bytes = 101 * kMegabyte;
  return recording;
}

model::Report growing() {
  model::Report report;
  report.growth = {"linear", 5.0 * kMegabyte, {}};
  report.memory.rss_bytes_at_end = 60 * kMegabyte;
  report.timeline = {{0, 0, 0, 10 * kMegabyte, {}}, {1, 0, 0, 60 * kMegabyte, {}}, {2, 0, 0, {}, {}}};
  return report;
}

TEST(Limits, WhatIsLeftAndWhenItIsUsedUp) {
  model::Report report = growing();
  fill_limits(with_limits(), report);
  ASSERT_EQ(report.limits.size(), 2u);
  const model::Limit& group = report.limits[0];
  EXPECT_EQ(group.kind, "cgroup");
  EXPECT_EQ(group.bytes, 512 * kMegabyte);
  EXPECT_EQ(group.left_bytes, (512 - 60 - 32) * kMegabyte);  // others of the group use 32
  ASSERT_TRUE(group.reached_in_s);
  EXPECT_DOUBLE_EQ(*group.reached_in_s, 420.0 / 5 * 3600);
  const model::Limit& space = report.limits[1];
  EXPECT_EQ(space.kind, "address-space");
  EXPECT_EQ(space.left_bytes, (1000 - 300 - 50 - 100) * kMegabyte);
  EXPECT_DOUBLE_EQ(*space.reached_in_s, 550.0 / 5 * 3600);
}

TEST(Limits, AFinalReleaseDoesNotCount) {
  model::Report report = growing();
  report.memory.rss_bytes_at_end = 12 * kMegabyte;
  report.memory.end_time_s = 3;
  report.working_life = {0, 1.5, 200 * kMegabyte, 1};
  report.timeline.push_back({3, 0, 0, 12 * kMegabyte, {}});
  fill_limits(with_limits(), report);
  EXPECT_EQ(report.limits[0].left_bytes, (512 - 60 - 32) * kMegabyte);
  EXPECT_EQ(report.limits[1].left_bytes, (1000 - 300 - 195 - 100) * kMegabyte);
}

TEST(Limits, NoTimeWithoutSteadyGrowth) {
  for (const char* trend : {"settled", "sawtooth", "flat", "step", "unsettled"}) {
    model::Report report = growing();
    report.growth.trend = trend;
    fill_limits(with_limits(), report);
    EXPECT_FALSE(report.limits[0].reached_in_s) << trend;
  }
  model::Report report = growing();
  report.growth.trend = "accelerating";
  fill_limits(with_limits(), report);
  EXPECT_TRUE(report.limits[0].reached_in_s);
  report = growing();
  report.growth.bytes_per_hour = -1;
  fill_limits(with_limits(), report);
  EXPECT_FALSE(report.limits[0].reached_in_s);
}

TEST(Limits, NothingIsNegative) {
  replay::Recording recording = with_limits();
  recording.limits->record.cgroup = 20 * kMegabyte;  // passed already
  recording.limits->record.cgroup_used = 0;
  recording.end.live_bytes = recording.end.program_map_bytes = 0;
  model::Report report = growing();
  fill_limits(recording, report);
  EXPECT_EQ(report.limits[0].left_bytes, 0u);
  EXPECT_EQ(report.limits[0].reached_in_s, 0.0);
  EXPECT_EQ(report.limits[1].left_bytes, 700 * kMegabyte);
  report = growing();
  report.memory.rss_bytes_at_end.reset();
  report.limits.clear();
  fill_limits(recording, report);
  EXPECT_FALSE(report.limits[0].left_bytes || report.limits[0].reached_in_s);
}

TEST(Limits, TheLastRecordOfATraceCounts) {
  constexpr uint64_t kStart = TraceBuilder::kStartTicks;
  TraceBuilder trace;
  auto& stream = trace.stream(0).thread(1, 10, "main").node(1, 0, 0x1000);
  trace::LimitsRecord limits;
  limits.address_space = 100 * kMegabyte;
  limits.address_space_used = 10 * kMegabyte;
  stream.alloc(kStart + 5, 0x100000, kMegabyte, 1).record(kStart + 10, limits);
  limits.address_space = 80 * kMegabyte;
  limits.address_space_used = 20 * kMegabyte;
  limits.data = 50 * kMegabyte;
  stream.record(kStart + 20, limits).alloc(kStart + 30, 0x400000, 2 * kMegabyte, 1);
  const TemporaryFolder folder;
  trace.write(folder.file("trace"));
  symbols::SymbolStore store;
  const Result<MadeReport> made = make_report(folder.file("trace"), {}, store);
  ASSERT_TRUE(made.ok());
  ASSERT_EQ(made->report.limits.size(), 2u);
  EXPECT_EQ(made->report.limits[0].bytes, 80 * kMegabyte);
  EXPECT_EQ(made->report.limits[0].left_bytes, 58 * kMegabyte);
  EXPECT_EQ(made->report.limits[1].kind, "data");
  EXPECT_EQ(made->report.limits[1].left_bytes, 48 * kMegabyte);
}

}  // namespace
}  // namespace tidemark::cli
