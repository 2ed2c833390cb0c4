#include "analyzer/classify/trend.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "analyzer/classify/statistics.h"

namespace tidemark::classify {
namespace {

constexpr double kChurnShare = 0.02;                     // of what is live, that lasts
constexpr double kFlatShare = 0.01;                      // of the level, over a flat end
constexpr double kFlatRise = 0.03;                       // of the whole rise, over a flat end
constexpr double kFlatEnd = 0.3;                         // of the working life, that a flat end covers
constexpr double kLevelDrift = 0.05, kLevelPeaks = 1.5;  // of a level that is noisy
constexpr double kStepWidth = 0.1;                       // of the working life, that a step takes
constexpr size_t kMinDrops = 2;
constexpr double kAmplitude = 0.25;     // of the highest level: less is noise
constexpr double kDropShare = 0.5;      // of the amplitude
constexpr double kLevelTroughs = 0.25;  // of the amplitude, by which troughs may differ
constexpr double kLeastP = 0.01;
constexpr double kGrowingShare = 0.8;                  // of the points
constexpr double kEffect = 0.01, kEffectOfFew = 0.05;  // of the level, in the late half
constexpr size_t kManyPoints = 12, kFewPoints = 6;
constexpr double kLateToEarly = 0.5;  // slope, of few points
constexpr double kAccelerates = 2;
constexpr double kSettledBetter = 4, kSettledLeft = 0.1, kSettledTau = 0.2;
constexpr double kSettledRise = 0.1;  // of the curve's height, beyond the curve in the late half

struct Points {
  std::vector<double> x, y;
  std::vector<size_t> slice;
};

// Every `step`th slice, the last one among them.
Points thinned(const Series& series, size_t step) {
  Points points;
  const size_t count = series.at.size();
  for (size_t i = (count - 1) % step; i < count; i += step) {
    points.x.push_back(series.at[i]);
    points.y.push_back(series.lasting[i]);
    points.slice.push_back(i);
  }
  return points;
}

double share_growing(std::span<const double> y) {
  size_t growing = 0;
  for (size_t i = 1; i < y.size(); ++i) growing += y[i] > y[i - 1] ? 1 : 0;
  return y.size() < 2 ? 0 : static_cast<double>(growing) / static_cast<double>(y.size() - 1);
}

// Growth to the end of points [from, size).
bool grows_from(const Points& points, size_t from, double floor, double effect) {
  const std::span<const double> x = std::span(points.x).subspan(from), y = std::span(points.y).subspan(from);
  const double level = *std::max_element(points.y.begin(), points.y.end());
  const double grown = theil_sen(x, y) * (x.back() - x.front());
  return mann_kendall_rising(y) < kLeastP && grown >= effect * level && grown >= floor &&
         share_growing(y) >= kGrowingShare;
}

bool find_growth(const Series& series, FoundTrend& found) {
  for (const size_t step : {1, 2, 4}) {
    const Points points = thinned(series, step);
    const size_t count = points.x.size();
    if (count < kFewPoints) return false;
    size_t from = count / 2;
    bool growing = false;
    if (count >= kManyPoints) {
      growing = grows_from(points, from, series.floor, kEffect);
      found.late = !growing;
      if (!growing) {  // since less than half of the run, but without pause
        from = count - count / 3;
        growing = count - from >= 10 && grows_from(points, from, series.floor, kEffectOfFew) &&
                  share_growing(std::span(points.y).subspan(from)) >= 0.9;
      }
    } else {
      from = 0;
      found.late = false;
      const size_t half = count / 2;
      const auto slope = [&](size_t begin, size_t end) {
        return (points.y[end] - points.y[begin]) / std::max(points.x[end] - points.x[begin], 1e-9);
      };
      growing = grows_from(points, 0, series.floor, kEffectOfFew) &&
                points.y[count - 1] - points.y[half] >= kEffectOfFew * points.y[count - 1] &&
                slope(half, count - 1) >= kLateToEarly * slope(0, half);
    }
    if (!growing) continue;
    // It may have begun earlier.
    const std::span<const double> y = points.y;
    const double tiny = (y[count - 1] - y[from]) / static_cast<double>(count - from) / 10;
    size_t since = from, pauses = 0;
    for (size_t i = from; i > 0 && pauses < 3; --i) {
      if (y[i] - y[i - 1] > tiny) {
        since = i - 1;
        pauses = 0;
      } else {
        ++pauses;
      }
    }
    found.points = count - since;
    found.since = points.slice[since];
    found.grown = y[count - 1] - y[since];
    found.straight = linearity(std::span(points.x).subspan(since), y.subspan(since));
    const size_t middle = since + (count - since) / 2;
    const auto rate = [&](size_t begin, size_t end) {
      return (y[end] - y[begin]) / std::max(points.x[end] - points.x[begin], 1e-9);
    };
    found.trend = rate(middle, count - 1) >= kAccelerates * std::max(rate(since, middle), 0.0) ? Trend::kAccelerating
                                                                                               : Trend::kLinear;
    return true;
  }
  return false;
}

// Where the end begins over which the series stays within a small share of its level and of its rise.
size_t flat_end(const Series& series) {
  const std::span<const double> y = series.lasting;
  const double lowest = *std::min_element(y.begin(), y.end());
  const double highest = *std::max_element(y.begin(), y.end());
  const double allowed = std::max(kFlatShare * highest, std::min(kFlatRise * (highest - lowest), kFlatRise * highest));
  double low = y.back(), high = y.back();
  size_t from = y.size() - 1;
  while (from > 0) {
    low = std::min(low, y[from - 1]);
    high = std::max(high, y[from - 1]);
    if (high - low > allowed) break;
    --from;
  }
  return from;
}

// How much more it rises in its late half than the curve does. A burst with a leak behind it bends like a curve that
// settles, too.
double rise_beyond(const Saturation& curve, const Series& series) {
  const size_t from = series.at.size() / 2;
  const std::span<const double> x = series.at.subspan(from), y = series.lasting.subspan(from);
  const double rise = theil_sen(x, y) * (x.back() - x.front());
  return rise - curve.height * (std::exp((series.at.front() - x.front()) / curve.tau) - curve.left);
}

// It goes up and down, and comes from nowhere and goes nowhere.
bool level_in_late_half(std::span<const double> at, std::span<const double> series) {
  const size_t from = at.size() / 2;
  const std::span<const double> x = at.subspan(from), y = series.subspan(from);
  if (y.size() < kFewPoints) return false;
  const double level = median({y.begin(), y.end()});
  return std::abs(theil_sen(x, y)) * (x.back() - x.front()) <= kLevelDrift * level &&
         *std::max_element(y.begin(), y.end()) <= kLevelPeaks * level;
}

}  // namespace

size_t count_drops(std::span<const double> series, double floor, bool level) {
  const double lowest = *std::min_element(series.begin(), series.end());
  const double highest = *std::max_element(series.begin(), series.end());
  const double amplitude = highest - lowest;
  if (amplitude < std::max(floor, kAmplitude * highest)) return 0;
  std::vector<double> troughs;
  double high = series.front(), low = series.front();
  bool falling = false;
  for (const double value : series) {
    if (!falling) {
      high = std::max(high, value);
      if (value <= high - kDropShare * amplitude) {
        falling = true;
        low = value;
      }
    } else {
      low = std::min(low, value);
      if (value >= low + kDropShare * amplitude) {
        troughs.push_back(low);
        falling = false;
        high = value;
      }
    }
  }
  if (falling) troughs.push_back(low);
  if (troughs.size() < kMinDrops) return 0;
  if (!level) return troughs.size();
  const auto [least, most] = std::minmax_element(troughs.begin(), troughs.end());
  return *most - *least <= kLevelTroughs * amplitude ? troughs.size() : 0;
}

FoundTrend find_trend(const Series& series) {
  FoundTrend found;
  if (series.at.empty()) {
    found.trend = Trend::kNone;
    return found;
  }
  const double most = *std::max_element(series.live.begin(), series.live.end());
  const double lasting = *std::max_element(series.lasting.begin(), series.lasting.end());
  if (most < series.floor) {
    found.trend = Trend::kNone;
    return found;
  }
  // In both: what is live at the end of a slice by chance does not last, and in a long slice little of a ring does.
  found.drops =
      std::min(count_drops(series.lasting, series.floor, true), count_drops(series.live, series.floor, false));
  if (lasting < kChurnShare * most || lasting < series.floor / 4) {
    found.trend = found.drops != 0 ? Trend::kSawtooth : Trend::kChurn;
    return found;
  }
  const size_t flat = flat_end(series);
  const double span = std::max(series.at.back() - series.at.front(), 1e-9);
  found.flat_from = series.at[flat];
  if (series.at.back() - series.at[flat] >= kFlatEnd * span) {
    // How long it took from a twentieth to most of its height.
    const double height = series.lasting.back();
    double begin = series.at[flat];
    for (size_t i = flat; i > 0 && series.lasting[i - 1] > height / 20; --i) begin = series.at[i - 1];
    const bool fell = series.lasting.back() < 0.9 * lasting;
    found.trend = found.drops != 0 && fell                                    ? Trend::kSawtooth
                  : series.at[flat] - begin <= kStepWidth * span && flat != 0 ? Trend::kStep
                                                                              : Trend::kFlat;
    return found;
  }
  if (found.drops != 0) {
    found.trend = Trend::kSawtooth;
    return found;
  }
  const Saturation curve = fit_saturation(series.at, series.lasting);
  if (curve.better >= kSettledBetter && curve.height > 0 && curve.left <= kSettledLeft &&
      curve.tau <= kSettledTau * span && rise_beyond(curve, series) <= kSettledRise * curve.height) {
    found.trend = Trend::kSettled;
    return found;
  }
  if (find_growth(series, found)) return found;
  if (level_in_late_half(series.at, series.lasting) || level_in_late_half(series.at, series.live)) {
    found.trend = Trend::kFlat;
    found.flat_from = series.at[series.at.size() / 2];
  }
  return found;
}

}  // namespace tidemark::classify
