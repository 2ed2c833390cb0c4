// The trend of live memory over a working life. Rules and constants: docs/verdicts.md.
#pragma once

#include <cstddef>
#include <span>

namespace tidemark::classify {

enum class Trend { kNone, kChurn, kStep, kFlat, kSettled, kSawtooth, kLinear, kAccelerating, kUnsettled };

constexpr const char* name(Trend trend) noexcept {
  switch (trend) {
    case Trend::kNone:
      return "none";
    case Trend::kChurn:
      return "churn";
    case Trend::kStep:
      return "step";
    case Trend::kFlat:
      return "flat";
    case Trend::kSettled:
      return "settled";
    case Trend::kSawtooth:
      return "sawtooth";
    case Trend::kLinear:
      return "linear";
    case Trend::kAccelerating:
      return "accelerating";
    case Trend::kUnsettled:
      break;
  }
  return "unsettled";
}

// At the ends of equally many slices.
struct Series {
  std::span<const double> at;       // where in the run, ascending, 0 to 1
  std::span<const double> live;     // bytes
  std::span<const double> lasting;  // bytes of blocks that were born at least a slice before
  double floor = 0;                 // bytes that are too few to speak of a trend
};

struct FoundTrend {
  Trend trend = Trend::kUnsettled;
  size_t points = 0;     // on which growth rests, of growing ones
  size_t since = 0;      // index of the slice from which on it grows, of growing ones
  double grown = 0;      // bytes since then, of growing ones
  bool late = false;     // it grows since less than half of the working life
  double straight = 0;   // share of the variance that a straight line explains, of growing ones
  size_t drops = 0;      // of a sawtooth
  double flat_from = 1;  // where in the run the flat end begins; 1: there is none
};

constexpr bool grows(Trend trend) noexcept { return trend == Trend::kLinear || trend == Trend::kAccelerating; }

FoundTrend find_trend(const Series& series);

// Falls of at least half the amplitude; 0 when there are fewer than two, or the amplitude is small. With `level`, also
// when what is left after them does not stay level: not of what is live at the ends of slices, which meet any moment of
// an episode.
size_t count_drops(std::span<const double> series, double floor, bool level);

}  // namespace tidemark::classify
