#include "analyzer/graph/holder_tree.h"

#include <algorithm>

namespace tidemark::graph {

HolderTree::HolderTree(std::span<const Block> blocks, const ZeroedArray<Reach>& reach, const Dominators& dominators)
    : blocks_(blocks),
      dominators_(dominators),
      row_starts_(dominators.nodes.count() + 2),
      children_(dominators.nodes.count()),
      sorted_(dominators.nodes.count() / 64 + 1) {
  const auto count = static_cast<uint32_t>(dominators.nodes.count());
  const auto for_each_child = [&](auto visit) {
    for (uint32_t node = 0; node < count; ++node) {
      const bool held =
          dominators.nodes.is_block(node) ? reach[node] == Reach::kReachable : dominators.dominator[node] != kNone;
      if (held) visit(node, dominators.dominator[node]);
    }
  };
  // A counting sort: rows are counted two places further, so that filling them leaves each one's begin in its place.
  for_each_child([&](uint32_t, uint32_t parent) { ++row_starts_[size_t{parent} + 2]; });
  for (size_t node = 2; node < size_t{count} + 2; ++node) row_starts_[node] += row_starts_[node - 1];
  for_each_child([&](uint32_t child, uint32_t parent) { children_[row_starts_[size_t{parent} + 1]++] = child; });
}

std::span<const uint32_t> HolderTree::children(uint32_t node) {
  const size_t begin = row_starts_[node];
  const size_t count = row_starts_[size_t{node} + 1] - begin;
  if (count == 0) return {};
  const std::span<uint32_t> row(&children_[begin], count);
  uint64_t& word = sorted_[node / 64];
  const uint64_t bit = uint64_t{1} << node % 64;
  if ((word & bit) == 0) {
    word |= bit;
    std::sort(row.begin(), row.end(), [this](uint32_t one, uint32_t other) {
      return retained(one) != retained(other) ? retained(one) > retained(other) : one < other;
    });
  }
  return row;
}

uint32_t HolderTree::heaviest_child(uint32_t node) const noexcept {
  uint32_t heaviest = kNone;
  for (size_t at = row_starts_[node]; at < row_starts_[size_t{node} + 1]; ++at) {
    const uint32_t child = children_[at];
    const bool heavier = heaviest == kNone || retained(child) > retained(heaviest) ||
                         (retained(child) == retained(heaviest) && child < heaviest);
    if (heavier) heaviest = child;
  }
  return heaviest;
}

uint32_t HolderTree::accumulation_point(uint32_t node, double share) const noexcept {
  uint32_t list = node;  // the first of those blocks on the way that are of the site of `node`
  for (;;) {
    const uint32_t child = heaviest_child(node);
    if (child == kNone || static_cast<double>(retained(child)) < share * static_cast<double>(retained(node)))
      return node;
    if (!same_site(list, child)) {
      list = child;
    } else if (static_cast<double>(retained(child)) < share * static_cast<double>(retained(list))) {
      return list;
    }
    node = child;
  }
}

}  // namespace tidemark::graph
