#include "analyzer/holders/paths.h"

#include <algorithm>
#include <unordered_map>

namespace tidemark::holders {

using graph::Block;
using graph::kNone;
using graph::Reach;

void Paths::want(uint64_t start, uint64_t end, uint32_t target) {
  if (places_.try_emplace({start, target}, 0).second) wanted_.push_back({start, end, target});
}

void Paths::want_edge(uint32_t block, uint32_t target) {
  const Block& from = heap_.graph().blocks()[block];
  want(from.address, from.address + from.size, target);
}

size_t Paths::plan(uint32_t block) {
  const graph::HeapGraph& graph = heap_.graph();
  Plan& plan = plans_.emplace_back();
  const Reach reach = graph.reach(block);
  plan.group = graph.root_group(block);
  plan.weak = reach == Reach::kWeak;
  plan.unreachable = reach == Reach::kUnreachable;
  std::vector<uint32_t> way;  // backwards
  for (uint32_t one = block; one != kNone && steps_ < kMaxSteps; one = graph.parent(one), ++steps_) way.push_back(one);
  if (steps_ >= kMaxSteps) way = {block};
  std::reverse(way.begin(), way.end());

  plan.elided = way.size() - std::min(way.size(), kMostShown);
  for (size_t i = 0; i < way.size(); ++i) {
    if (plan.elided != 0 && i + 1 >= kMostShown && i + 1 < way.size()) continue;
    plan.blocks.push_back(way[i]);
    plan.next.push_back(i + 1 < way.size() ? way[i + 1] : kNone);
    if (i + 1 < way.size()) want_edge(way[i], way[i + 1]);
  }
  if (plan.group != kNone) {
    const RootGroup& group = heap_.groups().all()[plan.group];
    if (group.start < group.end) want(group.start, group.end, way.front());
  }
  return plans_.size() - 1;
}

size_t Paths::plan_cycle(std::vector<uint32_t> members) {
  Plan& plan = plans_.emplace_back();
  plan.elided = members.size() - std::min(members.size(), kMostMembers);
  for (size_t i = 0; i < members.size(); ++i) {
    if (plan.elided != 0 && i + 1 >= kMostMembers && i + 1 < members.size()) continue;
    plan.blocks.push_back(members[i]);
    plan.next.push_back(members[(i + 1) % members.size()]);
    want_edge(members[i], plan.next.back());
  }
  return plans_.size() - 1;
}

void Paths::find_places() {
  if (wanted_.empty()) return;
  // Where any pointer is looked for, disjoint and ascending: most words are none of these.
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  std::unordered_map<uint32_t, std::vector<Wanted>> by_target;
  for (const Wanted& one : wanted_) {
    ranges.emplace_back(one.start, one.end);
    by_target[one.target].push_back(one);
  }
  std::sort(ranges.begin(), ranges.end());
  size_t merged = 0;
  for (const auto& range : ranges) {
    if (merged != 0 && range.first <= ranges[merged - 1].second) {
      ranges[merged - 1].second = std::max(ranges[merged - 1].second, range.second);
    } else {
      ranges[merged++] = range;
    }
  }
  ranges.resize(merged);

  size_t cursors[replay::WordReader::kKinds] = {};
  std::map<Key, uint64_t> weak_places;
  replay::WordReader reader(heap_.file(), heap_.picture().head);
  reader.run([&](trace::WordsRecord::Kind kind, uint64_t source, uint64_t value) {
    if (kind != trace::WordsRecord::kPlain && kind != trace::WordsRecord::kTagged) return;
    size_t& cursor = cursors[kind];
    while (cursor < ranges.size() && ranges[cursor].second <= source) ++cursor;
    if (cursor == ranges.size() || source < ranges[cursor].first) return;
    const graph::Target target = heap_.graph().find(value);
    const auto found = by_target.find(target.block);
    if (found == by_target.end()) return;
    const bool weak = target.weak || kind == trace::WordsRecord::kTagged;
    for (const Wanted& one : found->second) {
      if (source < one.start || source >= one.end) continue;
      uint64_t& place = (weak ? weak_places : places_)[{one.start, one.target}];
      if (place == 0) place = source;
    }
  });
  for (const auto& [key, place] : weak_places) {
    if (places_[key] == 0) places_[key] = place;
  }
  wanted_ = {};
}

uint64_t Paths::place(uint64_t start, uint32_t target) const {
  const auto found = places_.find({start, target});
  return found == places_.end() ? 0 : found->second;
}

uint64_t Paths::offset(uint32_t block, uint32_t target) const {
  const uint64_t start = heap_.graph().blocks()[block].address;
  const uint64_t found = place(start, target);
  return found == 0 ? 0 : found - start;
}

model::HeldBy Paths::held_by(size_t number) {
  const Plan& plan = plans_[number];
  model::HeldBy held;
  if (plan.group != kNone) {
    held = names_.root(plan.group, place(heap_.groups().all()[plan.group].start, plan.blocks.front()));
  } else if (!plan.unreachable) {
    held.kind = model::HolderKind::kHeap;
  }
  held.weak = plan.weak;
  held.elided = plan.elided;
  for (size_t i = 0; i < plan.blocks.size(); ++i) {
    model::PathStep& step = held.path.emplace_back();
    step.type = names_.type(plan.blocks[i]);
    if (plan.next[i] == kNone) continue;
    const uint64_t place = offset(plan.blocks[i], plan.next[i]);
    step.offset = names_.offset_in_type(plan.blocks[i], place);
    step.field = names_.field(plan.blocks[i], place);
  }
  return held;
}

std::vector<model::CycleMember> Paths::cycle(size_t number) {
  const Plan& plan = plans_[number];
  std::vector<model::CycleMember> members;
  for (size_t i = 0; i < plan.blocks.size(); ++i) {
    model::CycleMember& member = members.emplace_back();
    member.type = names_.type(plan.blocks[i]);
    member.bytes = heap_.graph().blocks()[plan.blocks[i]].size;
    const uint64_t place = offset(plan.blocks[i], plan.next[i]);
    member.offset = names_.offset_in_type(plan.blocks[i], place);
    member.field = names_.field(plan.blocks[i], place);
  }
  return members;
}

}  // namespace tidemark::holders
