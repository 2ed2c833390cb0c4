#include "analyzer/classify/causes.h"

#include <algorithm>
#include <map>
#include <span>
#include <tuple>
#include <utility>

namespace tidemark::classify {
namespace {

// Frames between a unit and the caller that it shares with another one. Templates of a container, not inlined, take
// eight; what lies further up is the program's main loop rather than a cause. Less where the holder is not known.
constexpr uint32_t kNearFrames = 14, kNearFramesUnheld = 5;
constexpr uint64_t kContentBlocks = 16;  // of the content, to one of the container
// Of each class and kind, the largest ones, with which others are compared.
constexpr size_t kMostCompared = 200;

class Callers {
 public:
  explicit Callers(const replay::CallTree& tree) : tree_(tree), depth_(tree.size()) {
    for (uint32_t node = 1; node < tree.size(); ++node) depth_[node] = depth_[tree.node(node).parent] + 1;
  }

  // Whether the nearest caller that both share lies at most so many frames above each of the two.
  bool near(uint32_t a, uint32_t b, uint32_t frames) const {
    uint32_t up_a = 0, up_b = 0;
    while (a != b) {
      if (depth_[a] >= depth_[b]) {
        a = tree_.node(a).parent;
        if (++up_a > frames) return false;
      } else {
        b = tree_.node(b).parent;
        if (++up_b > frames) return false;
      }
    }
    return a != 0;
  }

 private:
  const replay::CallTree& tree_;
  std::vector<uint32_t> depth_;
};

void join(Cause& into, Cause&& other) {
  into.joined = true;
  if (into.unit.held.bytes < other.unit.held.bytes) std::swap(into, other);
  into.joined = true;
  into.unit.sites.insert(into.unit.sites.end(), other.unit.sites.begin(), other.unit.sites.end());
  into.unit.held.bytes += other.unit.held.bytes;
  into.unit.held.blocks += other.unit.held.blocks;
  into.unit.most_bytes += other.unit.most_bytes;
  if (!into.root) into.root = other.root;
}

using Alike = std::map<std::tuple<model::VerdictClass, model::VerdictKind>, std::vector<Cause>>;

// Few blocks, held by the same root as many and allocated near by: the array of the container that holds these. Its
// size goes in steps, and what it is is decided by what it holds.
void join_containers(const Callers& callers, Alike& alike) {
  std::vector<std::pair<Cause*, Cause*>> pairs;  // container, content
  for (auto& [key, causes] : alike) {
    for (Cause& container : causes) {
      if (!container.root) continue;
      Cause* content = nullptr;
      for (auto& [other_key, others] : alike) {
        for (Cause& other : std::span(others).first(std::min(others.size(), kMostCompared))) {
          const bool many =
              other.unit.held.blocks >= kContentBlocks * std::max<uint64_t>(container.unit.held.blocks, 1);
          if (&other == &container || !many || other.root != container.root) continue;
          if (content != nullptr && content->unit.held.bytes >= other.unit.held.bytes) continue;
          if (callers.near(container.unit.node, other.unit.node, kNearFrames)) content = &other;
        }
      }
      if (content != nullptr) pairs.emplace_back(&container, content);
    }
  }
  // A content has far more blocks than its container: there are no circles. The deepest contents come last.
  std::sort(pairs.begin(), pairs.end(),
            [](const auto& a, const auto& b) { return a.first->unit.held.blocks < b.first->unit.held.blocks; });
  for (const auto& [container, content] : pairs) {
    container->judgement = content->judgement;
    join(*content, std::move(*container));
    container->unit.sites.clear();
  }
  for (auto& [key, causes] : alike) std::erase_if(causes, [](const Cause& cause) { return cause.unit.sites.empty(); });
}

}  // namespace

std::vector<Cause> join_causes(const replay::CallTree& tree, std::vector<Cause> units) {
  // Only alike ones are compared, the largest first: a later one joins the first that it is near to.
  std::sort(units.begin(), units.end(), [](const Cause& a, const Cause& b) {
    return a.unit.held.bytes != b.unit.held.bytes ? a.unit.held.bytes > b.unit.held.bytes : a.unit.node < b.unit.node;
  });
  const Callers callers(tree);
  Alike alike;
  for (Cause& unit : units) {
    std::vector<Cause>& causes = alike[{unit.judgement.verdict_class, unit.judgement.kind}];
    const auto near =
        std::find_if(causes.begin(), causes.begin() + static_cast<ptrdiff_t>(std::min(causes.size(), kMostCompared)),
                     [&](const Cause& cause) {
                       if (unit.root && cause.root && *unit.root != *cause.root) return false;
                       const uint32_t allowed = unit.root && cause.root ? kNearFrames : kNearFramesUnheld;
                       return callers.near(unit.unit.node, cause.unit.node, allowed);
                     });
    if (near == causes.end() || near - causes.begin() >= static_cast<ptrdiff_t>(kMostCompared)) {
      causes.push_back(std::move(unit));
    } else {
      join(*near, std::move(unit));
    }
  }
  join_containers(callers, alike);
  std::vector<Cause> joined;
  for (auto& [key, causes] : alike) {
    std::move(causes.begin(), causes.end(), std::back_inserter(joined));
  }
  return joined;
}

}  // namespace tidemark::classify
