// Each trend from a series of its shape, at several resolutions: the number of slices is an accident of the run.
#include "analyzer/classify/trend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace tidemark::classify {
namespace {

constexpr double kFloor = 64 << 10;
constexpr double kMegabyte = 1 << 20;
constexpr size_t kResolutions[] = {16, 24, 32, 48, 63};

using Shape = std::function<double(double at)>;  // bytes at 0..1 of the working life

struct Points {
  std::vector<double> at, live, lasting;
};

// `churn`: bytes that live for less than a slice.
Points sampled(const Shape& shape, size_t count, double churn = 0) {
  Points points;
  for (size_t i = 1; i <= count; ++i) {
    points.at.push_back(static_cast<double>(i) / static_cast<double>(count));
    points.lasting.push_back(shape(points.at.back()));
    points.live.push_back(points.lasting.back() + churn);
  }
  return points;
}

FoundTrend find(const Points& points) { return find_trend({points.at, points.live, points.lasting, kFloor}); }

std::string trend_of(const Shape& shape, size_t count, double churn = 0) {
  return name(find(sampled(shape, count, churn)).trend);
}

void expect_everywhere(const Shape& shape, const char* trend, double churn = 0) {
  for (const size_t count : kResolutions) EXPECT_EQ(trend_of(shape, count, churn), trend) << count << " slices";
}

// The same values whenever it is asked for the same moment.
double noise(double at) {
  std::mt19937 random(static_cast<unsigned>(std::lround(at * 1e6)));
  return std::uniform_real_distribution<double>(-1, 1)(random);
}

double held(double at, double from, double bytes) { return at >= from ? bytes : 0; }

TEST(Trend, NothingAtAllOrTooLittleIsNone) {
  EXPECT_EQ(find_trend({}).trend, Trend::kNone);
  expect_everywhere([](double) { return 0; }, "none");
  expect_everywhere([](double at) { return 0.99 * kFloor * at; }, "none");
  expect_everywhere([](double) { return 1.01 * kFloor; }, "flat");
}

TEST(Trend, WhatHardlyLastsIsChurn) {
  expect_everywhere([](double at) { return kMegabyte * (1 + 0.5 * at); }, "churn", 100 * kMegabyte);
  expect_everywhere([](double) { return kFloor / 5; }, "churn", kMegabyte / 4);
  expect_everywhere([](double at) { return 3 * kMegabyte * at; }, "linear", 97 * kMegabyte);
}

TEST(Trend, WhatIsHeldThroughoutIsFlat) {
  expect_everywhere([](double) { return kMegabyte; }, "flat");
  expect_everywhere([](double at) { return kMegabyte * (1 + 0.004 * noise(at)); }, "flat");
  // Growth that has stopped.
  expect_everywhere([](double at) { return kMegabyte * std::min(at, 0.6); }, "flat");
  const FoundTrend stopped = find(sampled([](double at) { return kMegabyte * std::min(at, 0.6); }, 50));
  EXPECT_NEAR(stopped.flat_from, 0.6, 0.04);
}

TEST(Trend, ABurstThatIsHeldIsAStep) {
  expect_everywhere([](double at) { return held(at, 0.3, kMegabyte); }, "step");
  expect_everywhere([](double at) { return kMegabyte * std::clamp((at - 0.4) / 0.08, 0.0, 1.0); }, "step");
  expect_everywhere([](double at) { return kMegabyte * std::clamp((at - 0.3) / 0.3, 0.0, 1.0); }, "flat");
}

// A series that is flat only over its last fifth may go on growing.
TEST(Trend, AShortFlatEndProvesNothing) {
  for (const size_t count : kResolutions) {
    EXPECT_NE(trend_of([](double at) { return kMegabyte * std::min(at, 0.8); }, count), "flat") << count;
    EXPECT_EQ(trend_of([](double at) { return held(at, 0.85, kMegabyte); }, count), "unsettled") << count;
  }
}

TEST(Trend, SteadyGrowthIsLinear) {
  expect_everywhere([](double at) { return kMegabyte * at; }, "linear");
  expect_everywhere([](double at) { return 100 * kMegabyte + 6 * kMegabyte * at; }, "linear");
  const FoundTrend found = find(sampled([](double at) { return kMegabyte * at; }, 50));
  EXPECT_EQ(found.since, 0u);
  EXPECT_EQ(found.points, 50u);
  EXPECT_NEAR(found.grown, 0.98 * kMegabyte, 1);
  EXPECT_NEAR(found.straight, 1, 1e-9);
  EXPECT_FALSE(found.late);
}

// At least a hundredth of the level, and the floor, in the late half.
TEST(Trend, GrowthThatHardlyShowsIsNone) {
  expect_everywhere([](double at) { return 100 * kMegabyte + 1.5 * kMegabyte * at; }, "flat");
  for (const size_t count : kResolutions) {
    EXPECT_EQ(trend_of([](double at) { return kFloor * (0.5 + 2.5 * at); }, count), "linear") << count;
  }
  const Shape slow = [](double at) { return kFloor * (0.5 + 1.7 * at); };
  for (const size_t count : {48, 63}) EXPECT_EQ(trend_of(slow, count), "unsettled") << count;
  // With so few slices, every second one is judged as a whole: by all it grew, which is not late.
  EXPECT_EQ(trend_of(slow, 16), "linear");
  EXPECT_FALSE(find(sampled(slow, 16)).late);
}

TEST(Trend, NoiseDoesNotHideGrowth) {
  expect_everywhere([](double at) { return kMegabyte * (at + 0.004 * noise(at)); }, "linear");
}

// Over a tenth of the run, but not over a quarter.
TEST(Trend, GrowthMayPause) {
  const auto pausing = [](double width) {
    return [width](double at) { return kMegabyte * (at < 0.65 ? at : std::max(0.65, at - width)); };
  };
  for (const size_t count : {48, 63}) {
    EXPECT_EQ(trend_of(pausing(0.09), count), "linear") << count;
    EXPECT_NE(trend_of(pausing(0.25), count), "linear") << count;
  }
}

// Of each ten slices only every third or fourth grows: in steps of two or four slices all do.
TEST(Trend, RoundsMayBeLongerThanSlices) {
  for (const size_t count : {32, 48, 63}) {
    for (const size_t rounds : {count / 2, count / 3}) {
      const Shape shape = [&](double at) {
        return kMegabyte / 100 * (1 + std::floor(at * static_cast<double>(rounds) + 1e-9));
      };
      EXPECT_EQ(trend_of(shape, count), "linear") << count << " slices, " << rounds << " rounds";
    }
  }
}

TEST(Trend, GrowthThatGetsFasterIsAccelerating) {
  expect_everywhere([](double at) { return kMegabyte * at * at * at; }, "accelerating");
  expect_everywhere([](double at) { return kMegabyte * (at + at * at / 4); }, "linear");
}

// Only where there are points enough to be sure; it must not pause.
TEST(Trend, GrowthThatBeganLateIsSaidToBeLate) {
  const Shape late = [](double at) { return kMegabyte * (1 + std::max(0.0, at - 0.66)); };
  for (const size_t count : {32, 48, 63}) {
    const FoundTrend found = find(sampled(late, count));
    EXPECT_TRUE(grows(found.trend)) << count;
    EXPECT_TRUE(found.late) << count;
    EXPECT_NEAR(static_cast<double>(found.since) / static_cast<double>(count), 0.66, 0.05) << count;
    EXPECT_NEAR(found.grown, 0.34 * kMegabyte, 0.03 * kMegabyte) << count;
  }
  // Fewer than ten slices of it are too few.
  EXPECT_EQ(trend_of([](double at) { return kMegabyte * (1 + std::max(0.0, at - 0.69)); }, 29), "unsettled");
  const Shape pausing = [&](double at) { return late(at > 0.8 && at < 0.88 ? 0.8 : at); };
  EXPECT_EQ(trend_of(pausing, 63), "unsettled");
}

// Since the middle, not since less: that is seen by the late half alone.
TEST(Trend, GrowthSinceTheMiddleIsNotLate) {
  for (const size_t count : {24, 48, 63}) {
    const FoundTrend found = find(sampled([](double at) { return kMegabyte * (1 + std::max(0.0, at - 0.45)); }, count));
    EXPECT_EQ(found.trend, Trend::kLinear) << count;
    EXPECT_FALSE(found.late) << count;
    EXPECT_NEAR(static_cast<double>(found.since + 1) / static_cast<double>(count), 0.45, 0.05) << count;
  }
}

TEST(Trend, ACurveThatNearsItsHeightIsSettled) {
  // Too noisy to be flat.
  expect_everywhere([](double at) { return kMegabyte * (1 - std::exp(-at / 0.12) + 0.02 * noise(at)); }, "settled");
}

TEST(Trend, ACurveThatIsStillFarFromItsHeightIsNotSettled) {
  for (const size_t count : kResolutions) {
    for (const double tau : {0.3, 0.5, 2.0}) {
      const std::string trend = trend_of([tau](double at) { return kMegabyte * (1 - std::exp(-at / tau)); }, count);
      EXPECT_NE(trend, "settled") << count << " slices, tau " << tau;
    }
    EXPECT_EQ(trend_of([](double at) { return kMegabyte * (1 - std::exp(-at / 2)); }, count), "linear") << count;
  }
}

// The burst bends the series as a curve that settles is bent.
TEST(Trend, GrowthBehindABurstIsNotSettled) {
  for (const size_t count : kResolutions) {
    const Shape burst = [](double at) { return kMegabyte * (std::min(at / 0.1, 1.0) + 0.3 * at); };
    EXPECT_EQ(trend_of(burst, count), "linear") << count;
    const Shape again = [](double at) {
      return kMegabyte * (at < 0.2 ? at / 0.2 : at < 0.5 ? 1 - (at - 0.2) / 0.6 : at);
    };
    EXPECT_EQ(trend_of(again, count), "linear") << count;
  }
}

TEST(Trend, RisesAndFallsAreASawtooth) {
  for (const double periods : {3.0, 4.5, 6.3}) {
    for (const size_t count : {32, 48, 63}) {
      const FoundTrend found =
          find(sampled([periods](double at) { return kMegabyte * std::fmod(at * periods, 1.0); }, count));
      EXPECT_EQ(found.trend, Trend::kSawtooth) << count << " slices, " << periods << " periods";
      EXPECT_NEAR(static_cast<double>(found.drops), std::floor(periods), 1) << count;
    }
  }
}

TEST(Trend, ASawtoothThatHasComeToRestIsStillOne) {
  const auto teeth = [](double rest) {
    return [rest](double at) { return kMegabyte * (at < 0.6 ? 0.2 + std::fmod(at * 5, 1.0) : rest); };
  };
  for (const size_t count : {32, 48, 63}) {
    EXPECT_EQ(trend_of(teeth(0.2), count), "sawtooth") << count;
    EXPECT_NE(trend_of(teeth(1.2), count), "sawtooth") << count;  // the last rise is held
  }
}

// What it falls back to rises as it does: there is a leak below.
TEST(Trend, ASawtoothWhoseTroughsRiseIsNone) {
  for (const size_t count : {48, 63}) {
    const Shape shape = [](double at) { return kMegabyte * (at + 0.6 * std::fmod(at * 5, 1.0)); };
    EXPECT_NE(trend_of(shape, count), "sawtooth") << count;
  }
}

TEST(Trend, NoisyLevelsAreFlat) {
  for (const size_t count : {24, 32, 48, 63}) {
    EXPECT_EQ(trend_of([](double at) { return kMegabyte * (1 + 0.03 * std::sin(at * 40)); }, count), "flat") << count;
  }
}

TEST(Trend, FewPoints) {
  const Shape line = [](double at) { return kMegabyte * at; };
  EXPECT_EQ(trend_of(line, 5), "unsettled");  // a difference, not a trend
  for (const size_t count : {6, 8, 11}) EXPECT_EQ(trend_of(line, count), "linear") << count;
  // All points count, not the late half alone.
  for (const size_t count : {8, 11}) {
    EXPECT_EQ(trend_of([](double at) { return kMegabyte * std::max(0.1, at - 0.5); }, count), "unsettled") << count;
  }
  // At least a twentieth of the level in the late half.
  EXPECT_EQ(trend_of([](double at) { return kMegabyte * (100 + 8 * at); }, 8), "unsettled");
  EXPECT_EQ(trend_of([](double at) { return kMegabyte * (100 + 20 * at); }, 8), "linear");
  // One fall among six points may be chance.
  Points points = sampled(line, 6);
  points.lasting = {1 * kMegabyte, 2 * kMegabyte, 3 * kMegabyte, 4 * kMegabyte, 7 * kMegabyte, 6 * kMegabyte};
  points.live = points.lasting;
  EXPECT_EQ(find(points).trend, Trend::kUnsettled);
  // Slower in the late half than half as fast as in the early one.
  EXPECT_EQ(trend_of([](double at) { return kMegabyte * (at < 0.5 ? at : 0.5 + (at - 0.5) * 0.3); }, 11), "unsettled");
  EXPECT_EQ(trend_of([](double at) { return kMegabyte * (at < 0.5 ? at : 0.5 + (at - 0.5) * 0.7); }, 11), "linear");
}

// The two servers of statistics_test, in megabytes.
TEST(Trend, TheTwoServersAreToldApart) {
  Points points;
  points.at = {0, 0.2, 0.4, 0.6, 0.8, 1};
  for (const double megabytes : {111, 250, 390, 530, 670, 713}) points.lasting.push_back(megabytes * kMegabyte);
  points.live = points.lasting;
  EXPECT_EQ(find(points).trend, Trend::kLinear);
  points.lasting.clear();
  for (const double megabytes : {120, 122, 124, 125, 125, 126}) points.lasting.push_back(megabytes * kMegabyte);
  points.live = points.lasting;
  EXPECT_EQ(find(points).trend, Trend::kFlat);
}

TEST(Drops, AreFallsOfHalfTheAmplitudeToALevel) {
  const auto drops = [](std::vector<double> series) { return count_drops(series, 10, true); };
  EXPECT_EQ(drops({0, 100, 0, 100, 0}), 2u);
  EXPECT_EQ(drops({0, 100, 0, 100}), 0u);  // one fall is none
  EXPECT_EQ(drops({0, 100, 50, 100, 50, 100}), 2u);
  EXPECT_EQ(drops({0, 100, 52, 100, 52, 100}), 0u);  // less than half
  EXPECT_EQ(drops({0, 100, 0, 100, 24, 100, 0}), 3u);
  EXPECT_EQ(drops({0, 100, 0, 100, 27, 100, 0}), 0u);  // troughs that differ
  EXPECT_EQ(drops({0, 100, 0, 40, 0, 100, 0}), 2u);    // a rise that is too small is part of the trough
  EXPECT_EQ(drops({0, 9, 0, 9, 0}), 0u);               // below the floor
  EXPECT_EQ(drops({0, 10, 0, 10, 0}), 2u);
}

}  // namespace
}  // namespace tidemark::classify
