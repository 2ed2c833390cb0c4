// Joins units that are one cause: of the same class and kind, held by the same root, and allocated below a caller that
// both share closely. The array of a growing container and the strings in it are one leak.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analyzer/classify/rules.h"
#include "analyzer/classify/units.h"
#include "analyzer/replay/call_tree.h"

namespace tidemark::classify {

struct Cause {
  Unit unit;
  Judgement judgement;
  std::optional<uint32_t> root;  // that holds most of it; empty: not known
  bool joined = false;           // of several units
};

// A cause that was joined has the judgement of the unit with the most bytes.
std::vector<Cause> join_causes(const replay::CallTree& tree, std::vector<Cause> units);

}  // namespace tidemark::classify
