// Slices against a list of all that were ever closed, and the bounds that the head of slices.h states.
#include "analyzer/replay/slices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace tidemark::replay {
namespace {

constexpr uint64_t kStart = 1'000'000;

// A run: closes slices when they are due, merges when there are too many, and checks what must always hold.
class CheckedRun {
 public:
  explicit CheckedRun(uint64_t first_ticks) : slices_(kStart, first_ticks) {}

  // An allocation at `time`; `closes` before it, if due.
  void event(uint64_t time) {
    if (slices_.due(time, events_)) close(time, false);
    ++events_;
    ++slice_.allocations;
    last_time_ = time;
  }
  void mark(uint64_t time) {
    ++slice_.marks;
    ++marks_;
    if (slices_.due_at_mark(time, events_)) close(time, true);
  }
  void end() { close(last_time_, false); }

  const Slices& slices() const { return slices_; }
  uint64_t marks() const { return marks_; }

  void check() const {
    ASSERT_LT(slices_.size(), Slices::kMost);
    uint64_t before = kStart, allocations = 0, marks = 0;
    for (const RunSlice& slice : slices_.all()) {
      ASSERT_GE(slice.end, before);
      before = slice.end;
      allocations += slice.allocations;
      marks += slice.marks;
    }
    ASSERT_EQ(allocations, events_ - slice_.allocations);
    ASSERT_EQ(marks, marks_ - slice_.marks);
    ASSERT_EQ(slices_.index(slices_.serial()), slices_.size());
    // Every slice that ever was lies in the one that its number leads to, and the numbers ascend with time.
    for (size_t serial = 1; serial <= ends_.size(); ++serial) {
      const size_t index = slices_.index(static_cast<uint16_t>(serial));
      ASSERT_LT(index, slices_.size());
      ASSERT_LE(ends_[serial - 1], slices_[index].end);
      if (index != 0) {
        const uint64_t begin = serial == 1 ? kStart : ends_[serial - 2];
        ASSERT_GE(begin, slices_[index - 1].end) << "serial " << serial;
      }
      ASSERT_GE(index, serial == 1 ? 0 : slices_.index(static_cast<uint16_t>(serial - 1)));
    }
    // A slice ends where the last one that it stands for ended.
    for (size_t serial = 1; serial <= ends_.size(); ++serial) {
      const size_t index = slices_.index(static_cast<uint16_t>(serial));
      const bool last = serial == ends_.size() || slices_.index(static_cast<uint16_t>(serial + 1)) != index;
      if (last) {
        ASSERT_EQ(ends_[serial - 1], slices_[index].end);
      }
    }
  }

  // The largest shares of the run that one slice has.
  double most_time() const {
    uint64_t before = kStart, most = 0;
    for (const RunSlice& slice : slices_.all()) {
      most = std::max(most, slice.end - before);
      before = slice.end;
    }
    return static_cast<double>(most) / static_cast<double>(before - kStart);
  }
  double most_activity() const {
    uint64_t most = 0;
    for (const RunSlice& slice : slices_.all()) most = std::max(most, slice.allocations);
    return static_cast<double>(most) / static_cast<double>(events_);
  }

 private:
  void close(uint64_t time, bool at_mark) {
    slice_.ends_at_mark = at_mark;
    const uint16_t serial = slices_.serial();
    ASSERT_TRUE(slices_.close(time, events_, slice_));
    ASSERT_EQ(slices_.serial(), serial + 1);
    ends_.push_back(time);
    slice_ = {};
    if (!slices_.full()) return;
    std::vector<size_t> before;
    for (size_t one = 1; one <= ends_.size(); ++one) before.push_back(slices_.index(static_cast<uint16_t>(one)));
    const std::array<uint8_t, Slices::kMost> now = slices_.compact();
    ASSERT_EQ(slices_.size(), Slices::kMost / 2);
    for (size_t one = 1; one <= ends_.size(); ++one) {
      ASSERT_EQ(slices_.index(static_cast<uint16_t>(one)), now[before[one - 1]]);
    }
  }

  Slices slices_;
  RunSlice slice_;
  uint64_t events_ = 0, marks_ = 0, last_time_ = kStart;
  std::vector<uint64_t> ends_;  // by serial number, from 1
};

TEST(Slices, AnyRunEndsWithFewSlicesThatStandForAll) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937_64 random(seed);
    CheckedRun run(1 + random() % 1000);
    uint64_t time = kStart;
    const int events = 1 << (8 + seed % 11);
    for (int i = 0; i < events; ++i) {
      time += random() % 2000 == 0 ? random() % 1'000'000 : random() % (1 + (i >> 9) % 50);
      run.event(time);
      if (random() % 300 == 0) run.mark(time);
      if (i % 1009 == 0) run.check();
    }
    run.end();
    run.check();
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

TEST(Slices, SteadyRunIsCutEvenly) {
  for (const int events : {3000, 50'000, 700'000}) {
    CheckedRun run(1000);
    for (int i = 0; i < events; ++i) run.event(kStart + static_cast<uint64_t>(i) * 100);
    run.end();
    EXPECT_GE(run.slices().size(), Slices::kMost / 2) << events;
    EXPECT_LT(run.most_time(), 1 / 15.0) << events;
    EXPECT_LT(run.most_activity(), 1 / 15.0) << events;
  }
}

// Nine tenths of the time in an idle tail, or nine tenths of the activity in a short burst: neither hides the other.
TEST(Slices, NeitherABurstNorAnIdleTailIsOneSlice) {
  for (const bool burst_first : {true, false}) {
    CheckedRun run(1000);
    uint64_t time = kStart;
    for (const bool burst : {burst_first, !burst_first}) {
      for (int i = 0; i < (burst ? 450'000 : 50'000); ++i) run.event(time += burst ? 1 : 100);
    }
    run.end();
    EXPECT_LT(run.most_time(), 1 / 8.0) << burst_first;
    EXPECT_LT(run.most_activity(), 1 / 8.0) << burst_first;
  }
}

TEST(Slices, FieldsAddUpWhenSlicesMerge) {
  Slices slices(kStart, 1000);
  for (uint64_t i = 0; i < Slices::kMost; ++i) {
    RunSlice slice;
    slice.allocations = 10 + i;
    slice.frees = 3 + i;
    slice.new_sites = static_cast<uint32_t>(i);
    slice.marks = 2;
    slice.live_bytes = 1000 + i;
    slice.live_blocks = 100 + i;
    slice.least_live_bytes = 500 + (i * 37) % 64;
    slice.most_live_bytes = 2000 + (i * 29) % 64;
    ASSERT_TRUE(slices.close(kStart + (i + 1) * 1000, (i + 1) * 13, slice));
  }
  ASSERT_TRUE(slices.full());
  EXPECT_FALSE(slices.close(kStart + 65'000, 65 * 13, {}));  // they are to be merged first
  slices.compact();
  uint64_t first = 0;  // of the original slices, in this one
  for (const RunSlice& slice : slices.all()) {
    const uint64_t last = (slice.end - kStart) / 1000 - 1;
    uint64_t least = UINT64_MAX, most = 0, allocations = 0, frees = 0, new_sites = 0;
    for (uint64_t i = first; i <= last; ++i) {
      least = std::min(least, 500 + (i * 37) % 64);
      most = std::max(most, 2000 + (i * 29) % 64);
      allocations += 10 + i;
      frees += 3 + i;
      new_sites += i;
    }
    EXPECT_EQ(slice.least_live_bytes, least);
    EXPECT_EQ(slice.most_live_bytes, most);
    EXPECT_EQ(slice.allocations, allocations);
    EXPECT_EQ(slice.frees, frees);
    EXPECT_EQ(slice.new_sites, new_sites);
    EXPECT_EQ(slice.marks, 2 * (last - first + 1));
    EXPECT_EQ(slice.live_bytes, 1000 + last);
    EXPECT_EQ(slice.live_blocks, 100 + last);
    first = last + 1;
  }
  EXPECT_EQ(first, Slices::kMost);
}

TEST(Slices, BoundsAtMarksAreKept) {
  Slices slices(kStart, 1000);
  for (uint64_t i = 0; i < Slices::kMost; ++i) {  // marks end those that pairing from the first would give up
    RunSlice slice;
    slice.allocations = 10;
    slice.ends_at_mark = i % 2 == 0;
    ASSERT_TRUE(slices.close(kStart + (i + 1) * 1000, (i + 1) * 10, slice));
  }
  slices.compact();
  const auto at_marks =
      std::count_if(slices.all().begin(), slices.all().end(), [](const RunSlice& slice) { return slice.ends_at_mark; });
  EXPECT_GE(at_marks, 30);
  ASSERT_EQ(slices.size(), 32u);
}

// But not at any price: a bound at a mark between two tiny slices goes before one that keeps two halves of a run apart.
TEST(Slices, BoundsAtMarksOfTinySlicesAreGivenUp) {
  Slices slices(kStart, 1000);
  uint64_t time = kStart, events = 0;
  for (uint64_t i = 0; i < Slices::kMost; ++i) {
    RunSlice slice;
    slice.ends_at_mark = i < 40;
    slice.allocations = i < 40 ? 1 : 1000;
    time += i < 40 ? 1 : 1000;
    ASSERT_TRUE(slices.close(time, events += slice.allocations, slice));
  }
  slices.compact();
  EXPECT_EQ(std::count_if(slices.all().begin(), slices.all().end(),
                          [](const RunSlice& slice) { return !slice.ends_at_mark; }),
            24);
}

TEST(Slices, DueByTimeOrByEvents) {
  Slices slices(kStart, 1000);
  EXPECT_FALSE(slices.due(kStart + 999, 1023));
  EXPECT_TRUE(slices.due(kStart + 1000, 0));
  EXPECT_TRUE(slices.due(kStart, 1024));
  ASSERT_TRUE(slices.close(kStart + 1700, 50, {}));
  EXPECT_FALSE(slices.due(kStart + 2699, 50 + 1023));
  EXPECT_TRUE(slices.due(kStart + 2700, 50));
  EXPECT_TRUE(slices.due(kStart + 1700, 50 + 1024));
}

TEST(Slices, MarksEndNoSliceThatIsEmptyOrMuchShorterThanOthers) {
  Slices slices(kStart, 1000);
  EXPECT_FALSE(slices.due_at_mark(kStart + 5000, 0));
  EXPECT_FALSE(slices.due_at_mark(kStart + 249, 1));
  EXPECT_TRUE(slices.due_at_mark(kStart + 250, 1));
  EXPECT_FALSE(slices.due_at_mark(kStart + 10, 255));
  EXPECT_TRUE(slices.due_at_mark(kStart + 10, 256));
}

// After a merge slices are a 32nd of the run so far.
TEST(Slices, SlicesLastLongerInALongerRun) {
  Slices slices(kStart, 1000);
  for (uint64_t i = 1; i <= Slices::kMost; ++i) ASSERT_TRUE(slices.close(kStart + i * 1000, i * 1000, {}));
  slices.compact();
  const uint64_t end = kStart + 64'000, events = 64'000;
  EXPECT_FALSE(slices.due(end + 1999, events + 1999));
  EXPECT_TRUE(slices.due(end + 2000, events));
  EXPECT_TRUE(slices.due(end, events + 2000));
}

TEST(Slices, TimesThatGoBackOrLieFarAheadDoNoHarm) {
  Slices slices(kStart, 0);
  EXPECT_TRUE(slices.due(kStart + 1, 0));
  ASSERT_TRUE(slices.close(kStart + 100, 1, {}));
  ASSERT_TRUE(slices.close(kStart + 50, 2, {}));
  EXPECT_EQ(slices[1].end, kStart + 100);
  ASSERT_TRUE(slices.close(UINT64_MAX, 3, {}));
  EXPECT_FALSE(slices.due(kStart, 4));
  EXPECT_FALSE(slices.due(UINT64_MAX, 4));  // or each event of a damaged trace would end one
  for (uint64_t i = 4; !slices.full(); ++i) ASSERT_TRUE(slices.close(UINT64_MAX, i, {}));
  slices.compact();
  EXPECT_EQ(slices.size(), Slices::kMost / 2);
  EXPECT_EQ(slices[0].end, kStart + 100);
}

TEST(Slices, AMomentLiesInTheSliceThatEndsAfterIt) {
  Slices slices(kStart, 1000);
  for (const uint64_t end : {100, 200, 300}) ASSERT_TRUE(slices.close(kStart + end, end, {}));
  EXPECT_EQ(slices.at(0), 0u);
  EXPECT_EQ(slices.at(kStart + 99), 0u);
  EXPECT_EQ(slices.at(kStart + 100), 1u);
  EXPECT_EQ(slices.at(kStart + 299), 2u);
  EXPECT_EQ(slices.at(kStart + 300), 3u);
}

TEST(Slices, WhenNumbersRunOutTheLastSliceGoesOnToTheEndOfTheRun) {
  Slices slices(kStart, 1);
  uint64_t i = 1;
  for (; slices.serial() < Slices::kLastSerial - 1; ++i) {
    ASSERT_TRUE(slices.close(kStart + (i << 20), i << 20, {}));
    if (slices.full()) slices.compact();
  }
  EXPECT_FALSE(slices.due(UINT64_MAX - 1, UINT64_MAX - 1));
  EXPECT_FALSE(slices.due_at_mark(UINT64_MAX - 1, UINT64_MAX - 1));
  const size_t index = slices.size();
  EXPECT_EQ(slices.index(slices.serial()), index);
  ASSERT_TRUE(slices.close(kStart + (i << 20), i << 20, {}));  // the end of the run
  EXPECT_EQ(slices.index(Slices::kLastSerial - 1), index);
  EXPECT_EQ(slices.index(Slices::kLastSerial), slices.size());
  if (slices.full()) slices.compact();
  EXPECT_FALSE(slices.close(kStart + ((i + 1) << 20), (i + 1) << 20, {}));
  EXPECT_EQ(slices.serial(), Slices::kLastSerial);
}

}  // namespace
}  // namespace tidemark::replay
