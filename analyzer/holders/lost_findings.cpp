#include "analyzer/holders/lost_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>

#include "analyzer/base/units.h"

namespace tidemark::holders {
namespace {

using graph::Block;
using model::BlockSum;
using model::Finding;
using trace::SnapshotReason;

constexpr unsigned kSlices = 8;           // of the run
constexpr int kSpreadSlices = 3;          // births in so many of them go on
constexpr uint64_t kMany = 3;             // fewer are an accident, not a habit
constexpr uint64_t kRegistersOfCall = 6;  // that a thread asleep in a call may hold, and that are not known
constexpr double kHigh = 0.9, kOnce = 0.6, kEarlier = 0.5, kLow = 0.3;

// A finding while it is put together.
struct Cause {
  std::vector<uint32_t> sites;
  bool cycle = false;
  BlockSum direct, indirect;
  uint64_t heads = 0;
  uint32_t heaviest_head = 0;
  uint64_t heaviest_bytes = 0;
  std::unordered_map<uint32_t, BlockSum> by_site, kept;
  std::unordered_map<uint32_t, uint32_t> example;  // a block, by site
  unsigned slices = 0;                             // a bit for each in which one of the lost was born
  uint64_t first_birth = UINT64_MAX, last_birth = 0;
  uint64_t seen_before = 0;  // of the directly lost blocks, in earlier pictures
};

class Finder {
 public:
  Finder(const replay::Recording& recording, const HeapPicture& heap, std::span<const LostBlock> lost)
      : recording_(recording), heap_(heap), lost_(lost), hidden_(heap, blocks_of(lost)) {}

  std::vector<LostFinding> find() {
    const graph::LostBlocks& lost = heap_.graph().lost();
    for (uint32_t head = 0; head < lost.head_count(); ++head) add(head);
    count_live_at_cut();
    std::vector<LostFinding> findings;
    for (Cause& cause : causes_) {
      if (cause.direct.blocks + cause.indirect.blocks != 0) findings.push_back(finding_of(cause));
    }
    std::sort(findings.begin(), findings.end(), [](const LostFinding& a, const LostFinding& b) {
      return a.finding.bytes != b.finding.bytes ? a.finding.bytes > b.finding.bytes : a.finding.site < b.finding.site;
    });
    fold_rest(findings);
    return findings;
  }

 private:
  static std::vector<uint32_t> blocks_of(std::span<const LostBlock> lost) {
    std::vector<uint32_t> blocks;
    blocks.reserve(lost.size());
    for (const LostBlock& one : lost) blocks.push_back(one.block);
    return blocks;
  }

  const LostBlock* known(uint32_t block) const {
    const auto found = std::lower_bound(lost_.begin(), lost_.end(), block,
                                        [](const LostBlock& one, uint32_t wanted) { return one.block < wanted; });
    return found != lost_.end() && found->block == block && !found->gone ? &*found : nullptr;
  }

  Cause& cause_of(uint32_t head, bool cycle) {
    const auto blocks = heap_.graph().blocks();
    const std::span<const uint32_t> members = heap_.graph().lost().direct(head);
    if (!cycle) {
      const uint32_t site = blocks[members.front()].site;
      const auto [found, added] = single_.try_emplace(site, causes_.size());
      if (added) causes_.emplace_back().sites = {site};
      return causes_[found->second];
    }
    std::vector<uint32_t> sites;
    for (const uint32_t member : members) sites.push_back(blocks[member].site);
    std::sort(sites.begin(), sites.end());
    sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
    const auto [found, added] = cycles_.try_emplace(sites, causes_.size());
    if (added) {
      causes_.emplace_back().sites = std::move(sites);
      causes_.back().cycle = true;
    }
    return causes_[found->second];
  }

  void add(uint32_t number) {
    const graph::LostBlocks& lost = heap_.graph().lost();
    const graph::Head head = lost.head(number);
    Cause& cause = cause_of(number, head.cycle);
    uint64_t bytes = 0;
    bool any = false;
    const auto count = [&](uint32_t block, BlockSum& sum) -> const LostBlock* {
      const LostBlock* const one = known(block);
      if (one == nullptr) return nullptr;
      const Block& what = heap_.graph().blocks()[block];
      for (BlockSum* to : {&sum, &cause.by_site[what.site]}) {
        ++to->blocks;
        to->bytes += what.size;
      }
      cause.example.try_emplace(what.site, block);
      bytes += what.size;
      any = true;
      return one;
    };
    for (const uint32_t block : lost.direct(number)) {
      const LostBlock* const one = count(block, cause.direct);
      if (one == nullptr) continue;
      if (one->pictures > 1) ++cause.seen_before;
      if (one->birth == 0) continue;
      cause.slices |= 1u << slice_of(one->birth);
      cause.first_birth = std::min(cause.first_birth, one->birth);
      cause.last_birth = std::max(cause.last_birth, one->birth);
    }
    for (const uint32_t block : lost.indirect(number)) {
      if (count(block, cause.indirect) == nullptr) continue;
      BlockSum& kept = cause.kept[heap_.graph().blocks()[block].site];
      ++kept.blocks;
      kept.bytes += heap_.graph().blocks()[block].size;
    }
    if (!any) return;
    if (cause.heads++ == 0 || bytes > cause.heaviest_bytes) {
      cause.heaviest_head = number;
      cause.heaviest_bytes = bytes;
    }
  }

  unsigned slice_of(uint64_t time) const {
    const uint64_t start = recording_.header.start_ticks;
    const uint64_t end = std::max(heap_.picture().head.cut, start + 1);
    if (time <= start) return 0;
    const double share = static_cast<double>(time - start) / static_cast<double>(end - start);
    return std::min(kSlices - 1, static_cast<unsigned>(std::min(share, 1.0) * kSlices));
  }

  // Of the sites at which something was lost.
  void count_live_at_cut() {
    std::vector<bool> wanted(recording_.tree.size());
    for (const Cause& cause : causes_) {
      for (const uint32_t site : cause.sites) {
        if (site < wanted.size()) wanted[site] = true;
      }
    }
    for (const Block& block : heap_.graph().blocks()) {
      if (block.site < wanted.size() && wanted[block.site]) ++live_at_cut_[block.site];
    }
  }

  LostFinding finding_of(Cause& cause) {
    LostFinding found;
    Finding& finding = found.finding;
    finding.verdict_class = model::VerdictClass::kTrueLeak;
    finding.kind = cause.cycle ? model::VerdictKind::kUnreachableCycle : model::VerdictKind::kUnreachable;
    finding.direct_blocks = cause.direct.blocks;
    finding.direct_bytes = cause.direct.bytes;
    finding.indirect_blocks = cause.indirect.blocks;
    finding.indirect_bytes = cause.indirect.bytes;
    finding.blocks = cause.direct.blocks + cause.indirect.blocks;
    finding.bytes = cause.direct.bytes + cause.indirect.bytes;
    finding.copies = cause.heads;
    const auto heaviest =
        std::max_element(cause.by_site.begin(), cause.by_site.end(), [](const auto& a, const auto& b) {
          return a.second.bytes != b.second.bytes ? a.second.bytes < b.second.bytes : a.first > b.first;
        });
    finding.site = heaviest->first;
    found.example = cause.example.at(finding.site);
    found.head = cause.heaviest_head;
    judge(cause, finding);
    found.sites = std::move(cause.sites);
    found.kept = std::move(cause.kept);
    return found;
  }

  void judge(const Cause& cause, Finding& finding) const {
    const auto reason = static_cast<SnapshotReason>(heap_.picture().head.reason);
    const bool at_end = reason == SnapshotReason::kMainReturned || reason == SnapshotReason::kExit;
    const bool repeatedly = cause.seen_before * 10 >= std::max<uint64_t>(cause.direct.blocks, 1);
    uint64_t live = 0;
    for (const uint32_t site : cause.sites) {
      const auto found = live_at_cut_.find(site);
      if (found != live_at_cut_.end()) live += found->second;
    }
    const int slices = std::popcount(cause.slices);
    const bool spread = cause.heads >= kMany && slices >= kSpreadSlices;
    const bool most = cause.heads >= kMany && cause.direct.blocks * 2 >= live;

    std::vector<std::string>& evidence = finding.evidence;
    evidence.push_back(when_text(reason, at_end, cause));
    if (cause.last_birth != 0) evidence.push_back(birth_text(cause, slices));
    if (!at_end && !repeatedly) {
      finding.confidence = kEarlier;
    } else if (spread || most) {
      finding.confidence = kHigh;
      if (!spread) {
        evidence.push_back(fmt::format("of {} of {} that lived then, {} {} lost", plural(live, "block"),
                                       cause.sites.size() == 1 ? "this site" : "these sites",
                                       format_count(cause.direct.blocks), cause.direct.blocks == 1 ? "was" : "were"));
      }
    } else {
      finding.confidence = kOnce;
      evidence.push_back("lost, but not seen to grow");
    }
    doubt(cause, finding);
  }

  // What speaks against it.
  void doubt(const Cause& cause, Finding& finding) const {
    const auto lower = [&](std::string why) {
      finding.confidence = std::min(finding.confidence, kLow);
      finding.evidence.push_back(std::move(why));
    };
    uint64_t judged = 0, freed = 0;
    bool xor_linked = false, compressed = false;
    for (const uint32_t site : cause.sites) {
      if (const auto found = recording_.judged.find(site); found != recording_.judged.end()) {
        judged += found->second.blocks;
        freed += found->second.freed_later;
      }
      xor_linked |= hidden_.xor_linked(site);
      compressed |= hidden_.compressed(site);
    }
    finding.resurrected_blocks = freed;
    if (freed != 0 && freed * 100 >= judged) finding.confidence = std::min(finding.confidence, kLow);
    uint64_t half_read = 0;
    for (const replay::PictureThread& thread : heap_.picture().threads) {
      if (thread.kind == trace::PictureThreadRecord::kHalfRead) ++half_read;
    }
    if (half_read != 0 && cause.heads <= kRegistersOfCall * half_read) {
      lower(fmt::format("the registers of {} were not known, and may hold as many pointers",
                        plural(half_read, "sleeping thread")));
    }
    if (cause.heads * sizeof(uint64_t) <= heap_.unseen_bytes()) {
      lower(fmt::format("{} of the program's memory could not be looked at, and may hold as many pointers",
                        format_bytes(heap_.unseen_bytes())));
    }
    if (xor_linked) lower("the blocks seem to be linked by xor-ed pointers");
    if (compressed) lower("compressed pointers seem to lead to the blocks");
    if (heap_.forked()) {
      finding.evidence.push_back("the process was forked: what its parent's blocks hold counts as held");
    }
  }

  std::string when_text(SnapshotReason reason, bool at_end, const Cause& cause) const {
    std::string text = reason == SnapshotReason::kMainReturned ? "nothing led to them when main returned"
                       : reason == SnapshotReason::kExit
                           ? "nothing led to them at exit"
                           : fmt::format("nothing led to them in the snapshot at {}",
                                         format_seconds(recording_.clock.seconds(heap_.picture().head.cut)));
    if (cause.direct.blocks == 1) text.replace(text.find("them"), 4, "it");
    if (cause.seen_before != 0) {
      text += cause.seen_before == cause.direct.blocks
                  ? ", nor in an earlier snapshot"
                  : fmt::format("; {} of {} {} lost in an earlier snapshot already", format_count(cause.seen_before),
                                format_count(cause.direct.blocks), cause.seen_before == 1 ? "was" : "were");
    } else if (!at_end) {
      text += ", and it still lived at the end";
      if (cause.direct.blocks != 1) text.replace(text.rfind("it"), 2, "they");
    }
    return text;
  }

  std::string birth_text(const Cause& cause, int slices) const {
    const std::string from = format_seconds(recording_.clock.seconds(cause.first_birth));
    const std::string to = format_seconds(recording_.clock.seconds(cause.last_birth));
    if (from == to) return fmt::format("born at {}", from);
    return fmt::format("born between {} and {}, in {} of {} equal parts of the run", from, to, slices, kSlices);
  }

  static void fold_rest(std::vector<LostFinding>& findings) {
    if (findings.size() <= kMostLostFindings) return;
    LostFinding rest;
    rest.finding.verdict_class = model::VerdictClass::kTrueLeak;
    rest.finding.kind = model::VerdictKind::kUnreachable;
    rest.finding.confidence = 1;
    for (size_t i = kMostLostFindings; i < findings.size(); ++i) {
      const Finding& one = findings[i].finding;
      rest.finding.bytes += one.bytes;
      rest.finding.blocks += one.blocks;
      rest.finding.direct_blocks += one.direct_blocks;
      rest.finding.direct_bytes += one.direct_bytes;
      rest.finding.indirect_blocks += one.indirect_blocks;
      rest.finding.indirect_bytes += one.indirect_bytes;
      rest.finding.copies += one.copies;
      rest.finding.confidence = std::min(rest.finding.confidence, one.confidence);
      ++rest.finding.folded_sites;
    }
    rest.finding.evidence.push_back(
        fmt::format("{} beyond the {} largest", plural(rest.finding.folded_sites, "cause"), kMostLostFindings));
    findings.resize(kMostLostFindings);
    findings.push_back(std::move(rest));
  }

  const replay::Recording& recording_;
  const HeapPicture& heap_;
  std::span<const LostBlock> lost_;
  HiddenPointers hidden_;
  std::vector<Cause> causes_;
  std::unordered_map<uint32_t, size_t> single_;         // by site
  std::map<std::vector<uint32_t>, size_t> cycles_;      // by sites
  std::unordered_map<uint32_t, uint64_t> live_at_cut_;  // blocks, by site
};

}  // namespace

std::vector<LostFinding> find_lost(const replay::Recording& recording, const HeapPicture& heap,
                                   std::span<const LostBlock> lost) {
  if (lost.empty()) return {};
  return Finder(recording, heap, lost).find();
}

std::unordered_map<uint32_t, model::BlockSum> lost_by_site(const HeapPicture& heap, std::span<const LostBlock> lost) {
  std::unordered_map<uint32_t, model::BlockSum> sites;
  for (const LostBlock& one : lost) {
    if (one.gone) continue;
    const Block& block = heap.graph().blocks()[one.block];
    model::BlockSum& sum = sites[block.site];
    ++sum.blocks;
    sum.bytes += block.size;
  }
  return sites;
}

}  // namespace tidemark::holders
