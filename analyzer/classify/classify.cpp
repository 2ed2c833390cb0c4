#include "analyzer/classify/classify.h"

#include <fmt/format.h>

#include <algorithm>

#include "analyzer/base/units.h"

namespace tidemark::classify {
namespace {

constexpr uint64_t kFoldFloorBytes = 1024;
constexpr uint64_t kFoldShareOfPeak = 1000;  // 1/1000

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

std::vector<model::Finding> find(const replay::Recording& recording) {
  const uint64_t threshold = fold_below(recording);
  std::vector<model::Finding> findings;
  model::Finding folded;
  for (uint32_t id = 0; id < recording.end.sites.size(); ++id) {
    const replay::SiteAtEnd& site = recording.end.sites[id];
    if (site.blocks == 0) continue;
    if (site.bytes < threshold) {
      ++folded.folded_sites;
      folded.bytes += site.bytes;
      folded.blocks += site.blocks;
      continue;
    }
    model::Finding& finding = findings.emplace_back();
    finding.bytes = site.bytes;
    finding.blocks = site.blocks;
    finding.site = id;
    finding.evidence = evidence_of(recording, id);
  }
  std::sort(findings.begin(), findings.end(), [](const model::Finding& a, const model::Finding& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.site < b.site;
  });
  if (folded.folded_sites != 0) {
    folded.evidence.push_back(
        fmt::format("{} that held less than {} each", plural(folded.folded_sites, "site"), format_bytes(threshold)));
    findings.push_back(std::move(folded));
  }
  return findings;
}

model::Verdict judge(const replay::Recording& recording, const model::Memory& memory,
                     const std::vector<model::Finding>& findings) {
  (void)findings;
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
  return verdict;
}

}  // namespace tidemark::classify
