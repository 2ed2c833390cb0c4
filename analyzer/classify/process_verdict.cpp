#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "analyzer/base/short_names.h"
#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/classify/classify.h"
#include "analyzer/classify/trend.h"

namespace tidemark::classify {
namespace {

using model::Finding;
using model::VerdictClass;
using model::VerdictKind;

// What a leak must reach to be the verdict on the process.
constexpr uint64_t kLeastLeakBytes = 64 << 10;
constexpr uint64_t kLeastLeakShareOfPeak = 100;  // 1/100
constexpr double kLeastLeakConfidence = 0.5;
constexpr double kLeastGrowth = 64 << 10;    // bytes
constexpr double kLeastEpisode = 1 << 20;    // bytes
constexpr double kEpisodeShare = 0.3;        // of the peak, that an episode takes
constexpr double kLeastStartup = 128 << 10;  // bytes
constexpr double kStartupShare = 0.1;        // of the peak
constexpr double kRecurringPeak = 0.7;
constexpr double kFell = 0.5;  // of the rise
constexpr double kFlow = 20;   // bytes that came and went, to the peak: churn
constexpr double kUnproved = 0.6;
constexpr size_t kFewMarks = 12;
constexpr double kLeastRunnerUp = 256 << 10;  // bytes
constexpr double kRunnerUp = 0.3;             // of what decided
constexpr size_t kMaxNameBytes = 100;

class Judge {
 public:
  Judge(const replay::Recording& recording, const model::Memory& memory, const Findings& findings,
        const std::function<std::string(uint32_t site)>& allocated_in)
      : recording_(recording), memory_(memory), findings_(findings), allocated_in_(allocated_in) {}

  model::Verdict judge() {
    if (memory_.total_allocations == 0) {
      verdict_.headline = "no allocation was recorded";
      return verdict_;
    }
    gather();
    if (!is_leak() && !is_episodic() && !is_allocator() && !is_retained() && !is_released()) is_quiet();
    return verdict_;
  }

 private:
  void gather() {
    for (const Found& found : findings_.found) {
      const Finding& finding = found.finding;
      if (finding.folded_sites != 0 || finding.verdict_class == VerdictClass::kAllocatorCaching) continue;
      const auto bytes = static_cast<double>(finding.bytes);
      if (finding.kind == VerdictKind::kStartup) {
        startup_ += bytes;
      } else if (finding.verdict_class != VerdictClass::kNoGrowth) {
        held_ += bytes;
        held_by_[{finding.verdict_class, finding.kind}] += bytes;
        if (finding.verdict_class == VerdictClass::kUndecided) undecided_ += bytes;
      }
    }
    const auto& slices = recording_.generations.slices();
    for (size_t i = 0; i < findings_.life.end; ++i) {
      live_.push_back(static_cast<double>(slices[i].live_bytes));
      most_ = std::max(most_, live_.back());
    }
    level_ = live_.empty() ? static_cast<double>(memory_.live_bytes_at_end) : live_.back();
    if (live_.empty()) most_ = level_;
  }

  // The largest leak that is sure enough and large enough decides; findings are in that order.
  bool is_leak() {
    const uint64_t enough = std::max(kLeastLeakBytes, memory_.peak_live_bytes / kLeastLeakShareOfPeak);
    const auto leak = std::find_if(findings_.found.begin(), findings_.found.end(), [&](const Found& found) {
      return found.finding.verdict_class == VerdictClass::kTrueLeak &&
             found.finding.confidence >= kLeastLeakConfidence && found.finding.bytes >= enough;
    });
    if (leak == findings_.found.end()) return false;
    const Finding& finding = leak->finding;
    decide(finding.verdict_class, finding.kind, finding.confidence);
    std::string text;
    if (finding.kind == VerdictKind::kUnboundedRetention) {
      text = fmt::format("{} in {} kept, and ever more{}", format_bytes(finding.bytes), plural(finding.blocks, "block"),
                         rate(finding));
    } else {
      text = fmt::format("{} in {} lost: ", format_bytes(finding.bytes), plural(finding.blocks, "block"));
      text += finding.kind == VerdictKind::kUnreachable ? std::string("nothing leads to them any more")
              : finding.copies == 1                     ? std::string("a cycle keeps itself alive")
                                    : fmt::format("{} cycles keep themselves alive", format_count(finding.copies));
      text += rate(finding);
    }
    finish(text + allocated_in(finding) + since(finding), static_cast<double>(finding.bytes));
    return true;
  }

  bool is_allocator() {
    const Finding* const finding = find_largest(VerdictClass::kAllocatorCaching);
    if (finding == nullptr || static_cast<double>(finding->bytes) < held_ || peaks_recur()) return false;
    const bool fragmented = finding->kind == VerdictKind::kFragmentation;
    decide(finding->verdict_class, finding->kind, finding->confidence);
    finish(fmt::format("the allocator holds {} of {} resident that {}, with {} live", format_bytes(finding->bytes),
                       format_bytes(memory_.ledger->rss_bytes),
                       fragmented ? "few small blocks pin" : "no live block needs",
                       format_bytes(memory_.live_bytes_at_end)),
           static_cast<double>(finding->bytes));
    return true;
  }

  // What is live for moments only comes back again and again: the free pages are in use then.
  bool peaks_recur() const {
    const auto& slices = recording_.generations.slices();
    const size_t end = findings_.life.end;
    size_t peaks = 0;
    for (size_t i = end - end / 3; i < end; ++i) {
      const auto most = static_cast<double>(slices[i].most_live_bytes);
      if (most >= kRecurringPeak * static_cast<double>(memory_.peak_live_bytes) && most > 2 * level_) ++peaks;
    }
    return peaks >= 2;
  }

  bool is_episodic() {
    const Life& life = findings_.life;
    if (life.end <= life.startup) return false;
    const auto drops_of = [&](const std::vector<double>& series, bool level) {
      return count_drops(std::span(series).subspan(life.startup, life.end - life.startup),
                         std::max(kLeastEpisode, kEpisodeShare * most_), level);
    };
    const size_t drops = std::min(drops_of(findings_.lasting_bytes, true), drops_of(live_, false));
    if (drops == 0) return false;
    decide(VerdictClass::kRetainedByDesign, VerdictKind::kEpisodic, life.end - life.startup >= 12 ? 0.8 : 0.6);
    finish(fmt::format("{} rises and falls, {} times, and returns to the same level: {} now, {} at most",
                       "what is live", drops, size_text(level_), size_text(most_)) +
               largest_in(verdict_.kind),
           most_);
    return true;
  }

  bool is_retained() {
    if (held_ < kLeastGrowth || held_ < kFell * (most_ - startup_)) return false;
    const auto largest = std::max_element(held_by_.begin(), held_by_.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    if (largest->second < startup_) return false;
    const auto [verdict_class, kind] = largest->first;
    const Finding* const finding = find_largest(verdict_class, kind);
    if (verdict_class == VerdictClass::kTrueLeak) {  // neither sure nor large enough
      decide(VerdictClass::kUndecided, VerdictKind::kNone, 0);
    } else {
      decide(verdict_class, kind, finding->confidence);
    }
    std::string text = size_text(largest->second);
    switch (kind) {
      case VerdictKind::kWorkingSet:
        text += " held on purpose, a working set that does not grow any more";
        break;
      case VerdictKind::kBoundedCache:
        text += finding->bound_bytes ? fmt::format(" of a cache that is declared to be bounded at {}",
                                                   format_bytes(*finding->bound_bytes))
                                     : std::string(" held at a steady level: old blocks are freed as new ones come");
        break;
      case VerdictKind::kEpisodic:
        text += " held for a while at a time: it falls as often as it rises";
        break;
      default:
        text +=
            finding->growth.trend && (*finding->growth.trend == "linear" || *finding->growth.trend == "accelerating")
                ? " grows" + rate(*finding) + ", and it cannot be told whether it stops"
                : " held, and it cannot be told yet whether it grows";
    }
    finish(text + allocated_in(*finding) + since(*finding), largest->second);
    return true;
  }

  // Of what lasted: a peak of a moment was nothing to release.
  bool is_released() {
    const Life& life = findings_.life;
    double lasted = 0;
    for (size_t i = 0; i < life.end; ++i) lasted = std::max(lasted, findings_.lasting_bytes[i]);
    const double rise = lasted - startup_;
    if (rise < std::max(kLeastGrowth, 0.1 * startup_) || level_ - startup_ > kFell * rise) return false;
    decide(VerdictClass::kNoGrowth, VerdictKind::kReleased, 0.85);
    finish(fmt::format("of {} that were live {} are left: the rest was freed", size_text(most_), size_text(level_)),
           rise);
    return true;
  }

  void is_quiet() {
    const auto flow = static_cast<double>(memory_.total_allocated_bytes);
    const auto peak = static_cast<double>(std::max<uint64_t>(memory_.peak_live_bytes, 1));
    const bool churns = flow >= kFlow * peak;
    if (startup_ >= std::max(kLeastStartup, kStartupShare * peak) && !churns) {
      const Finding* const finding = find_largest(VerdictClass::kRetainedByDesign, VerdictKind::kStartup);
      decide(VerdictClass::kRetainedByDesign, VerdictKind::kStartup, finding->confidence);
      finish(fmt::format("{} allocated while the program started, and held since; no growth after it",
                         size_text(startup_)) +
                 allocated_in(*finding),
             startup_);
      return;
    }
    decide(VerdictClass::kNoGrowth, churns ? VerdictKind::kChurn : VerdictKind::kFlat, live_.size() >= 12 ? 0.8 : 0.5);
    finish(churns ? fmt::format("{} came and went, and {} stay", format_bytes(memory_.total_allocated_bytes),
                                size_text(level_))
                  : fmt::format("{} live, and no growth", size_text(level_)),
           level_);
  }

  void decide(VerdictClass verdict_class, VerdictKind kind, double confidence) {
    verdict_.verdict_class = verdict_class;
    verdict_.kind = kind;
    verdict_.confidence = confidence;
  }

  // The headline: what decided, the runner-up if it is large, and the peak.
  void finish(std::string text, double decided_bytes) {
    const Finding* second = nullptr;
    for (const Found& found : findings_.found) {
      const Finding& finding = found.finding;
      const bool same = finding.verdict_class == verdict_.verdict_class && finding.kind == verdict_.kind;
      if (same || finding.folded_sites != 0 || finding.verdict_class == VerdictClass::kNoGrowth) continue;
      if (static_cast<double>(finding.bytes) < std::max(kRunnerUp * decided_bytes, kLeastRunnerUp)) continue;
      second = &finding;
      break;
    }
    if (second == nullptr && undecided_ >= kLeastGrowth && verdict_.verdict_class != VerdictClass::kTrueLeak &&
        verdict_.verdict_class != VerdictClass::kUndecided) {
      verdict_.confidence = std::min(verdict_.confidence, kUnproved);
      text += fmt::format("; {} more came late, and {}", size_text(undecided_),
                          recording_.marks.size() > 1 && recording_.marks.size() < kFewMarks
                              ? fmt::format("{} marks are too few to prove that it levels off", recording_.marks.size())
                              : std::string("it cannot be told yet whether that levels off"));
    }
    if (second != nullptr) {
      const char* const kind = model::name(second->kind);
      text += fmt::format("; besides, {} are {}{}", format_bytes(second->bytes), model::name(second->verdict_class),
                          kind == nullptr ? std::string() : fmt::format(" ({})", kind));
    }
    text +=
        fmt::format("; peak {} live at {}", format_bytes(memory_.peak_live_bytes), format_seconds(memory_.peak_time_s));
    verdict_.headline = std::move(text);
  }

  // Without a kind: of any.
  const Finding* find_largest(VerdictClass verdict_class, VerdictKind kind = VerdictKind::kNone) const {
    for (const Found& found : findings_.found) {
      if (found.finding.verdict_class == verdict_class && (kind == VerdictKind::kNone || found.finding.kind == kind) &&
          found.finding.folded_sites == 0) {
        return &found.finding;
      }
    }
    return nullptr;
  }

  std::string largest_in(VerdictKind kind) const {
    const Finding* const finding = find_largest(VerdictClass::kRetainedByDesign, kind);
    return finding == nullptr ? std::string() : allocated_in(*finding);
  }

  std::string allocated_in(const Finding& finding) const {
    const std::string who = allocated_in_ ? allocated_in_(finding.site) : std::string();
    return who.empty() ? std::string() : ", allocated in " + shortened(shortest_name(who), kMaxNameBytes);
  }

  std::string since(const Finding& finding) const {
    if (finding.site == 0 || finding.site >= recording_.tree.size()) return {};
    return ", since " + format_seconds(recording_.clock.seconds(recording_.tree.node(finding.site).first_birth));
  }

  static std::string size_text(double bytes) { return format_bytes(whole_number(bytes)); }

  static std::string rate(const Finding& finding) {
    if (finding.growth.bytes_per_mark && *finding.growth.bytes_per_mark > 0)
      return fmt::format(", {} per mark", size_text(*finding.growth.bytes_per_mark));
    if (finding.growth.bytes_per_hour && *finding.growth.bytes_per_hour > 0)
      return fmt::format(", {} an hour", size_text(*finding.growth.bytes_per_hour));
    return {};
  }

  const replay::Recording& recording_;
  const model::Memory& memory_;
  const Findings& findings_;
  const std::function<std::string(uint32_t site)>& allocated_in_;
  model::Verdict verdict_;
  std::vector<double> live_;                       // at the ends of the slices of start-up and working life
  double most_ = 0, level_ = 0;                    // of these: the highest, and the last
  double startup_ = 0, held_ = 0, undecided_ = 0;  // bytes of findings
  std::map<std::pair<VerdictClass, VerdictKind>, double> held_by_;
};

}  // namespace

model::Verdict judge(const replay::Recording& recording, const model::Memory& memory, const Findings& findings,
                     const std::function<std::string(uint32_t site)>& allocated_in) {
  return Judge(recording, memory, findings, allocated_in).judge();
}

}  // namespace tidemark::classify
