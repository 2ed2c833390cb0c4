// Each rule, on births and survivors that are written down here: a program of 40 slices of equal length and activity.
#include "analyzer/classify/rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "tests/unit/analyzer/program_trace.h"

namespace tidemark::classify {
namespace {

using model::VerdictClass;
using model::VerdictKind;
using testing::name_of;

constexpr size_t kSlices = 40, kStartup = 4;
constexpr uint64_t kStart = 1'000'000, kTicks = 1'000'000;
constexpr double kBlock = 1000;  // bytes

// Blocks that were born in a slice and live at the end of a later one.
using Survivors = std::function<double(size_t born, size_t at)>;

class Program {
 public:
  explicit Program(size_t slices = kSlices) : count_(slices) {
    recording_.header.start_ticks = kStart;
    recording_.header.tick_hz_hint = 1'000'000;
    recording_.clock = replay::Clock(recording_.header);
    recording_.life_end_seen = true;
    slice_.assign(count_, {});
    for (replay::RunSlice& slice : slice_) {
      slice.allocations = slice.frees = 100;
      slice.live_bytes = 1000;
    }
    for (size_t i = 0; i < std::min(kStartup, count_); ++i) slice_[i].frees = 0;
    slice_[0].new_sites = 200;
  }
  replay::RunSlice& slice(size_t index) { return slice_[index]; }

  Judgement judge(const Survivors& survivors, const std::function<void(Evidence&)>& change = {}) {
    recording_.generations = replay::Generations(kStart, kTicks);
    uint64_t time = kStart;
    for (const replay::RunSlice& slice : slice_) {
      recording_.generations.close(time += kTicks, slice, [](uint32_t) { return std::pair<uint64_t, uint64_t>(); });
    }
    const Life life = find_life(recording_);
    EXPECT_LE(life.startup, kStartup);
    EXPECT_EQ(life.end, count_);
    Evidence evidence(count_);
    evidence.floor = 64 << 10;
    evidence.graph = true;
    std::vector<replay::GenerationCell> cells;
    double live = 0;
    for (size_t born = 0; born < count_; ++born) {
      double before = 0;
      for (size_t at = born; at < count_; ++at) {
        const double blocks = survivors(born, at);
        cells.push_back({static_cast<uint8_t>(born), static_cast<uint8_t>(at), static_cast<int32_t>(blocks - before),
                         static_cast<int64_t>((blocks - before) * kBlock)});
        before = blocks;
      }
      live += before;
    }
    evidence.held = {static_cast<uint64_t>(live), static_cast<uint64_t>(live * kBlock)};
    evidence.history.add(cells, 1);
    evidence.history.finish();
    if (change) change(evidence);
    return Rules(recording_, life).judge(evidence);
  }

 private:
  size_t count_;
  replay::Recording recording_;
  std::vector<replay::RunSlice> slice_;
};

std::string name_of(const Judgement& judgement) { return testing::name_of(judgement.verdict_class, judgement.kind); }

bool says(const Judgement& judgement, const char* text) {
  return std::any_of(judgement.evidence.begin(), judgement.evidence.end(),
                     [text](const std::string& line) { return line.find(text) != std::string::npos; });
}

double leak(size_t, size_t) { return 100; }

TEST(Rules, WhatGrowsAndKeepsAllIsALeak) {
  const Judgement judgement = Program().judge(leak);
  EXPECT_EQ(name_of(judgement), "true-leak/unbounded-retention");
  EXPECT_EQ(judgement.confidence, 0.6);
  EXPECT_NEAR(judgement.growth.bytes_per_hour.value_or(0), 100 * kBlock * 3600, 1);  // a slice lasts a second
  EXPECT_TRUE(says(judgement, "every generation survives")) << judgement.summary;
}

TEST(Rules, TenMarksMakeItSure) {
  for (const uint32_t marks : {9, 10}) {
    Program program;
    for (uint32_t i = 0; i < marks; ++i) program.slice(10 + 2 * i).marks = 1;
    program.slice(1).marks = 7;  // before it grew
    const Judgement judgement = program.judge(leak);
    EXPECT_EQ(judgement.confidence, marks == 10 ? 0.85 : 0.6);
    // Of all that grew since start-up.
    EXPECT_NEAR(judgement.growth.bytes_per_mark.value_or(0), 35 * 100 * kBlock / marks, 1);
  }
  Program program;
  for (size_t i = 0; i < 2; ++i) program.slice(20 + i).marks = 1;
  EXPECT_FALSE(program.judge(leak).growth.bytes_per_mark);
  for (size_t i = 0; i < kStartup; ++i) program.slice(i).marks = 20;  // before it grew
  EXPECT_EQ(program.judge(leak).confidence, 0.6);
}

// The sum goes up by ever more: accelerating, which is no straight line.
TEST(Rules, MarksProveNothingOfGrowthThatIsNoLine) {
  Program program;
  for (size_t i = 5; i < kSlices; ++i) program.slice(i).marks = 1;
  const Judgement judgement =
      program.judge([](size_t born, size_t) { return static_cast<double>(born * born * born); });
  EXPECT_EQ(judgement.growth.trend, "accelerating");
  EXPECT_EQ(name_of(judgement), "true-leak/unbounded-retention");
  EXPECT_EQ(judgement.confidence, 0.6);
}

TEST(Rules, WithoutAGraphItIsLessSure) {
  Program program;
  const auto blind = [](Evidence& evidence) { evidence.graph = false; };
  EXPECT_EQ(program.judge(leak, blind).confidence, 0.55);
  for (size_t i = 10; i < 30; ++i) program.slice(i).marks = 1;
  EXPECT_EQ(program.judge(leak, blind).confidence, 0.75);
}

// A tenth of its stacks are new: it may not be done. Marks that it does not return from tell otherwise.
TEST(Rules, AProgramThatDoesNewThingsMayNotBeDone) {
  Program program;
  for (size_t i = 10; i < 30; ++i) program.slice(i).new_sites = 1;
  const Judgement judgement = program.judge(leak);
  EXPECT_EQ(name_of(judgement), "undecided");
  EXPECT_TRUE(says(judgement, "9% of all allocation stacks were new")) << judgement.summary;
  for (size_t i = 10; i < 30; ++i) program.slice(i).marks = 1;
  EXPECT_EQ(name_of(program.judge(leak)), "true-leak/unbounded-retention");
  for (size_t i = 10; i < 30; ++i) program.slice(i).marks = 0;
  program.slice(0).new_sites = 400;  // less than a twentieth
  EXPECT_EQ(name_of(program.judge(leak)), "true-leak/unbounded-retention");
  program.slice(0).new_sites = 0;  // all, but few
  for (size_t i = 10; i < 30; ++i) program.slice(i).new_sites = i < 20 ? 1 : 0;
  EXPECT_EQ(name_of(program.judge(leak)), "true-leak/unbounded-retention");
  program.slice(25).new_sites = 1;
  EXPECT_EQ(name_of(program.judge(leak)), "undecided");
}

// Each generation loses so many of its old blocks, fifteen slices on.
TEST(Rules, WhenOldBlocksAreFreedItIsUndecided) {
  for (const double lost : {0.0, 3.0, 7.0, 30.0}) {
    const Judgement judgement = Program().judge([lost](size_t born, size_t at) {
      return at > born + 14 ? 100 - lost : 100;  // older than a third of the run, which is old by any measure
    });
    const bool keeps = lost < 5;
    EXPECT_EQ(name_of(judgement), keeps ? "true-leak/unbounded-retention" : "undecided") << lost;
    if (!keeps) {
      EXPECT_TRUE(says(judgement, "of its old blocks"));
    }
  }
}

// They are no generation of the growth.
TEST(Rules, BlocksOfStartUpMayBeFreed) {
  EXPECT_EQ(name_of(Program().judge([](size_t born, size_t at) {
              return born != 1 ? 100.0 : at < 10 ? 300.0 : 300.0 - 8 * static_cast<double>(at - 10);
            })),
            "true-leak/unbounded-retention");
}

TEST(Rules, GenerationsThatLeaveNothingAreNoLeak) {
  // One block in three slices dies young: the others are a leak all the same.
  EXPECT_EQ(name_of(Program().judge([](size_t born, size_t at) { return at > born + 1 ? 60.0 : 100.0; })),
            "true-leak/unbounded-retention");
  // Four of eight generations leave nothing: three of seven groups.
  const Judgement gaps =
      Program().judge([](size_t born, size_t at) { return born % 8 >= 4 && at > born ? 0.0 : 100.0; });
  EXPECT_EQ(gaps.growth.trend, "linear");
  EXPECT_EQ(name_of(gaps), "undecided");
  EXPECT_TRUE(says(gaps, "57% of the generations keep some")) << ::testing::PrintToString(gaps.evidence);
}

// Growth that young generations make up, of which the oldest keep less than half of what the young ones do.
TEST(Rules, WhenOldGenerationsKeepLessThanYoungOnesItIsUndecided) {
  const Judgement drains =
      Program().judge([](size_t born, size_t at) { return born < 16 && at > born + 2 ? 30.0 : 100.0; });
  EXPECT_EQ(name_of(drains), "undecided");
  // That fewer were born is no sign that they drain.
  const Judgement fewer = Program().judge([](size_t born, size_t) { return born < 16 ? 30.0 : 100.0; });
  EXPECT_EQ(fewer.growth.trend, "linear");
  EXPECT_EQ(name_of(fewer), "true-leak/unbounded-retention");
}

TEST(Rules, GrowthThatBeganLate) {
  for (const size_t from : {38, 41}) {
    const Judgement judgement = Program(60).judge([from](size_t born, size_t) {
      return born == 0 ? 500.0 : born >= from ? 100.0 : 0.0;
    });
    EXPECT_TRUE(judgement.trend.late) << from;
    EXPECT_EQ(name_of(judgement), from == 41 ? "undecided" : "true-leak/unbounded-retention") << from;
  }
}

TEST(Rules, WeaklyHeldMemoryProvesLittle) {
  const auto weakly = [](double share) {
    return Program().judge(leak, [share](Evidence& evidence) {
      evidence.weak_bytes = static_cast<uint64_t>(share * static_cast<double>(evidence.held.bytes));
    });
  };
  EXPECT_EQ(weakly(0.5).confidence, 0.6);
  EXPECT_EQ(weakly(0.51).confidence, 0.3);
  EXPECT_TRUE(says(weakly(0.51), "tagged pointers"));
}

TEST(Rules, Bounds) {
  const auto bounded = [](uint64_t bytes) {
    return Program().judge(leak, [bytes](Evidence& evidence) { evidence.bound_bytes = bytes; });
  };
  const auto held = static_cast<uint64_t>(kSlices * 100 * kBlock);
  EXPECT_EQ(name_of(bounded(held)), "retained-by-design/bounded-cache");
  EXPECT_EQ(bounded(held).confidence, 0.6);
  EXPECT_EQ(name_of(bounded(held - 1)), "true-leak/unbounded-retention");
  EXPECT_EQ(bounded(held - 1).confidence, 0.85);
}

TEST(Rules, HeldSinceStartUp) {
  const auto share = [](double of_startup) {
    return Program().judge([of_startup](size_t born, size_t) {
      return born == 0 ? 1000 * of_startup : born == 15 ? 1000 * (1 - of_startup) : 0;
    });
  };
  EXPECT_EQ(name_of(share(1)), "retained-by-design/startup");
  EXPECT_EQ(name_of(share(0.81)), "retained-by-design/startup");
  EXPECT_EQ(name_of(share(0.79)), "retained-by-design/working-set");
  EXPECT_EQ(share(1).confidence, 0.85);
  // It may shrink a little.
  const Judgement shrinking =
      Program().judge([](size_t born, size_t at) { return born == 0 ? 1200.0 - 6 * static_cast<double>(at) : 0.0; });
  EXPECT_EQ(shrinking.growth.trend, "unsettled");
  EXPECT_EQ(name_of(shrinking), "retained-by-design/startup");
  // Too little to have a trend, and yet there since the start.
  EXPECT_EQ(name_of(Program().judge([](size_t born, size_t) { return born == 0 ? 10.0 : 0.0; })),
            "retained-by-design/startup");
}

TEST(Rules, ConfidenceGrowsWithTheWorkingLife) {
  // One of the shorter ones is start-up, and two or three of the longer ones.
  for (const auto& [slices, confidence] : {std::pair<size_t, double>(6, 0.3), {7, 0.6}, {13, 0.6}, {16, 0.85}}) {
    const Judgement judgement = Program(slices).judge([](size_t born, size_t) { return born == 0 ? 1000.0 : 0.0; });
    EXPECT_EQ(judgement.confidence, confidence) << slices;
  }
}

// 100 blocks a slice that live for so many slices.
TEST(Rules, ASteadyLevelOfWhichOldBlocksAreReplacedIsACache) {
  for (const size_t age : {3, 6, 10}) {
    const Judgement judgement =
        Program().judge([age](size_t born, size_t at) { return at < born + age ? 100.0 : 0.0; });
    EXPECT_EQ(name_of(judgement), "retained-by-design/bounded-cache") << age << judgement.summary;
  }
  // A working set of which less than a fifth is replaced stays one.
  for (const double replaced : {150, 350}) {
    const Judgement judgement = Program().judge([replaced](size_t born, size_t at) {
      if (born == 8) return at < 30 ? 1000.0 : 1000 - replaced;
      return born == 30 ? replaced : 0;
    });
    EXPECT_EQ(name_of(judgement),
              replaced < 200 ? "retained-by-design/working-set" : "retained-by-design/bounded-cache");
  }
}

// What dies in the slice after its birth is churn, not the turnover of a cache.
TEST(Rules, AWorkingSetBesideChurnIsOne) {
  EXPECT_EQ(name_of(Program().judge([](size_t born, size_t at) {
              return born == 8 ? 1000.0 : at == born ? 100.0 : 0.0;
            })),
            "retained-by-design/working-set");
}

// The level wavers, with a peak now and then, and everything is replaced.
TEST(Rules, ANoisyLevelOfWhichAllIsReplacedIsACache) {
  const auto level = [](size_t at, double noise) {
    return (at == 28 ? 600 : 300) + static_cast<double>(at * 7919 % 13) * noise;
  };
  const Judgement judgement =
      Program().judge([&](size_t born, size_t at) { return at < born + 3 ? std::round(level(at, 5) / 3) : 0.0; });
  EXPECT_EQ(judgement.growth.trend, "unsettled");
  EXPECT_EQ(name_of(judgement), "retained-by-design/bounded-cache") << judgement.summary;
  // If some of it has stayed, it is not replaced.
  const Judgement partly = Program().judge([&](size_t born, size_t at) {
    return born == 10 ? 100.0 : at < born + 3 ? std::round(level(at, 5) / 3) : 0.0;
  });
  EXPECT_EQ(partly.growth.trend, "unsettled");
  EXPECT_EQ(name_of(partly), "undecided");
  // If it rises as well, nobody knows.
  const Judgement rising = Program().judge([&](size_t born, size_t at) {
    return at < born + 3 ? std::round(level(at, 15) / 3 + static_cast<double>(at) * 5) : 0.0;
  });
  EXPECT_EQ(rising.growth.trend, "unsettled");
  EXPECT_EQ(name_of(rising), "undecided");
  EXPECT_EQ(rising.confidence, 0);
}

TEST(Rules, SawtoothAndChurn) {
  const Judgement sawtooth = Program().judge([](size_t born, size_t at) { return born / 8 == at / 8 ? 100.0 : 0.0; });
  EXPECT_EQ(name_of(sawtooth), "retained-by-design/episodic");
  EXPECT_EQ(sawtooth.confidence, 0.8);
  const Judgement churn = Program().judge([](size_t born, size_t at) { return born == at ? 1000.0 : 0.0; });
  EXPECT_EQ(name_of(churn), "no-growth/churn");
  EXPECT_EQ(churn.confidence, 0.6);
  const Judgement little = Program().judge([](size_t born, size_t) { return born == 20 ? 50.0 : 0.0; });
  EXPECT_EQ(name_of(little), "no-growth/flat");
}

TEST(Rules, NoSlices) {
  const replay::Recording recording;
  const Life life = find_life(recording);
  const Evidence evidence(0);
  const Rules rules(recording, life);
  EXPECT_EQ(name_of(rules.judge(evidence)), "undecided");
  EXPECT_FALSE(rules.judge(evidence).summary.empty());
  EXPECT_TRUE(rules.generations(evidence.history).empty());
}

}  // namespace
}  // namespace tidemark::classify
