#include "analyzer/classify/classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/classify/causes.h"
#include "analyzer/classify/history.h"
#include "analyzer/classify/rules.h"
#include "analyzer/classify/units.h"

namespace tidemark::classify {
namespace {

constexpr uint64_t kFoldFloorBytes = 1024;
constexpr uint64_t kFoldShareOfPeak = 1000;  // 1/1000
constexpr uint64_t kTrendFloorBytes = 64 << 10;
constexpr uint64_t kLeastCachedBytes = 1 << 20;
constexpr uint64_t kCachedShareOfRss = 10;  // 1/10

class Finder {
 public:
  Finder(const replay::Recording& recording, const model::Memory& memory, const Context& context)
      : recording_(recording),
        memory_(memory),
        context_(context),
        life_(find_life(recording)),
        rules_(recording, life_),
        floor_(static_cast<double>(std::max(kTrendFloorBytes, recording.totals.peak_bytes / kFoldShareOfPeak))) {}

  Findings find() {
    Findings findings;
    for (size_t i = 0; i < context_.lost.size(); ++i) findings.found.push_back({lost_finding(i), i});
    Units units = find_units(recording_, life_, static_cast<double>(fold_below(recording_)),
                             [this](uint32_t site) { return held(site); });
    std::vector<Cause> causes;
    for (Unit& unit : units.units) {
      Judgement judgement = rules_.judge(evidence_of(unit));
      const auto holder = context_.holders.find(unit.sites.front());
      causes.push_back({std::move(unit), std::move(judgement),
                        holder == context_.holders.end() ? std::nullopt : holder->second.root});
    }
    for (Cause& cause : join_causes(recording_.tree, std::move(causes))) add(std::move(cause), findings, units.folded);
    add_allocator(findings);
    std::stable_sort(findings.found.begin(), findings.found.end(), [](const Found& a, const Found& b) {
      return a.finding.bytes != b.finding.bytes ? a.finding.bytes > b.finding.bytes : a.finding.site < b.finding.site;
    });
    if (units.folded.held.blocks != 0) findings.found.push_back({folded(units.folded)});
    describe_process(findings);
    findings.life = std::move(life_);
    return findings;
  }

 private:
  // Live when the working life ends, and not lost.
  model::BlockSum held(uint32_t site) const {
    model::BlockSum sum;
    if (life_.released && life_.end != 0) {
      int64_t blocks = 0, bytes = 0;
      for (const replay::GenerationCell& cell : recording_.generations.cells(site)) {
        if (cell.slice >= life_.end) continue;
        blocks += cell.blocks;
        bytes = static_cast<int64_t>(static_cast<uint64_t>(bytes) + static_cast<uint64_t>(cell.bytes));
      }
      sum = {static_cast<uint64_t>(std::max<int64_t>(blocks, 0)), static_cast<uint64_t>(std::max<int64_t>(bytes, 0))};
    } else {
      sum = {recording_.end.sites[site].blocks, recording_.end.sites[site].bytes};
    }
    if (const auto lost = context_.lost_by_site.find(site); lost != context_.lost_by_site.end()) {
      sum.blocks -= std::min(lost->second.blocks, sum.blocks);
      sum.bytes -= std::min(lost->second.bytes, sum.bytes);
    }
    return sum;
  }

  std::span<const replay::GenerationCell> lost_births(uint32_t site) const {
    const auto found = context_.lost_births.find(site);
    if (found == context_.lost_births.end()) return {};
    return found->second;
  }

  // Of what is `lost` of the sites, or of what is not.
  Evidence evidence_of(const Unit& unit, bool lost = false) const {
    Evidence evidence(life_.slices);
    evidence.floor = floor_;
    evidence.held = unit.held;
    evidence.graph = context_.graph;
    evidence.first_birth = UINT64_MAX;
    for (const uint32_t site : unit.sites) {
      if (lost) {
        evidence.history.add(lost_births(site), 1);
      } else {
        evidence.history.add(recording_.generations.cells(site), 1);
        evidence.history.add(lost_births(site), -1);
      }
      evidence.first_birth = std::min(evidence.first_birth, recording_.tree.node(site).first_birth);
      evidence.allocations += recording_.tree.totals(site).allocations;
      if (const auto holder = context_.holders.find(site); holder != context_.holders.end()) {
        evidence.weak_bytes += holder->second.weak_bytes;
      }
      if (const auto judged = recording_.judged.find(site); judged != recording_.judged.end()) {
        evidence.resurrected_blocks += judged->second.freed_later;
      }
    }
    add_bound(unit, evidence);
    evidence.history.finish();
    return evidence;
  }

  void add_bound(const Unit& unit, Evidence& evidence) const {
    if (context_.bounds.empty()) return;
    std::vector<bool> counted(context_.bounds.size());
    for (const uint32_t site : unit.sites) {
      const std::optional<size_t> bound = context_.bound_of(site);
      if (!bound || counted[*bound]) continue;
      counted[*bound] = true;
      evidence.bound_bytes = evidence.bound_bytes.value_or(0) + context_.bounds[*bound];
    }
  }

  model::Finding lost_finding(size_t index) const {
    model::Finding finding = context_.lost[index];
    Unit unit;
    unit.sites = context_.lost_sites[index];
    if (unit.sites.empty()) return finding;
    unit.sites.push_back(finding.site);
    std::sort(unit.sites.begin(), unit.sites.end());
    unit.sites.erase(std::unique(unit.sites.begin(), unit.sites.end()), unit.sites.end());
    const Evidence evidence = evidence_of(unit, true);
    finding.growth = rules_.describe(evidence).growth;
    finding.generations = rules_.generations(evidence.history);
    finding.sites = unit.sites.size();
    const bool cycle = finding.kind == model::VerdictKind::kUnreachableCycle;
    finding.summary =
        cycle ? fmt::format("{}: no pointer of the program leads there any more.",
                            finding.copies == 1 ? std::string("A cycle keeps itself alive")
                                                : format_count(finding.copies) + " cycles keep themselves alive")
              : std::string("Lost: no pointer of the program leads there any more, so nothing can free it.");
    return finding;
  }

  void add(Cause cause, Findings& findings, Unit& folded) const {
    const bool up_and_down = cause.judgement.kind == model::VerdictKind::kEpisodic;
    if (cause.unit.held.bytes < fold_below(recording_) && !up_and_down) {
      folded.sites.insert(folded.sites.end(), cause.unit.sites.begin(), cause.unit.sites.end());
      folded.held.blocks += cause.unit.held.blocks;
      folded.held.bytes += cause.unit.held.bytes;
      return;
    }
    const Evidence evidence = evidence_of(cause.unit);
    if (cause.joined) {  // the sum may say it better; the class stays
      Judgement whole = rules_.judge(evidence);
      if (whole.verdict_class == cause.judgement.verdict_class && whole.kind == cause.judgement.kind) {
        cause.judgement = std::move(whole);
      }
    }
    model::Finding& finding = findings.found.emplace_back().finding;
    finding.verdict_class = cause.judgement.verdict_class;
    finding.kind = cause.judgement.kind;
    finding.confidence = cause.judgement.confidence;
    finding.summary = std::move(cause.judgement.summary);
    finding.evidence = std::move(cause.judgement.evidence);
    finding.growth = cause.judgement.growth;
    finding.generations = rules_.generations(evidence.history);
    finding.bound_bytes = evidence.bound_bytes;
    finding.bytes = cause.unit.held.bytes;
    finding.blocks = cause.unit.held.blocks;
    finding.sites = cause.unit.sites.size();
    finding.site = cause.unit.sites.front();
    finding.resurrected_blocks = evidence.resurrected_blocks;
    finding.evidence.push_back(birth_text(cause.unit, evidence));
    uint64_t lost = 0;
    for (const uint32_t site : cause.unit.sites) {
      const auto found = context_.lost_by_site.find(site);
      if (found != context_.lost_by_site.end()) lost += found->second.blocks;
    }
    if (lost != 0) {
      finding.evidence.push_back(fmt::format("{} of the same {} {} unreachable, and {} own finding",
                                             plural(lost, "more block"), finding.sites == 1 ? "site" : "sites",
                                             lost == 1 ? "is" : "are", lost == 1 ? "has its" : "have their"));
    }
  }

  // Pages that the allocator holds beyond what is live. They are nobody's growth; after a final release they are what a
  // program leaves that is about to end.
  void add_allocator(Findings& findings) const {
    if (life_.released || !memory_.ledger || !memory_.allocator_cached_bytes) return;
    const model::Ledger& ledger = *memory_.ledger;
    const uint64_t cached = *memory_.allocator_cached_bytes;
    if (cached < std::max(kLeastCachedBytes, ledger.rss_bytes / kCachedShareOfRss)) return;
    const uint64_t pinned = ledger.bytes(model::LedgerKind::kPinnedPages);
    const uint64_t free_pages = ledger.bytes(model::LedgerKind::kFreePages);
    model::Finding finding;
    finding.verdict_class = model::VerdictClass::kAllocatorCaching;
    finding.kind = pinned > free_pages ? model::VerdictKind::kFragmentation : model::VerdictKind::kFreePages;
    finding.bytes = cached;
    finding.sites = 0;
    const bool fell = recording_.end.live_bytes * 2 <= recording_.totals.peak_bytes;
    finding.confidence = fell ? 0.85 : 0.6;
    finding.summary =
        finding.kind == model::VerdictKind::kFragmentation
            ? "Free memory that cannot go back to the system: small blocks that still live lie on its pages."
            : "Free memory that the allocator keeps for later: the program has freed it, and no live block needs it.";
    finding.evidence.push_back(
        fmt::format("{} on pages without a live block, {} on pages that few blocks pin, {} between "
                    "live blocks",
                    format_bytes(free_pages), format_bytes(pinned),
                    format_bytes(ledger.bytes(model::LedgerKind::kFreeBetweenBlocks))));
    if (fell) {
      finding.evidence.push_back(fmt::format("live memory fell from {} to {}",
                                             format_bytes(recording_.totals.peak_bytes),
                                             format_bytes(recording_.end.live_bytes)));
    }
    if (finding.kind == model::VerdictKind::kFragmentation && !ledger.pinned_by.empty()) {
      const model::PinningSite& site = ledger.pinned_by.front();
      finding.site = site.site;
      finding.sites = ledger.pinning_sites;
      finding.evidence.push_back(fmt::format("most of it is pinned by {} ({}) on {} allocated there",
                                             plural(site.blocks, "block"), format_bytes(site.bytes),
                                             plural(site.pages, "page")));
    }
    findings.found.push_back({std::move(finding)});
  }

  std::string birth_text(const Unit& unit, const Evidence& evidence) const {
    uint64_t last = 0;
    for (const uint32_t site : unit.sites) last = std::max(last, last_birth(site));
    const double first_s = recording_.clock.seconds(evidence.first_birth);
    const std::string from = format_seconds(first_s);
    const std::string to = format_seconds(std::max(first_s, recording_.clock.seconds(last)));
    return fmt::format(
        "{} allocated in all, born {}; {} live at the end{}", format_count(evidence.allocations),
        from == to ? "at " + from : fmt::format("between {} and {}", from, to), format_count(unit.held.blocks),
        unit.sites.size() == 1 ? std::string()
                               : fmt::format("; {} of the call tree", plural(unit.sites.size(), "site")));
  }

  uint64_t last_birth(uint32_t site) const {
    const replay::Slices& slices = recording_.generations.slices();
    if (slices.size() == 0) return recording_.tree.node(site).first_birth;
    const size_t index = slices.index(static_cast<uint16_t>(recording_.tree.totals(site).last_slice));
    return index < slices.size() ? slices[index].end : recording_.last_time;
  }

  model::Finding folded(const Unit& unit) const {
    model::Finding finding;
    finding.folded_sites = unit.sites.size();
    finding.sites = unit.sites.size();
    finding.bytes = unit.held.bytes;
    finding.blocks = unit.held.blocks;
    finding.evidence.push_back(fmt::format("{} that held less than {} each", plural(unit.sites.size(), "site"),
                                           format_bytes(fold_below(recording_))));
    return finding;
  }

  void describe_process(Findings& findings) const {
    Evidence evidence(life_.slices);
    evidence.floor = floor_;
    for (uint32_t site = 0; site < recording_.tree.size(); ++site)
      evidence.history.add(recording_.generations.cells(site), 1);
    evidence.history.finish();
    findings.growth = rules_.describe(evidence).growth;
    findings.lasting_bytes = evidence.history.lasting_bytes();
  }

  const replay::Recording& recording_;
  const model::Memory& memory_;
  const Context& context_;
  Life life_;
  Rules rules_;
  double floor_;
};

}  // namespace

uint64_t fold_below(const replay::Recording& recording) noexcept {
  return std::max(kFoldFloorBytes, recording.totals.peak_bytes / kFoldShareOfPeak);
}

std::vector<uint32_t> sites_to_ask(const replay::Recording& recording) {
  std::vector<uint32_t> sites;
  const uint64_t least = fold_below(recording);
  for (uint32_t site = 0; site < recording.tree.size(); ++site) {
    if (recording.tree.totals(site).most_bytes >= least) sites.push_back(site);
  }
  return sites;
}

Findings find(const replay::Recording& recording, const model::Memory& memory, const Context& context) {
  return Finder(recording, memory, context).find();
}

}  // namespace tidemark::classify
