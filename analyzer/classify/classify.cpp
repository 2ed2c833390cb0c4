#include "analyzer/classify/classify.h"

#include <fmt/format.h>

#include <algorithm>

#include "analyzer/base/short_names.h"
#include "analyzer/base/text.h"
#include "analyzer/base/units.h"

namespace tidemark::classify {
namespace {

constexpr uint64_t kFoldFloorBytes = 1024;
constexpr uint64_t kFoldShareOfPeak = 1000;  // 1/1000
// What a leak must reach to be the verdict on the process.
constexpr uint64_t kLeastLeakBytes = 64 << 10;
constexpr uint64_t kLeastLeakShareOfPeak = 100;  // 1/100
constexpr double kLeastLeakConfidence = 0.5;
constexpr size_t kMaxNameBytes = 100;

std::vector<std::string> evidence_of(const replay::Recording& recording, uint32_t id) {
  const replay::SiteTotals& site = recording.tree.totals(id);
  const replay::SiteAtEnd& end = recording.end.sites[id];
  const double first = recording.clock.seconds(recording.tree.node(id).first_birth);
  const double last = std::max(first, recording.clock.span_seconds(uint64_t{site.last_birth} << replay::kBirthShift));
  std::vector<std::string> evidence;
  const std::string from = format_seconds(first), to = format_seconds(last);
  evidence.push_back(from == to ? fmt::format("born at {}", from) : fmt::format("born between {} and {}", from, to));
  evidence.push_back(
      fmt::format("{} allocated in all, {} live at the end", format_count(site.allocations), format_count(end.blocks)));
  evidence.push_back(fmt::format("held {} at most, {} at the process's peak", format_bytes(site.most_bytes),
                                 format_bytes(site.at_peak_bytes)));
  return evidence;
}

}  // namespace

uint64_t fold_below(const replay::Recording& recording) noexcept {
  return std::max(kFoldFloorBytes, recording.totals.peak_bytes / kFoldShareOfPeak);
}

std::vector<Found> find(const replay::Recording& recording, const std::vector<model::Finding>& lost,
                        const std::unordered_map<uint32_t, model::BlockSum>& lost_by_site) {
  const uint64_t threshold = fold_below(recording);
  std::vector<Found> findings;
  for (size_t i = 0; i < lost.size(); ++i) findings.push_back({lost[i], i});
  model::Finding folded;
  for (uint32_t id = 0; id < recording.end.sites.size(); ++id) {
    replay::SiteAtEnd site = recording.end.sites[id];
    uint64_t lost_blocks = 0;
    if (const auto found = lost_by_site.find(id); found != lost_by_site.end()) {
      lost_blocks = std::min<uint64_t>(found->second.blocks, site.blocks);
      site.blocks -= static_cast<uint32_t>(lost_blocks);
      site.bytes -= std::min(found->second.bytes, site.bytes);
    }
    if (site.blocks == 0) continue;
    if (site.bytes < threshold) {
      ++folded.folded_sites;
      folded.bytes += site.bytes;
      folded.blocks += site.blocks;
      continue;
    }
    model::Finding& finding = findings.emplace_back().finding;
    finding.bytes = site.bytes;
    finding.blocks = site.blocks;
    finding.site = id;
    finding.evidence = evidence_of(recording, id);
    if (lost_blocks != 0) {
      finding.evidence.push_back(fmt::format("{} of the same site {} unreachable, and {} own finding",
                                             plural(lost_blocks, "more block"), lost_blocks == 1 ? "is" : "are",
                                             lost_blocks == 1 ? "has its" : "have their"));
    }
  }
  std::stable_sort(findings.begin(), findings.end(), [](const Found& a, const Found& b) {
    return a.finding.bytes != b.finding.bytes ? a.finding.bytes > b.finding.bytes : a.finding.site < b.finding.site;
  });
  if (folded.folded_sites != 0) {
    folded.evidence.push_back(
        fmt::format("{} that held less than {} each", plural(folded.folded_sites, "site"), format_bytes(threshold)));
    findings.push_back({std::move(folded)});
  }
  return findings;
}

model::Verdict judge(const replay::Recording& recording, const model::Memory& memory,
                     const std::vector<Found>& findings,
                     const std::function<std::string(uint32_t site)>& allocated_in) {
  model::Verdict verdict;
  const double peak_time = recording.clock.seconds(recording.totals.peak_time);
  if (memory.total_allocations == 0) {
    verdict.headline = "no allocation was recorded";
    return verdict;
  }
  verdict.headline = fmt::format("peak {} live at {}; {} in {} live at the end", format_bytes(memory.peak_live_bytes),
                                 format_seconds(peak_time), format_bytes(memory.live_bytes_at_end),
                                 plural(memory.live_blocks_at_end, "block"));
  if (memory.max_rss_bytes) verdict.headline += fmt::format("; maxrss {}", format_bytes(*memory.max_rss_bytes));

  // The largest leak that is sure enough and large enough decides; findings are in that order.
  const uint64_t enough = std::max(kLeastLeakBytes, memory.peak_live_bytes / kLeastLeakShareOfPeak);
  const auto leak = std::find_if(findings.begin(), findings.end(), [&](const Found& found) {
    return found.finding.verdict_class == model::VerdictClass::kTrueLeak &&
           found.finding.confidence >= kLeastLeakConfidence && found.finding.bytes >= enough;
  });
  if (leak == findings.end()) return verdict;
  const model::Finding& finding = leak->finding;
  verdict.verdict_class = finding.verdict_class;
  verdict.kind = finding.kind;
  verdict.confidence = finding.confidence;
  const std::string who = allocated_in && finding.folded_sites == 0 ? allocated_in(finding.site) : std::string();
  std::string text = fmt::format("{} in {} lost: ", format_bytes(finding.bytes), plural(finding.blocks, "block"));
  if (finding.kind == model::VerdictKind::kUnreachableCycle) {
    text += finding.copies == 1 ? std::string("a cycle keeps itself alive")
                                : fmt::format("{} cycles keep themselves alive", format_count(finding.copies));
  } else {
    text += "nothing leads to them any more";
  }
  if (!who.empty()) text += ", allocated in " + shortened(shortest_name(who), kMaxNameBytes);
  if (finding.site != 0 && finding.site < recording.tree.size()) {
    text += ", since " + format_seconds(recording.clock.seconds(recording.tree.node(finding.site).first_birth));
  }
  verdict.headline = text + "; " + verdict.headline;
  return verdict;
}

}  // namespace tidemark::classify
