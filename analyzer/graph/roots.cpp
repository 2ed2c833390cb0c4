#include "analyzer/graph/roots.h"

#include <algorithm>
#include <tuple>

namespace tidemark::graph {

void Roots::add(uint32_t group, RootKind kind, uint32_t block, bool weak) {
  if (group >= kMaxGroups || words_.size() >= kMaxRootWords) {
    ++over_limit_;
    return;
  }
  if (group >= kinds_.size()) kinds_.resize(size_t{group} + 1, RootKind::kWeak);
  kinds_[group] = std::min(kinds_[group], kind);
  words_.push_back({group, block, weak || kind == RootKind::kWeak});
}

void Roots::finish() {
  const auto key = [this](RootWord word) {
    return std::tuple(kinds_[word.group], word.group, uint32_t{word.weak}, uint32_t{word.block});
  };
  std::sort(words_.begin(), words_.end(), [&](RootWord one, RootWord other) { return key(one) < key(other); });
  const auto same = [&](RootWord one, RootWord other) { return key(one) == key(other); };
  words_.erase(std::unique(words_.begin(), words_.end(), same), words_.end());
}

}  // namespace tidemark::graph
