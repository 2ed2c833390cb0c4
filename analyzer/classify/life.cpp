#include "analyzer/classify/life.h"

#include <algorithm>
#include <cmath>

namespace tidemark::classify {
namespace {

constexpr double kStartupShare = 0.15;  // of the activity
constexpr double kWorking = 0.8;
constexpr double kStandstill = 0.02;  // of the run's activity
// A slice releases when it frees that many times as many blocks as it allocates; and the release is final when it takes
// that share of what was live.
constexpr uint64_t kReleasing = 2;
constexpr double kReleasedShare = 0.3;
// What is live may rise by that share of its peak in a slice, and still be on its way down.
constexpr double kLevel = 0.01;
// An earlier fall of that share of the final one makes it one of the program's ordinary ups and downs.
constexpr double kOrdinaryFall = 0.6;
constexpr double kLongestRelease = 0.67;  // of the slices
constexpr size_t kLongestCoda = 2;        // slices behind the release in which hardly anything happens

double live_of(const replay::RunSlice& slice) { return static_cast<double>(slice.live_bytes); }

// Where the final release begins.
size_t find_release(const std::vector<replay::RunSlice>& slices) {
  const size_t count = slices.size();
  if (count < 2) return count;
  double most = 0;
  for (const replay::RunSlice& slice : slices) most = std::max(most, live_of(slice));
  const auto change = [&](size_t i) { return live_of(slices[i]) - live_of(slices[i - 1]); };
  size_t begin = count;
  while (begin > 1 && count - begin < kLongestCoda && std::abs(change(begin - 1)) <= kLevel * most) --begin;
  while (begin > 1 &&
         static_cast<double>(count - begin) < std::max(kLongestRelease * static_cast<double>(count), 2.0)) {
    const replay::RunSlice& one = slices[begin - 1];
    if (change(begin - 1) > kLevel * most) break;
    // The release began within a slice of ordinary work.
    const bool mixed = one.frees < kReleasing * one.allocations;
    if (mixed && change(begin - 1) >= -kLevel * most) break;
    --begin;
    if (mixed) break;
  }
  const double before = live_of(slices[begin - 1]);
  const double fall = before - live_of(slices.back());
  if (begin == count || fall < kReleasedShare * std::max(before, kReleasedShare * most)) return count;
  double highest = 0;
  for (size_t i = 0; i < begin; ++i) {
    highest = std::max(highest, live_of(slices[i]));
    if (highest - live_of(slices[i]) >= kOrdinaryFall * fall) return count;
  }
  return begin;
}

// A program that meets a memory limit stands still for a while, as the kernel looks for pages, before it is killed.
// That is no sign that it had stopped growing.
size_t find_standstill(const replay::Recording& recording) {
  const std::vector<replay::RunSlice>& slices = recording.generations.slices().all();
  const auto end = static_cast<trace::EndKind>(recording.header.end_kind);
  if (recording.life_end_seen || (end != trace::EndKind::kNone && end != trace::EndKind::kSignaled))
    return slices.size();
  uint64_t all = 0, tail = 0;
  for (const replay::RunSlice& slice : slices) all += slice.allocations + slice.frees;
  size_t begin = slices.size();
  while (begin > std::max<size_t>(slices.size() / 2, 1)) {
    tail += slices[begin - 1].allocations + slices[begin - 1].frees;
    if (static_cast<double>(tail) > kStandstill * static_cast<double>(all)) break;
    --begin;
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
  life.released = life.end < life.slices;
  if (!life.released) life.end = find_standstill(recording);

  const uint64_t start = recording.header.start_ticks;
  const auto whole_time = static_cast<double>(std::max<uint64_t>(slices[life.end - 1].end - start, 1));
  double whole_activity = 0;
  for (const replay::RunSlice& slice : slices) whole_activity += static_cast<double>(slice.allocations + slice.frees);
  double activity = 0;
  bool working = false;  // the program's repeated work has begun: it frees about as much as it allocates
  for (size_t i = 0; i < slices.size(); ++i) {
    activity += static_cast<double>(slices[i].allocations + slices[i].frees);
    const double time_share = static_cast<double>(slices[i].end - start) / whole_time;
    const double activity_share = activity / std::max(whole_activity, 1.0);
    life.at.push_back((time_share + activity_share) / 2);
    life.hours.push_back(recording.clock.seconds(slices[i].end) / 3600);
    working |= i != 0 && static_cast<double>(slices[i].frees) > kWorking * static_cast<double>(slices[i].allocations);
    if (!working && activity_share <= kStartupShare + 1e-9) life.startup = i + 1;
  }
  life.startup = std::clamp<size_t>(life.startup, 1, life.end);
  return life;
}

}  // namespace tidemark::classify
