#include "analyzer/graph/edges.h"

#include <algorithm>

namespace tidemark::graph {

void Edges::add(uint32_t source, uint32_t target) {
  if (targets_.size() + late_.size() >= kMaxEdges) {
    ++over_limit_;
    return;
  }
  if (source < rows_begun_) {
    late_.push_back({source, target});
    return;
  }
  const auto end = static_cast<uint32_t>(targets_.size());
  while (rows_begun_ < source) row_starts_[++rows_begun_] = end;
  if (end != row_starts_[source] && targets_.back() == target) return;
  targets_.push_back(target);
}

void Edges::add_weak(uint32_t source, uint32_t target) {
  if (!weak_.empty() && weak_.back() == Edge{source, target}) return;
  weak_.push_back({source, target});
}

void Edges::finish() {
  const auto end = static_cast<uint32_t>(targets_.size());
  while (rows_begun_ < block_count_) row_starts_[++rows_begun_] = end;
  if (!late_.empty()) merge_late();
  std::sort(weak_.begin(), weak_.end());
  weak_.erase(std::unique(weak_.begin(), weak_.end()), weak_.end());
}

// From the last row to the first, so that nothing is overwritten before it has moved.
void Edges::merge_late() {
  std::sort(late_.begin(), late_.end());
  size_t row_end = targets_.size();
  size_t to = row_end + late_.size();
  targets_.resize(to);
  for (uint32_t block = block_count_; block-- > 0;) {
    row_starts_[block + 1] = static_cast<uint32_t>(to);
    while (!late_.empty() && late_.back().source == block) {
      targets_[--to] = late_.back().target;
      late_.pop_back();
    }
    const size_t row_start = row_starts_[block];
    while (row_end > row_start) targets_[--to] = targets_[--row_end];
  }
  std::vector<Edge>().swap(late_);
}

std::span<const Edge> Edges::weak_from(uint32_t block) const noexcept {
  const auto [begin, end] = std::equal_range(weak_.begin(), weak_.end(), Edge{block, 0},
                                             [](Edge one, Edge other) { return one.source < other.source; });
  return {weak_.data() + (begin - weak_.begin()), weak_.data() + (end - weak_.begin())};
}

}  // namespace tidemark::graph
