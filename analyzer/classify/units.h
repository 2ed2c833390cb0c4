// Sites that are judged together. A site that holds enough is a unit of its own; smaller ones join those of the callers
// they share, from the leaves of the call tree upwards, until together they hold enough. What is left at the root is
// too little to judge, and is folded.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "analyzer/classify/life.h"
#include "analyzer/model/heap.h"
#include "analyzer/replay/recording.h"

namespace tidemark::classify {

struct Unit {
  uint32_t node = 0;            // of the call tree: the site, or the caller that its sites share
  std::vector<uint32_t> sites;  // the one with the most bytes first
  model::BlockSum held;         // live when the working life ends, without what is accounted for elsewhere
  double most_bytes = 0;        // the most that lived at the end of a slice, about
};

struct Units {
  std::vector<Unit> units;
  Unit folded;
};

// `held(site)`: what is live of it when the working life ends. Units hold, or have held, at least `least` bytes.
Units find_units(const replay::Recording& recording, const Life& life, double least,
                 const std::function<model::BlockSum(uint32_t site)>& held);

}  // namespace tidemark::classify
