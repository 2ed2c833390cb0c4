// Against values that were worked out by hand or published, and properties of any series.
#include "analyzer/classify/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace tidemark::classify {
namespace {

using Values = std::vector<double>;

// Two servers' resident megabytes every 24 hours: one leaks, one does not (docs/verdicts.md).
const Values kDayHours = {0, 24, 48, 72, 96, 120};
const Values kLeaking = {111, 250, 390, 530, 670, 713};
const Values kHealthy = {120, 122, 124, 125, 125, 126};

Values upto(size_t count) {
  Values x;
  for (size_t i = 0; i < count; ++i) x.push_back(static_cast<double>(i) / static_cast<double>(count));
  return x;
}

template <class Function>
Values of(const Values& x, Function function) {
  Values y;
  for (const double value : x) y.push_back(function(value));
  return y;
}

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoMiddleOnes) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({9, 1}), 5);
  EXPECT_EQ(median({9, 1, 4}), 4);
  EXPECT_EQ(median({100, 3, 1, 5}), 4);
  EXPECT_EQ(median({2, 2, 2, -50, 900}), 2);
}

// S = 15, variance 510 / 18; and with one tie S = 14, variance 492 / 18.
TEST(MannKendall, CannotTellTheTwoServersApart) {
  EXPECT_NEAR(mann_kendall_rising(kLeaking), 0.00427, 0.00001);
  EXPECT_NEAR(mann_kendall_rising(kHealthy), 0.00645, 0.00001);
}

TEST(MannKendall, FewOrEqualOrFallingPointsAreNoRise) {
  EXPECT_EQ(mann_kendall_rising(Values{1, 2, 3}), 1);
  EXPECT_LT(mann_kendall_rising(Values{1, 2, 3, 4}), 0.05);
  EXPECT_EQ(mann_kendall_rising(Values(20, 5.0)), 1);
  Values falling = kLeaking;
  std::reverse(falling.begin(), falling.end());
  EXPECT_EQ(mann_kendall_rising(falling), 1);
  EXPECT_EQ(mann_kendall_rising(Values{1, 2, 1, 2, 1}), 1);  // S = 0
}

// Ties make the variance smaller: without the correction this series would have p = 0.0067.
TEST(MannKendall, TiesAreCorrectedFor) {
  const Values series = {1, 1, 1, 2, 2, 2, 3, 3};  // S = 21, variance (1176 - 66 - 66 - 18) / 18
  const double z = 20 / std::sqrt((8.0 * 7 * 21 - 66 - 66 - 18) / 18);
  EXPECT_NEAR(mann_kendall_rising(series), 0.5 * std::erfc(z / std::sqrt(2.0)), 1e-12);
  EXPECT_LT(mann_kendall_rising(series), 0.005);
}

TEST(MannKendall, OnlyTheOrderCounts) {
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    Values series;
    for (int k = 0; k < 30; ++k) series.push_back(static_cast<double>(random() % 20 + static_cast<unsigned>(k) / 4));
    EXPECT_DOUBLE_EQ(mann_kendall_rising(series),
                     mann_kendall_rising(of(series, [](double y) { return std::exp(y / 3) + 5; })));
  }
}

// Of series without a trend, about one in twenty looks like a rise at five percent.
TEST(MannKendall, IsWrongAsOftenAsItSays) {
  std::mt19937 random(2);
  std::normal_distribution<double> noise;
  int rises = 0;
  constexpr int kSeries = 4000;
  for (int i = 0; i < kSeries; ++i) {
    Values series;
    for (int k = 0; k < 20; ++k) series.push_back(noise(random));
    rises += mann_kendall_rising(series) < 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(rises) / kSeries, 0.05, 0.015);
}

TEST(TheilSen, TellsTheTwoServersApart) {
  EXPECT_NEAR(theil_sen(kDayHours, kLeaking), 5.8194, 0.0001);
  EXPECT_NEAR(theil_sen(kDayHours, kHealthy), 0.0417, 0.0001);
}

TEST(TheilSen, ExactLinesWhateverAFewPointsDo) {
  const Values x = upto(40);
  Values y = of(x, [](double at) { return 100 - 7 * at; });
  EXPECT_NEAR(theil_sen(x, y), -7, 1e-9);
  for (const size_t wild : {2, 17, 30, 39}) y[wild] = 1e9;
  EXPECT_NEAR(theil_sen(x, y), -7, 0.5);
  EXPECT_EQ(theil_sen(Values{1}, Values{5}), 0);
  EXPECT_EQ(theil_sen(Values{3, 3, 3}, Values{1, 5, 9}), 0);
  EXPECT_EQ(theil_sen(Values{3, 3, 4}, Values{1, 5, 9}), 6);  // the pairs with different x: 8 and 4
}

TEST(Saturation, ACurveIsRecovered) {
  for (const double tau : {0.05, 0.1, 0.2, 0.5, 1.5}) {
    const Values x = of(upto(48), [](double at) { return 3 + at; });
    const double window = x.back() - x.front();
    const Values y = of(x, [&](double at) { return 1000 + 5000 * (1 - std::exp(-(at - 3) / tau)); });
    const Saturation curve = fit_saturation(x, y);
    EXPECT_NEAR(curve.tau / tau, 1, 0.06) << tau;  // as close as its steps are
    EXPECT_NEAR(curve.base, 1000, 100) << tau;
    EXPECT_NEAR(curve.height / 5000, 1, 0.08) << tau;
    EXPECT_NEAR(curve.left, std::exp(-window / tau), 0.05) << tau;
    EXPECT_GT(curve.better, 4) << tau;
  }
}

TEST(Saturation, ALineIsNoCurve) {
  std::mt19937 random(3);
  std::normal_distribution<double> noise(0, 20);
  for (int i = 0; i < 20; ++i) {
    const Values x = upto(40);
    const Saturation curve = fit_saturation(x, of(x, [&](double at) { return 500 + 3000 * at + noise(random); }));
    EXPECT_LT(curve.better, 4) << i;
  }
}

// The leaking server's table bends a little: a curve explains it better than a line, with most of the height to come.
TEST(Saturation, MostOfTheHeightOfTheLeakingServerIsToCome) {
  const Saturation leaking = fit_saturation(kDayHours, kLeaking);
  EXPECT_GT(leaking.left, 0.1);
  EXPECT_GT(leaking.tau, 120 * 0.2);
  EXPECT_GT(leaking.base + leaking.height, 1000);
  const Saturation healthy = fit_saturation(kDayHours, kHealthy);
  EXPECT_LT(healthy.left, leaking.left);
}

TEST(Saturation, TooFewOrSimultaneousPointsHaveNone) {
  const Values x = {0, 1, 2, 3, 4};
  EXPECT_EQ(fit_saturation(x, Values{0, 5, 7, 8, 8.5}).better, 0);
  EXPECT_EQ(fit_saturation(x, Values{0, 5, 7, 8, 8.5}).left, 1);
  const Values same(10, 2.0);
  EXPECT_EQ(fit_saturation(same, upto(10)).better, 0);
}

TEST(Linearity, IsTheShareOfVarianceThatALineExplains) {
  const Values x = upto(20);
  EXPECT_NEAR(linearity(x, of(x, [](double at) { return 4 - 9 * at; })), 1, 1e-12);
  EXPECT_EQ(linearity(x, Values(20, 3.0)), 0);
  EXPECT_NEAR(linearity(Values{0, 1, 2, 3}, Values{1, 0, 0, 1}), 0, 1e-12);
  EXPECT_NEAR(linearity(Values{0, 1, 2}, Values{0, 0, 3}), 0.75, 1e-12);
  EXPECT_NEAR(linearity(kDayHours, kLeaking), 0.9843, 0.0001);
}

}  // namespace
}  // namespace tidemark::classify
