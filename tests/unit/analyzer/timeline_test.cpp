#include "analyzer/replay/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tidemark::replay {
namespace {

TEST(Timeline, SlicesHoldTheHighestOfTheirTime) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    Timeline timeline(1000, 2);
    struct Change {
      uint64_t time, live;
    };
    std::vector<Change> changes = {{1000, 0}};
    uint64_t time = 1000;
    for (int i = 0; i < 3000; ++i) {
      time += random() % 40 == 0 ? random() % 5000 : random() % 3;
      changes.push_back({time, random() % 1'000'000});
      timeline.live(time, changes.back().live);
    }
    ASSERT_LE(timeline.count(), Timeline::kSlices);
    ASSERT_GT(timeline.count(), Timeline::kSlices / 4);
    for (size_t slice = 0; slice < timeline.count(); ++slice) {
      const uint64_t begin = 1000 + timeline.begin_of(slice), end = 1000 + timeline.begin_of(slice + 1);
      uint64_t highest = 0, carried = 0;
      for (const Change& change : changes) {
        if (change.time < begin) carried = change.live;
        if (change.time >= begin && change.time < end) highest = std::max(highest, change.live);
      }
      // What is live when a slice begins counts in it, unless the slice is the first to see a time at all.
      EXPECT_EQ(timeline.slice(slice).most_live_bytes, std::max(highest, carried))
          << "slice " << slice << " seed " << seed;
    }
  }
}

TEST(Timeline, HugeAndBackwardTimesDoNoHarm) {
  Timeline timeline(1000, 0);
  timeline.live(5, 10);
  timeline.live(2000, 20);
  timeline.live(uint64_t{1} << 63, 30);
  timeline.live(UINT64_MAX, 40);
  timeline.live(7, 50);
  timeline.sample(UINT64_MAX, 60, 70);
  EXPECT_LE(timeline.count(), Timeline::kSlices);
  uint64_t highest = 0;
  for (size_t slice = 0; slice < timeline.count(); ++slice)
    highest = std::max(highest, timeline.slice(slice).most_live_bytes);
  EXPECT_EQ(highest, 50u);
}

TEST(Timeline, SamplesSurviveMerging) {
  Timeline timeline(0, 0);
  timeline.sample(10, 100, 150);
  timeline.live(100'000, 1);
  ASSERT_EQ(timeline.slice(0).rss, 100u);
  EXPECT_EQ(timeline.slice(0).max_rss, 150u);
}

}  // namespace
}  // namespace tidemark::replay
