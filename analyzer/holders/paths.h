// Ways from a root to a block, and cycles, as they are shown: with types, and with the place in each block where the
// pointer to the next one lies. The graph does not keep these places: what is to be shown is planned first, then one
// pass over the picture's words finds all places at once.
//
// Costs: the pass takes about 10 ns per word. Walking up a long way takes time, too (a list may have ten million
// blocks): beyond kMaxSteps of them in all, ways are left out. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "analyzer/holders/heap_picture.h"
#include "analyzer/holders/names.h"
#include "analyzer/model/heap.h"

namespace tidemark::holders {

class Paths {
 public:
  static constexpr size_t kMostShown = 12;           // steps of a way; the rest is left out before the last one
  static constexpr uint64_t kMaxSteps = 50'000'000;  // walked in all
  static constexpr size_t kMostMembers = 64;         // of a cycle

  Paths(HeapPicture& heap, Names& names) : heap_(heap), names_(names) {}

  // The number of a way to `block`, from its root, or if it is unreachable, from its head.
  size_t plan(uint32_t block);
  // Of a cycle, from its first member through all of them back to it.
  size_t plan_cycle(std::vector<uint32_t> members);

  // Once, when all is planned.
  void find_places();

  model::HeldBy held_by(size_t plan);
  std::vector<model::CycleMember> cycle(size_t plan);

 private:
  struct Plan {
    uint32_t group = graph::kNone;
    bool weak = false;
    bool unreachable = false;
    std::vector<uint32_t> blocks;  // that are shown
    std::vector<uint32_t> next;    // the block that each of them points to; of the last one kNone
    uint64_t elided = 0;
  };
  // The pointer to `target` between two addresses.
  struct Wanted {
    uint64_t start, end;
    uint32_t target;
  };
  using Key = std::pair<uint64_t, uint32_t>;  // start, target

  void want(uint64_t start, uint64_t end, uint32_t target);
  void want_edge(uint32_t block, uint32_t target);
  // The address of a pointer that was wanted; 0: none was found.
  uint64_t place(uint64_t start, uint32_t target) const;
  uint64_t offset(uint32_t block, uint32_t target) const;

  HeapPicture& heap_;
  Names& names_;
  std::vector<Plan> plans_;
  std::vector<Wanted> wanted_;
  std::map<Key, uint64_t> places_;
  uint64_t steps_ = 0;
};

}  // namespace tidemark::holders
