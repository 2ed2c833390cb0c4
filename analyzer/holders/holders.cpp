#include "analyzer/holders/holders.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "analyzer/base/units.h"
#include "analyzer/holders/holder_report.h"

namespace tidemark::holders {
namespace {

using graph::kNone;
using graph::Reach;

constexpr size_t kMostDamage = 20;
// While a picture is read, the one before is kept, in case this one is damaged; but not of a large heap.
constexpr uint32_t kKeepBelow = 1'000'000;
constexpr size_t kMostKept = 50;             // types that a finding keeps alive
constexpr size_t kMostMembers = 64;          // of a cycle, looked at for a name
constexpr size_t kMostIndirect = 1'000'000;  // blocks behind a cycle, of which it is asked which member keeps them
constexpr size_t kMostWhoHolds = 20;         // answers

}  // namespace

Holders::Holders(const replay::TraceFile& file, symbols::SymbolStore& store)
    : store_(store),
      allocator_{file.text(file.header().allocator), file.text(file.header().executable)},
      operator_new_(file.text(file.header().operator_new)) {}

void Holders::add(replay::CutHeap& cut) {
  for (const std::string& text : cut.picture.damage) {
    if (damage_.size() < kMostDamage) damage_.push_back(text);
  }
  if (cut.after_life || !cut.picture.head.whole) return;
  if (heap_ && heap_->graph().block_count() > kKeepBelow) {
    heap_.reset();
    lost_blocks_.clear();
  }
  auto heap = std::make_unique<HeapPicture>(cut, allocator_, operator_new_, store_);
  if (!heap->sound()) {
    if (damage_.size() < kMostDamage) {
      damage_.push_back(
          fmt::format("words of heap snapshot {} are damaged: it proves nothing unreachable", cut.picture.head.id));
    }
    return;
  }
  graph::HeapGraph& graph = heap->graph();
  graph.solve_reachability();
  reachability_[cut.picture.head.id] = heap->sums();
  std::vector<LostBlock> lost;
  for (uint32_t block = 0; block < graph.block_count(); ++block) {
    if (graph.reach(block) != Reach::kUnreachable) continue;
    const graph::Block& one = graph.blocks()[block];
    const uint32_t before = heap->unreachable_before(block);
    const replay::CutBlock as_recorded{one.address, one.size, one.site, 0, static_cast<uint16_t>(before)};
    LostBlock& added = lost.emplace_back();
    added.block = block;
    added.birth = cut.birth(as_recorded);
    added.pictures = static_cast<uint8_t>(std::min(before + 1, 255u));
    cut.judge_unreachable(as_recorded);
  }
  heap_ = std::move(heap);
  lost_blocks_ = std::move(lost);
}

void Holders::end(const replay::LiveMap& live) {
  if (!heap_) return;
  for (LostBlock& lost : lost_blocks_) {
    const graph::Block& one = heap_->graph().blocks()[lost.block];
    const replay::LiveBlock* const block = live.find(one.address);
    lost.gone = block == nullptr || block->node != one.site || block->unreachable_in == 0;
  }
}

void Holders::finish(const replay::Recording& recording) {
  recording_ = &recording;
  if (!heap_) return;
  heap_->graph().solve();
  names_ = std::make_unique<Names>(recording, *heap_, store_);
  paths_ = std::make_unique<Paths>(*heap_, *names_);
  lost_ = find_lost(recording, *heap_, lost_blocks_);
  lost_by_site_ = holders::lost_by_site(*heap_, lost_blocks_);
}

// A cycle of a head, from the member through which most is kept alive; where all keep alike, from the one whose type
// says most.
std::vector<uint32_t> Holders::best_cycle(uint32_t head) {
  const graph::LostBlocks& lost = heap_->graph().lost();
  const std::span<const uint32_t> members = lost.direct(head);
  std::unordered_map<uint32_t, uint32_t> member_of;  // what keeps each of the others
  std::unordered_map<uint32_t, uint64_t> kept;       // bytes, by member
  for (const uint32_t block : lost.indirect(head)) {
    if (member_of.size() == kMostIndirect) break;
    // A block's parent comes before it.
    const uint32_t parent = lost.parent(block);
    const auto found = member_of.find(parent);
    const uint32_t member = found == member_of.end() ? parent : found->second;
    member_of.emplace(block, member);
    kept[member] += heap_->graph().blocks()[block].size;
  }
  uint32_t best = kNone;
  uint64_t most = 0;
  for (const uint32_t member : members) {
    const auto found = kept.find(member);
    if (found == kept.end() || found->second <= most) continue;
    best = member;
    most = found->second;
  }
  for (size_t i = 0; best == kNone && i < std::min(members.size(), kMostMembers); ++i) {
    if (names_->has_type(members[i])) best = members[i];
  }
  return lost.cycle_through(best == kNone ? members.front() : best);
}

void Holders::plan_lost(size_t index) {
  const LostFinding& lost = lost_[index];
  if (lost.finding.folded_sites != 0) return;
  PlannedLost planned;
  planned.way = paths_->plan(lost.example);
  if (lost.finding.kind == model::VerdictKind::kUnreachableCycle) {
    std::vector<uint32_t> members = best_cycle(lost.head);
    if (!members.empty()) planned.cycle = paths_->plan_cycle(std::move(members));
  }
  planned_lost_[index] = planned;
}

void Holders::plan_sites(const std::vector<uint32_t>& sites) {
  for (const auto& [site, holders] : find_site_holders(*heap_, sites)) {
    const auto held = std::find_if(holders.shares.begin(), holders.shares.end(),
                                   [](const HeldShare& share) { return !share.unreachable; });
    if (held == holders.shares.end()) continue;
    planned_sites_[site] = {paths_->plan(held->example), holders.weak};
  }
}

void Holders::plan_who_holds(const model::WhoHoldsQuery& query) {
  who_holds_.query = query.text;
  if (!heap_) return;
  if (query.address) {
    plan_who_holds_address(*query.address);
  } else {
    plan_who_holds_site(query.text);
  }
}

void Holders::plan_who_holds_address(uint64_t address) {
  const graph::Target target = heap_->graph().find(address);
  if (target.block == kNone || target.weak) return;
  const graph::Block& block = heap_->graph().blocks()[target.block];
  who_holds_.matched = {1, block.size};
  model::HeldBlocks& held = who_holds_.blocks.emplace_back();
  held.address = block.address;
  held.blocks = 1;
  held.bytes = block.size;
  held.site = block.site;
  who_holds_ways_.push_back(paths_->plan(target.block));
}

bool Holders::stack_names(uint32_t site, const std::string& text) {
  if (!names_) return false;
  const std::vector<Names::Function> functions = names_->functions(site, Names::kMaxFrames);
  return std::any_of(functions.begin(), functions.end(), [&](const Names::Function& function) {
    return function.name.find(text) != std::string::npos || function.file.find(text) != std::string::npos;
  });
}

void Holders::plan_who_holds_site(const std::string& text) {
  std::vector<bool> seen(recording_->tree.size());
  for (const graph::Block& block : heap_->graph().blocks()) {
    if (block.site < seen.size()) seen[block.site] = true;
  }
  std::vector<uint32_t> sites;
  for (uint32_t site = 0; site < seen.size(); ++site) {
    if (seen[site] && stack_names(site, text)) sites.push_back(site);
  }
  struct Answer {
    uint32_t site;
    HeldShare share;
  };
  std::vector<Answer> answers;
  for (const auto& [site, holders] : find_site_holders(*heap_, sites)) {
    for (const HeldShare& share : holders.shares) {
      answers.push_back({site, share});
      who_holds_.matched.blocks += share.sum.blocks;
      who_holds_.matched.bytes += share.sum.bytes;
    }
  }
  std::sort(answers.begin(), answers.end(), [](const Answer& a, const Answer& b) {
    return a.share.sum.bytes != b.share.sum.bytes ? a.share.sum.bytes > b.share.sum.bytes
                                                  : a.share.example < b.share.example;
  });
  if (answers.size() > kMostWhoHolds) answers.resize(kMostWhoHolds);
  for (const Answer& answer : answers) {
    model::HeldBlocks& held = who_holds_.blocks.emplace_back();
    held.address = heap_->graph().blocks()[answer.share.example].address;
    held.blocks = answer.share.sum.blocks;
    held.bytes = answer.share.sum.bytes;
    held.site = answer.site;
    who_holds_ways_.push_back(paths_->plan(answer.share.example));
  }
}

std::unordered_map<uint32_t, SiteHolders> Holders::site_holders(const std::vector<uint32_t>& sites) const {
  if (!heap_) return {};
  return find_site_holders(*heap_, sites);
}

void Holders::find_places() {
  if (heap_) paths_->find_places();
}

void Holders::fill_lost(size_t index, model::Finding& finding) {
  const auto planned = planned_lost_.find(index);
  if (planned == planned_lost_.end()) return;
  finding.held_by = paths_->held_by(planned->second.way);
  if (planned->second.cycle) finding.cycle = paths_->cycle(*planned->second.cycle);
  std::map<std::string, model::BlockSum> by_type;
  for (const auto& [site, sum] : lost_[index].kept) {
    model::BlockSum& type = by_type[names_->type_of_site(site)];
    type.blocks += sum.blocks;
    type.bytes += sum.bytes;
  }
  for (const auto& [type, sum] : by_type) finding.keeps.push_back({type, sum.blocks, sum.bytes});
  std::stable_sort(finding.keeps.begin(), finding.keeps.end(),
                   [](const model::KeptType& a, const model::KeptType& b) { return a.bytes > b.bytes; });
  if (finding.keeps.size() <= kMostKept) return;
  model::KeptType rest{"other types", 0, 0};
  for (size_t i = kMostKept; i < finding.keeps.size(); ++i) {
    rest.blocks += finding.keeps[i].blocks;
    rest.bytes += finding.keeps[i].bytes;
  }
  finding.keeps.resize(kMostKept);
  finding.keeps.push_back(std::move(rest));
}

void Holders::fill_site(model::Finding& finding) {
  const auto planned = planned_sites_.find(finding.site);
  if (planned == planned_sites_.end()) return;
  finding.held_by = paths_->held_by(planned->second.way);
  if (planned->second.weak.blocks == 0) return;
  finding.evidence.push_back(
      fmt::format("{} ({}) held only by tagged pointers, by pointers to their ends, or by memory of unknown origin",
                  plural(planned->second.weak.blocks, "block"), format_bytes(planned->second.weak.bytes)));
}

model::WhoHolds Holders::who_holds() {
  for (size_t i = 0; i < who_holds_.blocks.size(); ++i) {
    who_holds_.blocks[i].held_by = paths_->held_by(who_holds_ways_[i]);
  }
  return std::move(who_holds_);
}

std::vector<model::Holder> Holders::tree() { return report_holders(*heap_, *names_); }

std::string Holders::allocated_in(uint32_t site) { return names_ ? names_->function_of_site(site) : std::string(); }

}  // namespace tidemark::holders
