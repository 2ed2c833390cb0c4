#include "analyzer/classify/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/classify/statistics.h"

namespace tidemark::classify {
namespace {

using model::VerdictClass;
using model::VerdictKind;

constexpr double kStartupShare = 0.8;     // of what is held, born in start-up
constexpr double kDrainedAge = 0.98;      // of all deaths happen at younger ages: what is older is old
constexpr double kLeastRetention = 0.95;  // of old blocks
constexpr double kLeastTails = 0.9;       // of the old generations, that keep some of their blocks
constexpr double kTailShare = 0.1;        // of the generations' median, that counts as some
constexpr size_t kTogether = 4;
constexpr size_t kFewestGenerations = 6;
constexpr double kOldToYoung = 0.4;  // what an old generation keeps, to what a young one does
constexpr double kTurnover = 0.2;    // of the level, freed and replaced in the late half
constexpr double kLateRise = 0.25;   // of a noisy level
constexpr double kDrained = 0.02;    // of the level, that is left of old generations
constexpr size_t kRounds = 10;
constexpr double kStraight = 0.9;
constexpr double kChurn = 0.2;          // frees to allocations, in a program that works in rounds
constexpr double kFlatOut = 2e6;        // allocations and frees a second: no pause between rounds
constexpr double kStoodLevel = 0.98;    // of the level
constexpr double kStoodStill = 0.15;    // of the time of the working life
constexpr double kLateShare = 1.0 / 3;  // of the run, in time or activity, that growth which began late must cover
constexpr double kNewSites = 0.05;      // of all sites, first used while it grew
constexpr uint64_t kFewNewSites = 10;   // no more: no evidence
constexpr double kWaiting = 0.5;        // of the samples while it grew, that a wait came before
constexpr uint64_t kLeastWaits = 5;     // such samples; the recorder itself waits now and then
constexpr double kWeakShare = 0.5;
constexpr double kHigh = 0.85, kMedium = 0.6, kLow = 0.3;

}  // namespace

// What the matrix shows over the working life.
struct Rules::Facts {
  size_t last = 0;              // slice at whose end it is judged
  double level = 0;             // bytes live then
  double startup_share = 0;     // of these, born in start-up
  double first_half_share = 0;  // of these, born in start-up and the first half of the working life
  double turnover = 0;          // bytes of blocks older than a slice, freed and replaced in the late half, to the level
  double tails = 0;             // share of the old generations of the growth that keep some of their blocks
  double old_to_young = 0;      // bytes kept by the older third of the growth's generations, to those of the younger
  size_t old_age = 0;           // slices, beyond which blocks are old
  double retention = 0;         // of old blocks
  size_t since = 0;             // slice from which on it grows
  bool began_later = false;     // than its trend says
  size_t generations = 0;       // that were looked at for tails
  uint64_t marks = 0;           // while it grew
  double churn = 0;             // of the process: frees to allocations
  double events_per_s = 0;      // of the process while it grew: allocations and frees
  uint64_t all_samples = 0;     // of the process, that tell whether it waited
  uint64_t samples = 0;         // of these, while it grew
  uint64_t waits = 0;           // of these, with a wait of the program before
  double new_sites = 0;         // share of all sites that were first used while it grew
};

Rules::Rules(const replay::Recording& recording, const Life& life) : recording_(recording), life_(life) {}

std::string Rules::when(size_t slice) const { return format_seconds(life_.hours[slice] * 3600); }

Rules::Facts Rules::find_facts(const Evidence& evidence) const {
  Facts facts;
  const History& history = evidence.history;
  if (life_.end == 0) return facts;
  facts.last = life_.end - 1;
  const size_t last = facts.last;
  double startup = 0, first_half = 0;
  const size_t middle = life_.startup + (life_.end - life_.startup) / 2;
  for (size_t born = 0; born <= last; ++born) {
    facts.level += history.bytes(born, last);
    if (born < life_.startup) startup += history.bytes(born, last);
    if (born < middle) first_half += history.bytes(born, last);
  }
  facts.startup_share = facts.level > 0 ? startup / facts.level : 0;
  facts.first_half_share = facts.level > 0 ? first_half / facts.level : 0;
  double freed = 0, born_late = 0;
  for (size_t born = 0; born + 1 < last; ++born) {
    for (size_t at = std::max(born + 2, middle); at <= last; ++at)
      freed += std::max(0.0, history.bytes(born, at - 1) - history.bytes(born, at));
    if (born >= middle) born_late += history.bytes(born, born);
  }
  facts.turnover = facts.level > 0 ? std::min(freed, born_late) / facts.level : 0;

  // The age that few blocks reach that are freed at all.
  std::vector<double> deaths(life_.end);
  double all_deaths = 0;
  for (size_t born = 0; born <= last; ++born) {
    for (size_t at = born + 1; at <= last; ++at) {
      const double died = std::max(0.0, history.blocks(born, at - 1) - history.blocks(born, at));
      deaths[at - born] += died;
      all_deaths += died;
    }
  }
  size_t old = 1;
  double younger = 0;
  while (old < life_.end && younger < kDrainedAge * all_deaths) younger += deaths[old++];
  old = std::clamp<size_t>(old, 2, std::max<size_t>(2, life_.end / 3));
  double old_blocks = 0, old_freed = 0;
  for (size_t born = life_.startup; born + old <= last; ++born) {
    old_blocks += history.blocks(born, born + old);
    old_freed += std::max(0.0, history.blocks(born, born + old) - history.blocks(born, last));
  }
  facts.old_age = old;
  // Blocks that a realloc moved from site to site may leave fewer than none.
  facts.retention = 1 - (old_freed + 1) / (std::max(old_blocks, old_freed) + 2);
  return facts;
}

// Before the final release: it was built, then used for a while, and then given back.
bool Rules::stood_still(std::span<const double> live) const {
  const size_t first = life_.end - live.size();
  size_t from = live.size() - 1;
  while (from > 0 && live[from - 1] >= kStoodLevel * live.back()) --from;
  const double stood = life_.hours[life_.end - 1] - life_.hours[first + from];
  return stood >= kStoodStill * (life_.hours[life_.end - 1] - life_.hours[first]);
}

void Rules::add_growth(const Evidence& evidence, Judgement& judgement) const {
  const size_t first = std::min(life_.startup, life_.end);
  const std::vector<double> lasting = evidence.history.lasting_bytes();
  const std::vector<double> live = evidence.history.live_bytes();
  const auto working = [&](const std::vector<double>& series) {
    return std::span(series).subspan(first, life_.end - first);
  };
  judgement.trend = find_trend({working(life_.at), working(live), working(lasting), evidence.floor});
  if (life_.released && grows(judgement.trend.trend) && stood_still(working(live)))
    judgement.trend.trend = Trend::kFlat;
  judgement.growth.trend = name(judgement.trend.trend);
  if (!grows(judgement.trend.trend)) return;
  const size_t since = first + judgement.trend.since;
  const std::span<const double> hours = std::span(life_.hours).subspan(since, life_.end - since);
  judgement.growth.bytes_per_hour = theil_sen(hours, std::span(lasting).subspan(since, life_.end - since));
  uint64_t marks = 0;
  for (size_t i = since + 1; i < life_.end; ++i) marks += recording_.generations.slices()[i].marks;
  if (marks >= 3) judgement.growth.bytes_per_mark = judgement.trend.grown / static_cast<double>(marks);
}

Judgement Rules::describe(const Evidence& evidence) const {
  Judgement judgement;
  if (life_.end != 0) add_growth(evidence, judgement);
  return judgement;
}

Judgement Rules::judge(const Evidence& evidence) const {
  Judgement judgement;
  if (life_.end == 0) {
    judgement.summary = "The run was too short to see how it went on.";
    return judgement;
  }
  add_growth(evidence, judgement);
  Facts facts = find_facts(evidence);
  // Whatever its trend looks like: what drains does not grow.
  const bool drains = facts.turnover >= 1 && facts.first_half_share <= kDrained;
  if (grows(judgement.trend.trend) && drains) {
    judgement.trend.trend = Trend::kUnsettled;
    judgement.growth = {name(Trend::kUnsettled), {}, {}};
  }
  if (grows(judgement.trend.trend)) {
    add_growth_facts(evidence.history, judgement.trend, facts);
    judge_growing(evidence, facts, judgement);
  } else {
    judge_held(evidence, facts, judgement);
  }
  if (evidence.weak_bytes > kWeakShare * static_cast<double>(evidence.held.bytes) && evidence.held.bytes != 0) {
    judgement.confidence = std::min(judgement.confidence, kLow);
    judgement.evidence.push_back("held only by tagged pointers, pointers to their ends, or memory of unknown origin");
  }
  return judgement;
}

// What its generations keep, and what the process did while it grew.
void Rules::add_growth_facts(const History& history, const FoundTrend& trend, Facts& facts) const {
  size_t& since = facts.since;
  since = life_.startup + trend.since;
  const size_t last = facts.last;

  // What the generations of the growth keep, but for the youngest, which may drain yet. Rounds may be longer than
  // slices, and a generation without births is no evidence, so neighbours are taken together.
  std::vector<double> kept;
  for (size_t born = since + 1; born + 2 <= last; ++born) kept.push_back(history.bytes(born, last));
  double mean = 0;
  for (const double value : kept) mean += value / static_cast<double>(kept.size());
  const double some = kTailShare * kTogether * std::max(median(kept), mean / 2);
  std::vector<double> groups;
  for (size_t i = 0; i + kTogether <= kept.size(); i += kTogether)
    groups.push_back(std::accumulate(&kept[i], &kept[i] + kTogether, 0.0));
  // Noise may make it look as if it had begun earlier than it did.
  size_t early = 0;
  while (early < groups.size() && groups[early] < some) ++early;
  since += early * kTogether;
  facts.began_later = early != 0;
  groups.erase(groups.begin(), groups.begin() + static_cast<ptrdiff_t>(early));
  kept.erase(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(early * kTogether));
  facts.generations = kept.size();
  const auto keeping = std::count_if(groups.begin(), groups.end(), [some](double group) { return group >= some; });
  facts.tails = groups.empty() ? 0 : static_cast<double>(keeping) / static_cast<double>(groups.size());
  // Of those that are old enough for their short-lived blocks to be gone; by bytes, and by what outlived its slice.
  const size_t settled = kept.size() > facts.old_age + kFewestGenerations ? kept.size() - facts.old_age : kept.size();
  const size_t third = settled / 3;
  double old = 0, young = 0, old_born = 0, young_born = 0;
  for (size_t i = 0; i < third; ++i) {
    const size_t late = settled - 1 - i;
    old += kept[i];
    young += kept[late];
    old_born += history.bytes(since + 1 + i, since + 1 + i);
    young_born += history.bytes(since + 1 + late, since + 1 + late);
  }
  const double by_births = old_born > 0 && young > 0 ? (old / old_born) / (young / young_born) : 0;
  facts.old_to_young = young > 0 ? std::max(old / young, by_births) : 1;

  const auto& slices = recording_.generations.slices();
  uint64_t new_sites = 0, all_sites = 0, allocations = 0, frees = 0, events = 0;
  for (size_t i = 0; i < life_.end; ++i) {
    all_sites += slices[i].new_sites;
    allocations += slices[i].allocations;
    frees += slices[i].frees;
    facts.all_samples += slices[i].samples;
    if (i <= since) continue;
    new_sites += slices[i].new_sites;
    facts.marks += slices[i].marks;
    events += slices[i].allocations + slices[i].frees;
    facts.samples += slices[i].samples;
    facts.waits += slices[i].waits;
  }
  facts.events_per_s = static_cast<double>(events) / std::max((life_.hours[last] - life_.hours[since]) * 3600, 1e-6);
  facts.churn = allocations == 0 ? 0 : static_cast<double>(frees) / static_cast<double>(allocations);
  facts.new_sites = new_sites <= kFewNewSites ? 0 : static_cast<double>(new_sites) / static_cast<double>(all_sites);
}

void Rules::judge_growing(const Evidence& evidence, const Facts& facts, Judgement& judgement) const {
  const size_t since = facts.since, last = facts.last;
  const std::string rate =
      judgement.growth.bytes_per_mark
          ? fmt::format("{} per mark", format_bytes(whole_number(*judgement.growth.bytes_per_mark)))
          : fmt::format("{} an hour", format_bytes(whole_number(judgement.growth.bytes_per_hour.value_or(0))));
  const std::string grown = format_bytes(whole_number(judgement.trend.grown));
  std::vector<std::string>& text = judgement.evidence;
  text.push_back(fmt::format("grew by {} from {} to {}, {} ({:.0f}% of it a straight line)", grown, when(since),
                             when(last), rate, judgement.trend.straight * 100));

  if (evidence.bound_bytes) {
    judgement.verdict_class = VerdictClass::kRetainedByDesign;
    judgement.kind = VerdictKind::kBoundedCache;
    const bool within = evidence.held.bytes <= *evidence.bound_bytes;
    judgement.confidence = within ? kMedium : kLow;
    judgement.summary = within
                            ? fmt::format("Still fills up, {}, and is declared to be bounded at {}.", rate,
                                          format_bytes(*evidence.bound_bytes))
                            : fmt::format("Is declared to be bounded at {}, and has passed that: {}, growing {}.",
                                          format_bytes(*evidence.bound_bytes), format_bytes(evidence.held.bytes), rate);
    if (!within) {
      judgement.verdict_class = VerdictClass::kTrueLeak;
      judgement.kind = VerdictKind::kUnboundedRetention;
      judgement.confidence = kHigh;
    }
    return;
  }

  const bool all_keep = facts.tails >= kLeastTails && facts.old_to_young >= kOldToYoung;
  if (!all_keep || facts.retention < kLeastRetention) {
    judgement.verdict_class = VerdictClass::kUndecided;
    judgement.summary = fmt::format(
        "Grows {} to the end, but old blocks are freed too: it may be a cache that still fills, or a leak beside one.",
        rate);
    text.push_back(fmt::format("of its old blocks {:.0f}% stayed, and {:.0f}% of the generations keep some of theirs",
                               facts.retention * 100, facts.tails * 100));
    text.push_back("a longer run would settle it");
    return;
  }
  text.push_back(fmt::format("every generation survives: what was born in each of {} slices of the run still lives",
                             facts.generations));
  const double grew_time = (life_.hours[last] - life_.hours[since]) / std::max(life_.hours[last], 1e-12);
  const double grew_both = 2 * (life_.at[last] - life_.at[since]) / std::max(life_.at[last], 1e-9);
  const double grew_share = std::max(grew_time, grew_both - grew_time);  // of time, or of activity
  if ((judgement.trend.late || facts.began_later) && grew_share < kLateShare) {
    judgement.verdict_class = VerdictClass::kUndecided;
    judgement.summary =
        fmt::format("Grows {}, but only since {}: too short a time to tell whether it stops.", rate, when(since));
    text.push_back("a longer run would settle it");
    return;
  }
  const bool rounds = facts.marks >= kRounds && judgement.trend.straight >= kStraight;
  const bool steady = facts.new_sites <= kNewSites;
  if (!rounds && facts.churn < kChurn && facts.events_per_s > kFlatOut) {
    judgement.verdict_class = VerdictClass::kUndecided;
    judgement.summary =
        fmt::format("Grows {} to the end, and the program does little else: it may be building something.", rate);
    text.push_back(
        fmt::format("it allocated without a pause and freed only {:.0f}% as many blocks: no rounds of work "
                    "that come and go",
                    facts.churn * 100));
    return;
  }
  if (!rounds && !steady) {
    judgement.verdict_class = VerdictClass::kUndecided;
    judgement.summary = fmt::format(
        "Grows {} to the end and is not freed, while the program does ever new things: it may simply not be done.",
        rate);
    text.push_back(
        fmt::format("{:.0f}% of all allocation stacks were new while it grew: no rounds that return to the "
                    "same state",
                    facts.new_sites * 100));
    text.push_back("more rounds of the same work, or marks after each of them, would settle it");
    return;
  }
  // A program that takes what comes, piece by piece, waits for it in between. One that never waits does a single job:
  // what it builds may be all that the job needs, and the job ends.
  const bool one_job = facts.all_samples != 0 &&
                       static_cast<double>(facts.waits) <
                           std::max(static_cast<double>(kLeastWaits), kWaiting * static_cast<double>(facts.samples));
  if (!rounds && one_job) {
    judgement.verdict_class = VerdictClass::kUndecided;
    judgement.summary = fmt::format(
        "Grows {} to the end and is not freed, in a program that works without a pause: it may be what a single job "
        "builds up.",
        rate);
    text.push_back(facts.waits == 0 ? std::string("the program waited for nothing while it grew")
                                    : fmt::format("the program hardly waited while it grew: before {} of {}",
                                                  format_count(facts.waits), plural(facts.samples, "sample")));
    text.push_back("marks after each round of the same work would settle it");
    return;
  }
  judgement.verdict_class = VerdictClass::kTrueLeak;
  judgement.kind = VerdictKind::kUnboundedRetention;
  judgement.confidence = rounds ? kHigh : kMedium;
  if (!evidence.graph) judgement.confidence = std::min(judgement.confidence, rounds ? 0.75 : 0.55);
  if (rounds) {
    text.push_back(fmt::format("{} while it grew, and it returned to the same state at none of them",
                               plural(facts.marks, "mark")));
  } else {
    text.push_back("the program did the same work all the while: hardly a new allocation stack");
  }
  judgement.summary = fmt::format("Grows {} to the end, and nothing of it is ever freed. No bound was seen up to {}.",
                                  rate, format_bytes(evidence.held.bytes));
}

// Over the late half of the working life.
bool Rules::rises_late(const History& history) const {
  const std::vector<double> live = history.live_bytes();
  const size_t from = life_.startup + (life_.end - life_.startup) / 2;
  const std::span<const double> y = std::span(live).subspan(from, life_.end - from);
  const std::span<const double> x = std::span(life_.at).subspan(from, life_.end - from);
  if (y.size() < 4) return true;
  const double rise = theil_sen(x, y) * (x.back() - x.front());
  return rise > kLateRise * median({y.begin(), y.end()}) && mann_kendall_rising(y) < 0.05;
}

void Rules::judge_held(const Evidence& evidence, const Facts& facts, Judgement& judgement) const {
  const std::string level = format_bytes(evidence.held.bytes);
  const auto retained = [&](VerdictKind kind, double confidence, std::string summary) {
    judgement.verdict_class = VerdictClass::kRetainedByDesign;
    judgement.kind = kind;
    judgement.confidence = confidence;
    judgement.summary = std::move(summary);
  };
  const FoundTrend& trend = judgement.trend;
  const size_t working = life_.end - std::min(life_.startup, life_.end);
  const double sure = working >= 12 ? kHigh : working >= 6 ? kMedium : kLow;
  const bool started = facts.startup_share >= kStartupShare;
  switch (trend.trend) {
    case Trend::kSawtooth:
      retained(VerdictKind::kEpisodic, std::min(sure, 0.8),
               fmt::format("Rises and falls: {} falls, and after each of them the level is the same.", trend.drops));
      return;
    case Trend::kNone:
    case Trend::kChurn:
      if (started && evidence.held.bytes != 0) break;
      judgement.verdict_class = VerdictClass::kNoGrowth;
      judgement.kind = trend.trend == Trend::kChurn ? VerdictKind::kChurn : VerdictKind::kFlat;
      judgement.confidence = std::min(sure, kMedium);
      judgement.summary = trend.trend == Trend::kChurn ? "Comes and goes: none of it lives for long."
                                                       : "Too little to matter, and it does not grow.";
      return;
    case Trend::kUnsettled: {
      if (started && facts.turnover < kTurnover) break;
      if (facts.turnover >= 1 && facts.first_half_share <= kDrained && !rises_late(evidence.history)) {
        retained(VerdictKind::kBoundedCache, std::min(sure, kMedium),
                 fmt::format("As new blocks come, old ones are freed: the level goes up and down around {}.", level));
        judgement.evidence.push_back("all of it was replaced in the second half of the run");
        return;
      }
      judgement.verdict_class = VerdictClass::kUndecided;
      judgement.summary = "Neither settles nor grows steadily; a longer run would settle it.";
      judgement.confidence = 0;
      return;
    }
    case Trend::kStep:
    case Trend::kFlat:
    case Trend::kSettled:
    case Trend::kLinear:
    case Trend::kAccelerating:
      break;
  }
  if (started) {
    retained(VerdictKind::kStartup, sure,
             fmt::format("Allocated while the program started (before {}), and held since: {}.",
                         when(life_.startup == 0 ? 0 : life_.startup - 1), level));
    return;
  }
  if (facts.turnover >= kTurnover) {
    retained(VerdictKind::kBoundedCache, sure,
             fmt::format("As new blocks come, old ones are freed: the level stays at {}.", level));
    judgement.evidence.push_back(fmt::format("{:.0f}% of its bytes were replaced in the second half of the run",
                                             std::min(facts.turnover, 99.0) * 100));
    return;
  }
  retained(VerdictKind::kWorkingSet, sure,
           trend.trend == Trend::kSettled
               ? fmt::format("Grew and settled at {}; what is left of the growth is small.", level)
               : fmt::format("Allocated, then held: {}, and it does not grow any more.", level));
}

std::vector<model::GenerationSlice> Rules::generations(const History& history) const {
  std::vector<model::GenerationSlice> slices;
  if (life_.end == 0) return slices;
  const std::vector<double> bytes = history.live_bytes(), blocks = history.live_blocks();
  bool any = false;
  for (size_t i = 0; i < life_.slices; ++i) {
    model::GenerationSlice& slice = slices.emplace_back();
    slice.to_s = life_.hours[i] * 3600;
    slice.live_bytes = whole_number(bytes[i]);
    slice.live_blocks = whole_number(blocks[i]);
    slice.born_bytes = whole_number(history.bytes(i, i));
    slice.born_blocks = whole_number(history.blocks(i, i));
    const size_t last = std::max(i, life_.end - 1);
    slice.surviving_bytes = whole_number(history.bytes(i, last));
    slice.surviving_blocks = whole_number(history.blocks(i, last));
    any |= slice.live_blocks != 0;
  }
  if (!any) slices.clear();
  return slices;
}

}  // namespace tidemark::classify
