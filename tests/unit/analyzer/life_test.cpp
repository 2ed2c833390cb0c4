// The working life: where start-up ends and where the final release begins, on slices that are written down here.
#include "analyzer/classify/life.h"

#include <gtest/gtest.h>

#include <vector>

namespace tidemark::classify {
namespace {

constexpr uint64_t kStart = 1'000'000, kTicks = 1000;

struct Slice {
  uint64_t allocations, frees, live_bytes;
  uint64_t ticks = kTicks;
};

replay::Recording recording_of(const std::vector<Slice>& slices, bool life_end_seen = true,
                               trace::EndKind end = trace::EndKind::kExited) {
  replay::Recording recording;
  recording.header.start_ticks = kStart;
  recording.header.tick_hz_hint = 1'000'000;
  recording.header.end_kind = static_cast<uint32_t>(end);
  recording.clock = replay::Clock(recording.header);
  recording.life_end_seen = life_end_seen;
  recording.generations = replay::Generations(kStart, kTicks);
  uint64_t time = kStart;
  for (const Slice& one : slices) {
    replay::RunSlice slice;
    slice.allocations = one.allocations;
    slice.frees = one.frees;
    slice.live_bytes = one.live_bytes;
    recording.generations.close(time += one.ticks, slice, [](uint32_t) { return std::pair<uint64_t, uint64_t>(); });
  }
  return recording;
}

// Start-up of two slices, then rounds.
std::vector<Slice> program(size_t rounds, uint64_t live = 1000) {
  std::vector<Slice> slices = {{100, 0, live / 2}, {100, 0, live}};
  slices.insert(slices.end(), rounds, {100, 100, live});
  return slices;
}

void append(std::vector<Slice>& slices, const std::vector<Slice>& more) {
  slices.insert(slices.end(), more.begin(), more.end());
}

void expect_release(const std::vector<Slice>& slices, size_t from) {
  const Life life = find_life(recording_of(slices));
  EXPECT_EQ(life.slices, slices.size());
  EXPECT_TRUE(life.released);
  EXPECT_EQ(life.end, from);
}

void expect_no_release(const std::vector<Slice>& slices) {
  const Life life = find_life(recording_of(slices));
  EXPECT_FALSE(life.released);
  EXPECT_EQ(life.end, slices.size());
}

TEST(Life, NothingRecorded) {
  const Life life = find_life(recording_of({}));
  EXPECT_EQ(life.slices, 0u);
  EXPECT_EQ(life.end, 0u);
  EXPECT_FALSE(life.released);
}

TEST(Life, OneSliceIsAllStartUp) {
  const Life life = find_life(recording_of({{10, 3, 700}}));
  EXPECT_EQ(life.slices, 1u);
  EXPECT_EQ(life.startup, 1u);
  EXPECT_EQ(life.end, 1u);
  EXPECT_FALSE(life.released);
}

TEST(Life, WithoutARelease) { expect_no_release(program(20)); }

TEST(Life, ReleaseInSeveralSlices) {
  std::vector<Slice> slices = program(20);
  append(slices, {{0, 100, 700}, {10, 100, 300}, {0, 100, 10}});
  expect_release(slices, 22);
}

// What falls by less than three tenths is no release.
TEST(Life, SmallReleaseIsNone) {
  std::vector<Slice> slices = program(20);
  append(slices, {{0, 100, 720}});
  expect_no_release(slices);
  slices.back().live_bytes = 690;
  expect_release(slices, 22);
}

// The release began in a slice that still did work.
TEST(Life, ReleaseThatBeganWithinASliceOfWork) {
  std::vector<Slice> slices = program(20);
  append(slices, {{100, 150, 600}, {0, 100, 10}});
  expect_release(slices, 22);
  // Only one such slice: what fell before it fell while the program worked.
  slices = program(20);
  append(slices, {{100, 150, 800}, {100, 150, 600}, {0, 100, 10}});
  expect_release(slices, 23);
}

TEST(Life, HardlyAnythingHappensBehindTheRelease) {
  std::vector<Slice> slices = program(20);
  append(slices, {{0, 100, 500}, {0, 100, 10}, {10, 10, 10}, {10, 9, 15}});
  expect_release(slices, 22);
  append(slices, {{10, 10, 15}});  // a third one: the program goes on
  expect_no_release(slices);
}

TEST(Life, WorkAfterTheFallIsNoRelease) {
  std::vector<Slice> slices = program(20);
  append(slices, {{0, 100, 10}});
  append(slices, std::vector<Slice>(5, {100, 100, 12}));
  expect_no_release(slices);
}

// One that falls at each of its rounds releases nothing more when it ends with a fall.
TEST(Life, TheLastFallOfASawtoothIsNoRelease) {
  std::vector<Slice> slices = program(2);
  for (int i = 0; i < 5; ++i) append(slices, {{100, 0, 1500}, {100, 0, 2000}, {0, 200, 1000}});
  expect_no_release(slices);
  // Falls of less than six tenths of the final one are not its like.
  slices.back().live_bytes = 100;
  expect_release(slices, slices.size() - 1);
  slices.back().live_bytes = 500;
  expect_no_release(slices);
}

// A release of nearly all the run is the program's work.
TEST(Life, ReleaseThatLastsMostOfTheRunIsCutThere) {
  std::vector<Slice> slices = {{1000, 0, 1000}};
  for (uint64_t i = 1; i <= 29; ++i) slices.push_back({0, 30, 1000 - 34 * i});
  const Life life = find_life(recording_of(slices));
  EXPECT_TRUE(life.released);
  EXPECT_EQ(life.end, 9u);  // 21 of 30 slices
}

TEST(Life, AKilledProgramStoodStillBefore) {
  std::vector<Slice> slices = program(20);
  append(slices, std::vector<Slice>(6, {1, 0, 1001}));
  for (const trace::EndKind end : {trace::EndKind::kNone, trace::EndKind::kSignaled}) {
    const Life life = find_life(recording_of(slices, false, end));
    EXPECT_EQ(life.end, 22u);
    EXPECT_FALSE(life.released);
  }
  // One that ended by itself was idle.
  EXPECT_EQ(find_life(recording_of(slices, false, trace::EndKind::kExited)).end, 28u);
  EXPECT_EQ(find_life(recording_of(slices, true, trace::EndKind::kSignaled)).end, 28u);
  // Two hundredths of the activity, and half of the run, at most.
  slices = program(20);
  append(slices, std::vector<Slice>(6, {40, 0, 1001}));
  EXPECT_EQ(find_life(recording_of(slices, false, trace::EndKind::kNone)).end, 26u);
  slices = program(2);
  append(slices, std::vector<Slice>(20, {0, 0, 1000}));
  EXPECT_EQ(find_life(recording_of(slices, false, trace::EndKind::kNone)).end, 12u);
}

TEST(Life, StartUpIsTheBeginningOfTheActivity) {
  // 40 slices, none of which frees much: 15% is the sixth.
  std::vector<Slice> slices(40, {100, 10, 1000});
  EXPECT_EQ(find_life(recording_of(slices)).startup, 6u);
  // A slow start: 15% of the activity, though half of the time has gone.
  slices[0] = {1, 0, 1000, 40 * kTicks};
  EXPECT_EQ(find_life(recording_of(slices)).startup, 6u);
  // A busy one: at least one slice.
  slices[0] = {100'000, 10, 1000};
  EXPECT_EQ(find_life(recording_of(slices)).startup, 1u);
}

TEST(Life, StartUpEndsWithTheFirstSliceThatFreesAsMuch) {
  std::vector<Slice> slices(40, {100, 10, 1000});
  slices[2] = {100, 81, 1000};
  EXPECT_EQ(find_life(recording_of(slices)).startup, 2u);
  slices[2] = {100, 80, 1000};
  EXPECT_EQ(find_life(recording_of(slices)).startup, 5u);  // 15% of the activity
  slices[0] = {100, 100, 1000};                            // the loader's own first blocks
  EXPECT_EQ(find_life(recording_of(slices)).startup, 4u);
}

TEST(Life, PlacesAreTheMeanOfTimeAndActivity) {
  std::vector<Slice> slices(4, {100, 0, 1000});
  slices[3].ticks = 7 * kTicks;
  const Life life = find_life(recording_of(slices));
  ASSERT_EQ(life.at.size(), 4u);
  EXPECT_NEAR(life.at[0], (0.1 + 0.25) / 2, 1e-9);
  EXPECT_NEAR(life.at[2], (0.3 + 0.75) / 2, 1e-9);
  EXPECT_NEAR(life.at[3], 1, 1e-9);
  EXPECT_NEAR(life.hours[3], 10 * kTicks / 1e6 / 3600, 1e-12);
}

}  // namespace
}  // namespace tidemark::classify
