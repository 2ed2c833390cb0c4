#include "analyzer/classify/units.h"

#include <algorithm>
#include <utility>

#include "analyzer/classify/history.h"

namespace tidemark::classify {
namespace {

void join(Unit& into, Unit&& other) {
  if (into.sites.size() < other.sites.size()) std::swap(into.sites, other.sites);
  into.sites.insert(into.sites.end(), other.sites.begin(), other.sites.end());
  into.held.blocks += other.held.blocks;
  into.held.bytes += other.held.bytes;
  into.most_bytes += other.most_bytes;
}

}  // namespace

Units find_units(const replay::Recording& recording, const Life& life, double least,
                 const std::function<model::BlockSum(uint32_t site)>& held) {
  Units found;
  const replay::CallTree& tree = recording.tree;
  std::vector<Unit> pending(tree.size());
  // A caller's number is lower than those of what it calls.
  for (uint32_t node = static_cast<uint32_t>(tree.size()); node-- > 0;) {
    Unit& unit = pending[node];
    if (tree.totals(node).allocations != 0) {
      Unit own;
      own.held = held(node);
      own.most_bytes =
          std::max(most_live(recording.generations.cells(node), life.end), static_cast<double>(own.held.bytes));
      own.sites = {node};
      if (own.most_bytes >= least) {
        own.node = node;
        found.units.push_back(std::move(own));
      } else if (own.most_bytes > 0) {
        join(unit, std::move(own));
      }
    }
    if (unit.sites.empty()) continue;
    if (unit.most_bytes >= least && node != 0) {
      unit.node = node;
      std::sort(unit.sites.begin(), unit.sites.end(), [&](uint32_t a, uint32_t b) {
        const uint64_t of_a = held(a).bytes, of_b = held(b).bytes;
        return of_a != of_b ? of_a > of_b : a < b;
      });
      found.units.push_back(std::move(unit));
    } else if (node != 0) {
      join(pending[tree.node(node).parent], std::move(unit));
    } else {
      found.folded = std::move(unit);
    }
    unit = {};
  }
  return found;
}

}  // namespace tidemark::classify
