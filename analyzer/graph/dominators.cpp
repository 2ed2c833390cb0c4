#include "analyzer/graph/dominators.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tidemark::graph {
namespace {

// How far ahead of their turn things are fetched: the rows of a block's targets, in edges; predecessors' entries, in
// edges; and the steps of for_each_edge, in nodes.
constexpr size_t kRowsAhead = 6;
constexpr uint32_t kPredecessorsAhead = 24;
constexpr uint32_t kStepAhead = 6;

// Reachable nodes have a number in the order of a depth-first search; 0 is the virtual root. All of what follows works
// on these numbers: neighbours in the graph are mostly neighbours in memory then.
//
// An entry is "linked" once all greater numbers and it have been handled (they are, from the last to the first). What
// only matters before lies in the same place as what only matters after: 16 bytes instead of 28, in one line of the
// cache.
struct Entry {
  uint32_t ancestor;  // the parent in the search's tree; linked: an ancestor, which compression moves up
  uint32_t semi;      // linked: the semidominator. Before: the first of the chain that waits for it, 0 if there is none
  uint32_t label;     // linked: the number with the least semidominator from here up to below `ancestor`.
                      // Before: where its predecessors end; they begin where those of the number before end
  uint32_t dominator;  // waiting: the next of the chain. Later: the dominator, or one that has the same dominator
};

class Builder {
 public:
  Builder(std::span<const Block> blocks, const Edges& edges, const Roots& roots)
      : blocks_(blocks),
        edges_(edges),
        roots_(roots),
        nodes_{static_cast<uint32_t>(blocks.size()), roots.group_count()},
        node_of_(nodes_.count()),
        entries_(nodes_.count()) {}

  Dominators run() {
    number_nodes();
    collect_predecessors();
    link_all();
    return measure();
  }

 private:
  uint32_t add_number(uint32_t node, uint32_t parent) {
    node_of_[numbers_] = node;
    entries_[numbers_].ancestor = parent;
    return numbers_++;
  }

  void number_nodes();
  void search_from(uint32_t block, uint32_t parent);
  void prefetch_edges(uint32_t number) const;
  template <class Visitor>
  void for_each_edge(Visitor visit) const;
  void collect_predecessors();
  uint32_t least_semi(uint32_t number, uint32_t first_linked);
  void link_all();
  Dominators measure();

  struct Step {
    uint32_t number;
    uint32_t next;  // of the block's edges
  };

  std::span<const Block> blocks_;
  const Edges& edges_;
  const Roots& roots_;
  NodeNumbers nodes_;
  uint32_t numbers_ = 0;
  ZeroedArray<uint32_t> node_of_;    // by number
  ZeroedArray<uint32_t> number_of_;  // by node; 0: not reachable (or the root)
  ZeroedArray<Entry> entries_;       // by number
  std::vector<uint64_t> visited_;    // a bit per block
  std::vector<Step> steps_;
  std::vector<uint32_t, HugePageAllocator<uint32_t>> predecessors_;
  std::vector<uint32_t> path_;
};

void Builder::number_nodes() {
  visited_.assign(blocks_.size() / 64 + 1, 0);
  add_number(nodes_.root(), 0);
  uint32_t group = kNone;
  uint32_t group_number = 0;
  for (const RootWord word : roots_.words()) {
    if (word.weak != 0) continue;
    if (word.group != group) {
      group = word.group;
      group_number = add_number(nodes_.of_group(group), 0);
    }
    search_from(word.block, group_number);
  }
  for (uint32_t block = 0; block < blocks_.size(); ++block) {
    if ((blocks_[block].flags & (kInFlight | kRootBlock)) != 0) search_from(block, 0);
  }
  std::vector<uint64_t>().swap(visited_);
  std::vector<Step>().swap(steps_);
}

void Builder::search_from(uint32_t block, uint32_t parent) {
  const auto visit = [this](uint32_t target, uint32_t from) {
    uint64_t& word = visited_[target / 64];
    const uint64_t bit = uint64_t{1} << target % 64;
    if ((word & bit) != 0) return;
    word |= bit;
    const uint32_t number = add_number(target, from);
    const std::span<const uint32_t> targets = edges_.targets(target);
    if (targets.empty()) return;
    for (const uint32_t next : targets.first(std::min(targets.size(), kRowsAhead))) edges_.prefetch_row(next);
    steps_.push_back({number, 0});
  };
  visit(block, parent);
  while (!steps_.empty()) {
    Step& step = steps_.back();
    const std::span<const uint32_t> targets = edges_.targets(node_of_[step.number]);
    if (step.next == targets.size()) {
      steps_.pop_back();
      continue;
    }
    const uint32_t target = targets[step.next++];
    if (step.next < targets.size()) edges_.prefetch_targets(targets[step.next]);
    if (step.next + kRowsAhead <= targets.size()) edges_.prefetch_row(targets[step.next + kRowsAhead - 1]);
    visit(target, step.number);
  }
}

// Row, targets, their numbers, their entries: each needs the one before.
void Builder::prefetch_edges(uint32_t number) const {
  const auto block_at = [&](uint32_t steps) {
    const uint32_t node = node_of_[number + steps * kStepAhead];
    return nodes_.is_block(node) ? node : 0;
  };
  const auto few = [](std::span<const uint32_t> targets) { return targets.first(std::min<size_t>(targets.size(), 8)); };
  edges_.prefetch_row(block_at(4));
  edges_.prefetch_targets(block_at(3));
  for (const uint32_t target : few(edges_.targets(block_at(2)))) __builtin_prefetch(&number_of_[target]);
  for (const uint32_t target : few(edges_.targets(block_at(1)))) __builtin_prefetch(&entries_[number_of_[target]]);
}

// Calls visit(number of the source, number of the target) for all edges between reachable nodes, in the same order each
// time.
template <class Visitor>
void Builder::for_each_edge(Visitor visit) const {
  for (uint32_t number = 1; number < numbers_; ++number) {
    const uint32_t node = node_of_[number];
    if (!nodes_.is_block(node)) continue;
    if (number + 4 * kStepAhead < numbers_) prefetch_edges(number);
    for (const uint32_t target : edges_.targets(node)) visit(number, number_of_[target]);
  }
  for (const RootWord word : roots_.words()) {
    if (word.weak == 0) visit(number_of_[nodes_.of_group(word.group)], number_of_[word.block]);
  }
  for (uint32_t block = 0; block < blocks_.size(); ++block) {
    if ((blocks_[block].flags & (kInFlight | kRootBlock)) != 0) visit(0, number_of_[block]);
  }
}

// A counting sort by target. The edges of the search's tree are left out: link_all begins with them.
void Builder::collect_predecessors() {
  number_of_ = ZeroedArray<uint32_t>(nodes_.count());
  for (uint32_t number = 0; number < numbers_; ++number) number_of_[node_of_[number]] = number;
  for_each_edge([this](uint32_t source, uint32_t target) {
    Entry& entry = entries_[target];
    if (entry.ancestor != source) ++entry.label;
  });
  uint32_t begin = 0;
  for (uint32_t number = 0; number < numbers_; ++number) {
    begin += std::exchange(entries_[number].label, begin);
  }
  predecessors_.resize(begin);
  for_each_edge([this](uint32_t source, uint32_t target) {
    Entry& entry = entries_[target];
    if (entry.ancestor != source) predecessors_[entry.label++] = source;
  });
  number_of_ = {};
}

// The least semidominator on the way from `number` up to the first that is not linked, that one not counted: as the
// number that has it. Shortens the way for the next time.
uint32_t Builder::least_semi(uint32_t number, uint32_t first_linked) {
  uint32_t above = entries_[number].ancestor;
  if (above < first_linked) return entries_[number].label;
  uint32_t at = number;
  while (above >= first_linked) {
    path_.push_back(at);
    at = above;
    above = entries_[at].ancestor;
  }
  while (!path_.empty()) {
    Entry& entry = entries_[path_.back()];
    path_.pop_back();
    const Entry& next = entries_[entry.ancestor];
    if (entries_[next.label].semi < entries_[entry.label].semi) entry.label = next.label;
    entry.ancestor = next.ancestor;
  }
  return entries_[number].label;
}

void Builder::link_all() {
  for (uint32_t number = numbers_ - 1; number > 0; --number) {
    Entry& entry = entries_[number];
    const uint32_t parent = entry.ancestor;
    uint32_t semi = parent;
    const uint32_t begin = entries_[number - 1].label;
    for (uint32_t i = entry.label; i > begin && semi != 0;) {
      const uint32_t source = predecessors_[--i];
      if (i >= kPredecessorsAhead) __builtin_prefetch(&entries_[predecessors_[i - kPredecessorsAhead]]);
      semi = std::min(semi, source < number ? source : entries_[least_semi(source, number + 1)].semi);
    }
    entry.label = number;
    entry.semi = semi;
    if (semi == parent) {
      entry.dominator = parent;
    } else {
      // Waits at its semidominator until the part of the tree between the two is linked.
      entry.dominator = std::exchange(entries_[semi].semi, number);
    }
    for (uint32_t waiting = std::exchange(entries_[parent].semi, 0); waiting != 0;) {
      Entry& one = entries_[waiting];
      const uint32_t least = least_semi(waiting, number);
      waiting = std::exchange(one.dominator, entries_[least].semi < one.semi ? least : parent);
    }
  }
  for (uint32_t number = 1; number < numbers_; ++number) {
    Entry& entry = entries_[number];
    if (entry.dominator != entry.semi) entry.dominator = entries_[entry.dominator].dominator;
  }
  decltype(predecessors_)().swap(predecessors_);
  std::vector<uint32_t>().swap(path_);
}

Dominators Builder::measure() {
  ZeroedArray<uint32_t> dominator(numbers_);
  for (uint32_t number = 0; number < numbers_; ++number) dominator[number] = entries_[number].dominator;
  entries_ = {};
  ZeroedArray<uint64_t> retained(numbers_);
  for (uint32_t number = numbers_; number-- > 1;) {
    if (nodes_.is_block(node_of_[number])) retained[number] += blocks_[node_of_[number]].size;
    retained[dominator[number]] += retained[number];
  }
  Dominators result{nodes_, ZeroedArray<uint32_t>(nodes_.count()), ZeroedArray<uint64_t>(nodes_.count())};
  for (uint32_t group = 0; group < nodes_.groups; ++group) result.dominator[nodes_.of_group(group)] = kNone;
  for (uint32_t number = 0; number < numbers_; ++number) {
    result.dominator[node_of_[number]] = node_of_[dominator[number]];
    result.retained[node_of_[number]] = retained[number];
  }
  result.dominator[nodes_.root()] = kNone;
  return result;
}

}  // namespace

Dominators find_dominators(std::span<const Block> blocks, const Edges& edges, const Roots& roots) {
  return Builder(blocks, edges, roots).run();
}

}  // namespace tidemark::graph
