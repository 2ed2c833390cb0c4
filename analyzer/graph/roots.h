// The words outside the heap that point into it. A group is one object of the caller's that holds some: a variable, a
// slot of a frame, a register.
//
// Memory: 8 bytes per word, 1 per group. Not thread-safe before finish().
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analyzer/graph/block.h"

namespace tidemark::graph {

struct RootWord {
  uint32_t group;
  uint32_t block : 31;
  uint32_t weak : 1;
};
static_assert(sizeof(RootWord) == 8);

class Roots {
 public:
  // `group` below kMaxGroups (else it is counted and left out), and used for one kind: of several, the first in the
  // order of RootKind stands. Words of kind kWeak are weak.
  void add(uint32_t group, RootKind kind, uint32_t block, bool weak);
  // To be called before anything below.
  void finish();

  uint32_t group_count() const noexcept { return static_cast<uint32_t>(kinds_.size()); }
  // kBlockItself if `group` is kNone.
  RootKind kind(uint32_t group) const noexcept { return group == kNone ? RootKind::kBlockItself : kinds_[group]; }
  // In the order of kinds, then groups, then blocks; weak words behind full ones of their group.
  std::span<const RootWord> words() const noexcept { return words_; }
  uint64_t over_limit() const noexcept { return over_limit_; }

 private:
  std::vector<RootWord> words_;
  std::vector<RootKind> kinds_;
  uint64_t over_limit_ = 0;
};

}  // namespace tidemark::graph
