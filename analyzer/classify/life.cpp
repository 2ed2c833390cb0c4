#include "analyzer/classify/life.h"

#include <algorithm>

namespace tidemark::classify {
namespace {

constexpr double kStartupShare = 0.1;  // of time or of activity, whichever is reached later
// A slice releases when it frees that many times as many blocks as it allocates, or is the last one; and the release is
// final when it takes that share of what was live.
constexpr uint64_t kReleasing = 2;
constexpr double kReleasedShare = 0.3;
// An earlier fall of that share of the final one makes it one of the program's ordinary ups and downs.
constexpr double kOrdinaryFall = 0.6;
constexpr size_t kLongestRelease = 3;  // at most 1/3 of the slices

// Where the final release begins.
size_t find_release(const std::vector<replay::RunSlice>& slices) {
  const size_t count = slices.size();
  size_t begin = count;
  while (begin > 1 && count - begin < count / kLongestRelease) {
    const replay::RunSlice& one = slices[begin - 1];
    const bool falls = one.live_bytes <= slices[begin - 2].live_bytes;
    if (!falls || (begin != count && one.frees < kReleasing * one.allocations)) break;
    --begin;
  }
  if (begin == count) return count;
  const auto before = static_cast<double>(slices[begin - 1].live_bytes);
  const double fall = before - static_cast<double>(slices.back().live_bytes);
  if (fall < kReleasedShare * before) return count;
  double highest = 0;
  for (size_t i = 0; i < begin; ++i) {
    const auto live = static_cast<double>(slices[i].live_bytes);
    highest = std::max(highest, live);
    if (highest - live >= kOrdinaryFall * fall) return count;
  }
  return begin;
}

}  // namespace

Life find_life(const replay::Recording& recording) {
  Life life;
  const std::vector<replay::RunSlice>& slices = recording.generations.slices().all();
  life.slices = slices.size();
  if (slices.empty()) return life;
  life.end = find_release(slices);

  const uint64_t start = recording.header.start_ticks;
  const auto whole_time = static_cast<double>(std::max<uint64_t>(slices.back().end - start, 1));
  double whole_activity = 0;
  for (const replay::RunSlice& slice : slices) whole_activity += static_cast<double>(slice.allocations + slice.frees);
  double activity = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    activity += static_cast<double>(slices[i].allocations + slices[i].frees);
    const double time_share = static_cast<double>(slices[i].end - start) / whole_time;
    const double activity_share = activity / std::max(whole_activity, 1.0);
    life.at.push_back((time_share + activity_share) / 2);
    life.hours.push_back(recording.clock.seconds(slices[i].end) / 3600);
    if (std::min(time_share, activity_share) <= kStartupShare) life.startup = i + 1;
  }
  life.startup = std::min(life.startup, life.end);
  return life;
}

}  // namespace tidemark::classify
