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

// What a site holds is looked up once for each: there may be a million.
void sort_by_bytes(std::vector<uint32_t>& sites, const std::function<model::BlockSum(uint32_t site)>& held) {
  std::vector<std::pair<uint64_t, uint32_t>> sums;
  sums.reserve(sites.size());
  for (const uint32_t site : sites) sums.emplace_back(held(site).bytes, site);
  std::sort(sums.begin(), sums.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  for (size_t i = 0; i < sites.size(); ++i) sites[i] = sums[i].second;
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
      sort_by_bytes(unit.sites, held);
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
