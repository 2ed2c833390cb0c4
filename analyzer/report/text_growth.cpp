#include "analyzer/report/text_growth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "analyzer/base/units.h"

namespace tidemark::report {
namespace {

constexpr double kHour = 3600, kDay = 24 * kHour;
constexpr double kShortRun = 600;   // seconds: nobody thinks of a shorter run in hours
constexpr uint64_t kNearLimit = 8;  // 1/8 of a limit left

uint64_t whole(double bytes) { return bytes > 0 && bytes < 9e18 ? static_cast<uint64_t>(std::llround(bytes)) : 0; }

const char* trend_words(std::string_view trend) {
  static constexpr struct {
    std::string_view trend;
    const char* words;
  } kWords[] = {
      {"none", "hardly grows"},
      {"churn", "comes and goes"},
      {"step", "grew in one or two steps, then stayed"},
      {"flat", "stays as it is"},
      {"settled", "has settled"},
      {"sawtooth", "falls back again and again"},
      {"linear", "grows steadily"},
      {"accelerating", "grows ever faster"},
      {"unsettled", "has no clear trend"},
  };
  const auto* const found =
      std::find_if(std::begin(kWords), std::end(kWords), [&](const auto& one) { return one.trend == trend; });
  return found == std::end(kWords) ? "has a trend that this version does not know" : found->words;
}

const char* limit_name(const model::Limit& limit) {
  if (limit.kind == "cgroup") return "the cgroup's limit";
  return limit.kind == "data" ? "the limit on data (ulimit -d)" : "the limit on address space (ulimit -v)";
}

std::string in_words(double seconds) {
  if (seconds < 2 * kDay) return format_seconds(seconds);
  if (seconds < 730 * kDay) return fmt::format("{:.0f} days", seconds / kDay);
  return "more than 2 years";
}

// Whether something ended the process that a limit can have sent.
bool died(const model::End& end) {
  return end.kind == model::End::Kind::kKilled || end.kind == model::End::Kind::kSignaled;
}

}  // namespace

std::string rate(double bytes_per_hour, double observed_s) {
  const std::string hourly = format_bytes(whole(bytes_per_hour)) + " an hour";
  if (observed_s >= kShortRun) return hourly;
  return fmt::format("{} a second ({})", format_bytes(whole(bytes_per_hour / kHour)), hourly);
}

std::string growth_phrase(const model::Growth& growth, double observed_s) {
  if (!growth.trend) return {};
  std::string text = trend_words(*growth.trend);
  if (growth.bytes_per_hour && *growth.bytes_per_hour > 0) text += ", " + rate(*growth.bytes_per_hour, observed_s);
  if (growth.bytes_per_mark && *growth.bytes_per_mark > 0) {
    text += fmt::format(", {} per mark", format_bytes(whole(*growth.bytes_per_mark)));
  }
  return text;
}

std::string limit_sentence(const model::Report& report) {
  if (died(report.process.end)) {
    for (const model::Limit& limit : report.limits) {
      if (!limit.left_bytes || *limit.left_bytes > limit.bytes / kNearLimit) continue;
      return fmt::format("It was killed with {} left of {} of {}.", format_bytes(*limit.left_bytes), limit_name(limit),
                         format_bytes(limit.bytes));
    }
    return {};
  }
  const model::Limit* first = nullptr;
  for (const model::Limit& limit : report.limits) {
    if (!limit.reached_in_s) continue;
    if (first == nullptr || *limit.reached_in_s < *first->reached_in_s) first = &limit;
  }
  if (first == nullptr || !report.growth.bytes_per_hour) return {};
  const std::string speed = rate(*report.growth.bytes_per_hour, report.process.duration_s);
  if (*first->reached_in_s <= 0)
    return fmt::format("It has used up {}, {}.", limit_name(*first), format_bytes(first->bytes));
  return fmt::format("At {} {} of {} is reached in {}.", speed, limit_name(*first), format_bytes(first->bytes),
                     in_words(*first->reached_in_s));
}

std::string chart(const std::vector<uint64_t>& columns, uint64_t highest) {
  static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string text;
  for (const uint64_t value : columns) {
    if (value == 0) {
      text += ' ';
    } else {
      const double share = static_cast<double>(value) / static_cast<double>(highest);
      text += kBars[std::min<size_t>(7, static_cast<size_t>(share * 8))];
    }
  }
  return text;
}

}  // namespace tidemark::report
