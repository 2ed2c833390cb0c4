// Thousands of small random graphs against naive algorithms: what is reachable, by taking steps; dominators, by taking
// away each node; components, by the transitive closure.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>

#include "analyzer/graph/heap_graph.h"

namespace tidemark::graph {
namespace {

struct Model {
  uint32_t count;
  std::vector<std::vector<uint32_t>> full, weak;
  std::vector<uint32_t> flags;
  struct Root {
    uint32_t group;
    RootKind kind;
    uint32_t block;
    bool weak;
  };
  std::vector<Root> roots;
  uint32_t groups;
  std::vector<uint64_t> sizes;

  explicit Model(std::mt19937_64& random)
      : count(1 + random() % 24), full(count), weak(count), flags(count), groups(random() % 5), sizes(count) {
    for (uint32_t i = 0; i < count; ++i) sizes[i] = 8 * (1 + random() % 8);
    const uint64_t edges = random() % (3 * count + 1);
    for (uint64_t i = 0; i < edges; ++i) {
      const uint32_t from = random() % count, to = random() % count;
      if (from == to) continue;
      (random() % 12 == 0 ? weak : full)[from].push_back(to);
    }
    for (uint32_t i = 0; i < count; ++i) {
      if (random() % 15 == 0) flags[i] = 1u << random() % 3;
    }
    for (uint32_t group = 0; group < groups; ++group) {
      const auto kind = static_cast<RootKind>(random() % 6 == 0 ? 7 : random() % 6);
      for (uint64_t words = random() % 3; words > 0; --words) {
        roots.push_back({group, kind, static_cast<uint32_t>(random() % count), random() % 5 == 0});
      }
    }
  }

  bool own_root(uint32_t block) const { return (flags[block] & (kInFlight | kRootBlock)) != 0; }

  void spread(std::vector<bool>& seen, bool by_weak, uint32_t without = kNone) const {
    std::vector<uint32_t> stack;
    for (uint32_t i = 0; i < count; ++i) {
      if (seen[i]) stack.push_back(i);
    }
    while (!stack.empty()) {
      const uint32_t from = stack.back();
      stack.pop_back();
      const auto go = [&](uint32_t to) {
        if (to == without || seen[to]) return;
        seen[to] = true;
        stack.push_back(to);
      };
      for (const uint32_t to : full[from]) go(to);
      if (by_weak) {
        for (const uint32_t to : weak[from]) go(to);
      }
    }
  }

  // What strong roots reach if a node (a block, or count + group) is taken away.
  std::vector<bool> strong(uint32_t without = kNone) const {
    std::vector<bool> seen(count);
    for (const Root& root : roots) {
      const bool there = !root.weak && root.kind != RootKind::kWeak && count + root.group != without;
      if (there && root.block != without) seen[root.block] = true;
    }
    for (uint32_t i = 0; i < count; ++i) {
      if (own_root(i) && i != without) seen[i] = true;
    }
    spread(seen, false, without);
    return seen;
  }

  // What roots of this kind or a preferred one reach.
  std::vector<bool> strong_up_to(RootKind kind) const {
    std::vector<bool> seen(count);
    for (const Root& root : roots) {
      if (!root.weak && root.kind <= kind) seen[root.block] = true;
    }
    spread(seen, false);
    return seen;
  }

  std::vector<bool> at_least_weak() const {
    std::vector<bool> seen = strong();
    for (const Root& root : roots) seen[root.block] = true;
    for (uint32_t i = 0; i < count; ++i) {
      if (flags[i] == kMapping) seen[i] = true;
    }
    spread(seen, true);
    return seen;
  }
};

uint64_t model_address(uint32_t block) { return 0x5555'0000'0000 + uint64_t{block} * 64; }

std::unique_ptr<HeapGraph> graph_of(const Model& model) {
  std::vector<Block> blocks;
  for (uint32_t i = 0; i < model.count; ++i) blocks.push_back({model_address(i), model.sizes[i], i, model.flags[i]});
  auto graph = std::make_unique<HeapGraph>(blocks);
  for (uint32_t i = 0; i < model.count; ++i) {
    for (const uint32_t to : model.full[i]) graph->add_word(model_address(i), model_address(to), false);
    for (const uint32_t to : model.weak[i]) graph->add_word(model_address(i), model_address(to), true);
  }
  for (const Model::Root& root : model.roots) graph->add_root(root.group, root.kind, root.block, root.weak);
  graph->solve();
  return graph;
}

void check_reachability(const Model& model, const HeapGraph& graph) {
  const std::vector<bool> strong = model.strong();
  const std::vector<bool> weak = model.at_least_weak();
  for (uint32_t block = 0; block < model.count; ++block) {
    const Reach expected = strong[block] ? Reach::kReachable : weak[block] ? Reach::kWeak : Reach::kUnreachable;
    ASSERT_EQ(graph.reach(block), expected) << block;
    if (expected == Reach::kUnreachable) continue;
    // The way is one, and begins at a root of the kind that it says.
    const std::vector<uint32_t> path = graph.path(block);
    ASSERT_EQ(path.back(), block);
    for (size_t i = 1; i < path.size(); ++i) {
      const auto& full = model.full[path[i - 1]];
      const auto& more = model.weak[path[i - 1]];
      const bool by_full = std::count(full.begin(), full.end(), path[i]) != 0;
      ASSERT_TRUE(by_full || (expected == Reach::kWeak && std::count(more.begin(), more.end(), path[i]) != 0));
    }
    const uint32_t group = graph.root_group(block);
    if (group == kNone) {
      ASSERT_NE(model.flags[path.front()], 0u);
    } else {
      const bool found = std::any_of(model.roots.begin(), model.roots.end(), [&](const Model::Root& root) {
        return root.group == group && root.block == path.front() && (expected == Reach::kWeak || !root.weak);
      });
      ASSERT_TRUE(found);
    }
    if (expected != Reach::kReachable) continue;
    const RootKind kind = graph.root_kind(block);
    if (kind != RootKind::kBlockItself) {
      ASSERT_TRUE(model.strong_up_to(kind)[block]);
    }
    if (kind != RootKind::kGlobal) {
      ASSERT_FALSE(model.strong_up_to(static_cast<RootKind>(static_cast<int>(kind) - 1))[block]) << block;
    }
  }
}

void check_dominators(const Model& model, HeapGraph& graph) {
  const std::vector<bool> reachable = model.strong();
  const uint32_t nodes = model.count + graph.nodes().groups;
  // Who dominates whom: taken away, the other is not reachable.
  std::vector<std::set<uint32_t>> dominators(nodes);
  for (uint32_t node = 0; node < nodes; ++node) {
    const std::vector<bool> without = model.strong(node);
    uint64_t kept = 0;
    for (uint32_t block = 0; block < model.count; ++block) {
      if (!reachable[block] || without[block]) continue;
      if (block != node) dominators[block].insert(node);
      kept += model.sizes[block];
    }
    ASSERT_EQ(graph.retained(node), kept) << node;
  }
  for (uint32_t block = 0; block < model.count; ++block) {
    if (!reachable[block]) {
      ASSERT_EQ(graph.dominator(block), kNone);
      continue;
    }
    // The nearest has all the others as its own.
    const uint32_t nearest = graph.dominator(block);
    if (dominators[block].empty()) {
      ASSERT_EQ(nearest, graph.root_node());
    } else {
      ASSERT_EQ(dominators[block].count(nearest), 1u) << block;
      ASSERT_EQ(dominators[nearest].size() + 1, dominators[block].size()) << block;
    }
  }
  size_t seen = 0;
  for (uint32_t node = 0; node <= nodes; ++node) {
    uint64_t last = UINT64_MAX;
    for (const uint32_t child : graph.holder_tree().children(node)) {
      ASSERT_EQ(graph.dominator(child), node);
      ASSERT_LE(graph.retained(child), last);
      last = graph.retained(child);
      if (graph.nodes().is_block(child)) ++seen;
    }
  }
  ASSERT_EQ(seen, static_cast<size_t>(std::count(reachable.begin(), reachable.end(), true)));
}

void check_lost(const Model& model, const HeapGraph& graph) {
  const LostBlocks& lost = graph.lost();
  const std::vector<bool> found = model.at_least_weak();
  std::vector<std::vector<bool>> leads(model.count);  // the transitive closure among unreachable blocks
  for (uint32_t from = 0; from < model.count; ++from) {
    leads[from].assign(model.count, false);
    if (found[from]) continue;
    for (const uint32_t to : model.full[from]) leads[from][to] = !found[to];
    model.spread(leads[from], false);
    for (uint32_t to = 0; to < model.count; ++to) leads[from][to] = leads[from][to] && !found[to];
  }
  const auto together = [&](uint32_t one, uint32_t other) {
    return one == other || (leads[one][other] && leads[other][one]);
  };
  std::vector<uint32_t> head_of(model.count, kNone);
  uint32_t heads = 0;
  for (uint32_t block = 0; block < model.count; ++block) {
    if (found[block]) continue;
    bool head = true;
    for (uint32_t other = 0; other < model.count; ++other) {
      if (found[other]) continue;
      ASSERT_EQ(lost.component(block) == lost.component(other), together(block, other));
      if (leads[other][block] && !together(block, other)) head = false;
    }
    ASSERT_EQ(lost.in_cycle(block), leads[block][block]);
    if (!head || head_of[block] != kNone) continue;
    ASSERT_LT(heads, lost.head_count());
    Head expected;
    for (uint32_t other = 0; other < model.count; ++other) {
      if (found[other] || head_of[other] != kNone || (other != block && !leads[block][other])) continue;
      head_of[other] = heads;
      const bool direct = together(block, other);
      (direct ? expected.direct_blocks : expected.indirect_blocks) += 1;
      (direct ? expected.direct_bytes : expected.indirect_bytes) += model.sizes[other];
    }
    const Head actual = lost.head(heads);
    ASSERT_EQ(actual.block, block);
    ASSERT_EQ(actual.cycle, expected.direct_blocks > 1);
    ASSERT_EQ(actual.direct_blocks, expected.direct_blocks);
    ASSERT_EQ(actual.indirect_blocks, expected.indirect_blocks);
    ASSERT_EQ(actual.direct_bytes, expected.direct_bytes);
    ASSERT_EQ(actual.indirect_bytes, expected.indirect_bytes);
    ++heads;
  }
  ASSERT_EQ(lost.head_count(), heads);
  for (uint32_t block = 0; block < model.count; ++block) {
    if (found[block]) continue;
    ASSERT_NE(head_of[block], kNone);
    ASSERT_EQ(lost.head_of(block), head_of[block]);
    ASSERT_EQ(lost.head_of(graph.path(block).front()), head_of[block]);
    const std::vector<uint32_t> cycle = lost.cycle_through(block);
    ASSERT_EQ(!cycle.empty(), lost.in_cycle(block));
    for (size_t i = 0; i < cycle.size(); ++i) {
      const auto& targets = model.full[cycle[i]];
      ASSERT_NE(std::count(targets.begin(), targets.end(), cycle[(i + 1) % cycle.size()]), 0);
    }
    if (!cycle.empty()) {
      ASSERT_EQ(cycle.front(), block);
    }
  }
}

TEST(HeapGraph, AgreesWithNaiveAlgorithms) {
  std::mt19937_64 random(3);
  size_t reachable = 0, weak = 0, lost = 0, cycles = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Model model(random);
    const auto graph = graph_of(model);
    check_reachability(model, *graph);
    check_dominators(model, *graph);
    check_lost(model, *graph);
    if (HasFatalFailure()) FAIL() << "round " << round;
    for (uint32_t block = 0; block < model.count; ++block) {
      reachable += graph->reach(block) == Reach::kReachable ? 1 : 0;
      weak += graph->reach(block) == Reach::kWeak ? 1 : 0;
      lost += graph->reach(block) == Reach::kUnreachable ? 1 : 0;
    }
    for (uint32_t head = 0; head < graph->lost().head_count(); ++head) cycles += graph->lost().head(head).cycle ? 1 : 0;
  }
  // Every case was there.
  EXPECT_GT(reachable, 40'000u);
  EXPECT_GT(weak, 20'000u);
  EXPECT_GT(lost, 40'000u);
  EXPECT_GT(cycles, 500u);
}

}  // namespace
}  // namespace tidemark::graph
