#include "analyzer/graph/lost_blocks.h"

#include <algorithm>
#include <unordered_map>

namespace tidemark::graph {
namespace {

// How far ahead of their turn things are fetched. Depth first, of so many edges of the block that was reached; breadth
// first, so many blocks ahead in the queue, where each step needs the one before.
constexpr size_t kRowsAhead = 6;
constexpr size_t kStepAhead = 6;

}  // namespace

LostBlocks::LostBlocks(std::span<const Block> blocks, const Edges& edges, const ZeroedArray<Reach>& reach)
    : blocks_(blocks),
      edges_(&edges),
      lost_(static_cast<uint32_t>(blocks.size()), [&](uint32_t block) { return reach[block] == Reach::kUnreachable; }),
      component_(lost_.count()),
      head_of_(lost_.count()),
      parent_(lost_.count()),
      in_cycle_(lost_.count()) {
  find_components();
  find_heads();
}

// In component_, a block has 0 before it is visited; then the least order of visiting that it is known to lead to; and
// at last its component's number. Numbers of components are given out downwards from the number of blocks, so that they
// are greater than all orders then in use: finished blocks are never taken for a way up.
void LostBlocks::find_components() {
  struct Step {
    uint32_t block;
    uint32_t index;  // in lost_
    uint32_t next;   // of its edges
    bool leads_up;   // to a block visited before it
  };
  std::vector<Step> steps;
  std::vector<uint32_t> waiting;  // indices: visited, left, and in a component whose first block is still on the way
  uint32_t order = 1;
  uint32_t number = lost_.count();
  const auto visit = [&](uint32_t block, uint32_t index) {
    component_[index] = order++;
    steps.push_back({block, index, 0, false});
    const std::span<const uint32_t> targets = edges_->targets(block);
    for (const uint32_t next : targets.first(std::min(targets.size(), kRowsAhead))) {
      edges_->prefetch_row(next);
      __builtin_prefetch(&component_[lost_.index(next)]);
    }
  };
  for (uint32_t start = 0; start < blocks_.size(); ++start) {
    if (!is_lost(start) || component_[lost_.index(start)] != 0) continue;
    visit(start, lost_.index(start));
    while (!steps.empty()) {
      Step& step = steps.back();
      const std::span<const uint32_t> targets = edges_->targets(step.block);
      if (step.next < targets.size()) {
        const uint32_t target = targets[step.next];
        const uint32_t index = lost_.index(target);
        if (!is_lost(target)) {
          ++step.next;
        } else if (component_[index] == 0) {
          if (step.next + 1 < targets.size()) edges_->prefetch_targets(targets[step.next + 1]);
          visit(target, index);  // and look at it again when it is done
        } else {
          if (component_[index] < component_[step.index]) {
            component_[step.index] = component_[index];
            step.leads_up = true;
          }
          ++step.next;
        }
        continue;
      }
      const uint32_t index = step.index;
      const bool leads_up = step.leads_up;
      steps.pop_back();
      if (leads_up) {
        waiting.push_back(index);
        continue;
      }
      const uint32_t first = component_[index];
      bool cycle = false;
      --order;
      while (!waiting.empty() && component_[waiting.back()] >= first) {
        component_[waiting.back()] = number;
        in_cycle_[waiting.back()] = true;
        waiting.pop_back();
        --order;
        cycle = true;
      }
      component_[index] = number--;
      in_cycle_[index] = cycle;
    }
  }
  component_count_ = lost_.count() - number;
}

// By component: some other unreachable component points to it.
std::vector<bool> LostBlocks::find_pointed_to() const {
  std::vector<bool> pointed_to(size_t{lost_.count()} + 1);
  for (uint32_t block = 0; block < blocks_.size(); ++block) {
    if (block + kStepAhead < blocks_.size()) {
      for (const uint32_t target : edges_->targets(block + kStepAhead)) {
        __builtin_prefetch(&component_[lost_.index(target)]);
      }
    }
    if (!is_lost(block)) continue;
    const uint32_t own = component(block);
    for (const uint32_t target : edges_->targets(block)) {
      if (is_lost(target) && component(target) != own) pointed_to[component(target)] = true;
    }
  }
  return pointed_to;
}

void LostBlocks::find_heads() {
  const std::vector<bool> pointed_to = find_pointed_to();
  for (uint32_t index = 0; index < lost_.count(); ++index) head_of_[index] = kNone;
  by_head_.reserve(lost_.count());
  for (uint32_t block = 0; block < blocks_.size(); ++block) {
    if (is_lost(block) && !pointed_to[component(block)] && head_of(block) == kNone) add_head(block);
  }
}

void LostBlocks::prefetch_heads(size_t at) const {
  edges_->prefetch_row(by_head_[at + 3 * kStepAhead]);
  edges_->prefetch_targets(by_head_[at + 2 * kStepAhead]);
  const std::span<const uint32_t> targets = edges_->targets(by_head_[at + kStepAhead]);
  for (const uint32_t target : targets.first(std::min(targets.size(), kRowsAhead))) {
    __builtin_prefetch(&head_of_[lost_.index(target)]);
    __builtin_prefetch(&component_[lost_.index(target)]);
  }
}

// Breadth first, with by_head_ as the queue: through the component first, whose blocks all lead to each other, and then
// through all else that belongs to no head yet.
void LostBlocks::add_head(uint32_t block) {
  const auto head = static_cast<uint32_t>(heads_.size());
  const size_t begin = by_head_.size();
  const uint32_t own = component(block);
  const bool cycle = in_cycle(block);
  const auto take = [&](uint32_t one, uint32_t parent) {
    const uint32_t index = lost_.index(one);
    if (!is_lost(one) || head_of_[index] != kNone) return;
    head_of_[index] = head;
    parent_[index] = parent;
    by_head_.push_back(one);
  };
  take(block, kNone);
  for (size_t at = begin; at < by_head_.size() && cycle; ++at) {
    if (at + 3 * kStepAhead < by_head_.size()) prefetch_heads(at);
    for (const uint32_t target : edges_->targets(by_head_[at])) {
      if (component(target) == own) take(target, kNone);
    }
  }
  heads_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(by_head_.size() - begin)});
  std::sort(by_head_.begin() + static_cast<ptrdiff_t>(begin), by_head_.end());
  for (size_t at = begin; at < by_head_.size(); ++at) {
    if (at + 3 * kStepAhead < by_head_.size()) prefetch_heads(at);
    const uint32_t from = by_head_[at];
    for (const uint32_t target : edges_->targets(from)) take(target, from);
  }
}

std::span<const uint32_t> LostBlocks::direct(uint32_t head) const noexcept {
  return {by_head_.data() + heads_[head].begin, heads_[head].direct};
}

std::span<const uint32_t> LostBlocks::indirect(uint32_t head) const noexcept {
  return {by_head_.data() + heads_[head].begin + heads_[head].direct, by_head_.data() + extent_end(head)};
}

Head LostBlocks::head(uint32_t head) const noexcept {
  const std::span<const uint32_t> members = direct(head);
  const std::span<const uint32_t> others = indirect(head);
  Head result;
  result.block = members.front();
  result.cycle = members.size() > 1;
  result.direct_blocks = static_cast<uint32_t>(members.size());
  result.indirect_blocks = static_cast<uint32_t>(others.size());
  for (const uint32_t block : members) result.direct_bytes += blocks_[block].size;
  for (const uint32_t block : others) result.indirect_bytes += blocks_[block].size;
  return result;
}

std::vector<uint32_t> LostBlocks::cycle_through(uint32_t block, size_t max_visited) const {
  if (!in_cycle(block)) return {};
  std::unordered_map<uint32_t, uint32_t> parents{{block, kNone}};
  std::vector<uint32_t> queue{block};
  for (size_t at = 0; at < queue.size() && at < max_visited; ++at) {
    const uint32_t from = queue[at];
    for (const uint32_t target : edges_->targets(from)) {
      if (target == block) {
        std::vector<uint32_t> cycle;
        for (uint32_t one = from; one != kNone; one = parents.at(one)) cycle.push_back(one);
        std::reverse(cycle.begin(), cycle.end());
        return cycle;
      }
      if (component(target) != component(block) || queue.size() >= max_visited) continue;
      if (parents.emplace(target, from).second) queue.push_back(target);
    }
  }
  return {};
}

}  // namespace tidemark::graph
