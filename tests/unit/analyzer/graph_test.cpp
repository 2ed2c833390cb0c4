#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>

#include "analyzer/graph/heap_graph.h"

namespace tidemark::graph {
namespace {

constexpr uint64_t kBase = 0x5555'0000'0000;

// A graph of blocks of 64 bytes (but for those that a test gives), 128 apart, with words numbered within their block.
class Builder {
 public:
  explicit Builder(uint32_t count, uint32_t flags = 0) {
    for (uint32_t i = 0; i < count; ++i) blocks_.push_back({address(i), 64, i, flags});
  }
  static uint64_t address(uint32_t block) { return kBase + uint64_t{block} * 128; }
  Block& block(uint32_t index) { return blocks_[index]; }
  Builder& edge(uint32_t from, uint32_t to) {
    edges_.push_back({from, to});
    return *this;
  }
  Builder& edges(std::initializer_list<std::pair<uint32_t, uint32_t>> all) {
    for (const auto& [from, to] : all) edge(from, to);
    return *this;
  }
  std::unique_ptr<HeapGraph> graph() {
    std::stable_sort(edges_.begin(), edges_.end(), [](Edge one, Edge other) { return one.source < other.source; });
    auto graph = std::make_unique<HeapGraph>(blocks_);
    for (const Edge& one : edges_) EXPECT_TRUE(graph->add_word(address(one.source), address(one.target), false));
    return graph;
  }

 private:
  std::vector<Block> blocks_;
  std::vector<Edge> edges_;
};

std::vector<uint32_t> to_vector(std::span<const uint32_t> items) { return {items.begin(), items.end()}; }

// --- Blocks and addresses.

Target naive_find(std::span<const Block> blocks, uint64_t value) {
  for (uint32_t i = 0; i < blocks.size(); ++i) {
    if (value < blocks[i].address) continue;
    const uint64_t offset = value - blocks[i].address;
    if (offset < blocks[i].size || offset == 0) return {i, offset, false};
  }
  for (uint32_t i = 0; i < blocks.size(); ++i) {
    if (value > blocks[i].address && value - blocks[i].address == blocks[i].size) return {i, blocks[i].size, true};
  }
  return {};
}

void expect_same(const Target& one, const Target& other, uint64_t value) {
  ASSERT_EQ(one.block, other.block) << std::hex << value;
  ASSERT_EQ(one.offset, other.offset) << std::hex << value;
  ASSERT_EQ(one.weak, other.weak) << std::hex << value;
}

TEST(BlockIndex, InteriorOnePastTheEndAndZeroSize) {
  const HeapGraph graph({{0x1000, 16, 0, 0}, {0x1010, 16, 0, 0}, {0x2000, 0, 0, 0}, {0x1020, 0, 0, 0}});
  ASSERT_EQ(graph.block_count(), 4u);
  expect_same(graph.find(0xfff), {}, 0xfff);
  expect_same(graph.find(0x1000), {0, 0, false}, 0x1000);
  expect_same(graph.find(0x100f), {0, 15, false}, 0x100f);
  expect_same(graph.find(0x1010), {1, 0, false}, 0x1010);
  expect_same(graph.find(0x1020), {2, 0, false}, 0x1020);  // the zero-size block, not the end of the other
  expect_same(graph.find(0x1021), {}, 0x1021);
  expect_same(graph.find(0x2000), {3, 0, false}, 0x2000);
  EXPECT_EQ(graph.block_at(0x101f), 1u);
  EXPECT_EQ(graph.block_at(0x1020), kNone);  // a zero-size block covers nothing
  const HeapGraph ends({{0x1000, 16, 0, 0}});
  expect_same(ends.find(0x1010), {0, 16, true}, 0x1010);
  EXPECT_EQ(ends.block_at(0x1010), kNone);
  expect_same(HeapGraph({}).find(0), {}, 0);
}

TEST(BlockIndex, OverlappingBlocksAreLeftOut) {
  const HeapGraph graph({{0x3000, 0x100, 1, 0},
                         {0x1000, 0x100, 2, 0},
                         {0x1080, 0x100, 3, 0},         // inside the one before
                         {0x1100, 0x10, 4, 0},          // behind it
                         {0x2000, 0x800, 5, kMapping},  // gives way to the block inside it
                         {0x2100, 0x10, 6, 0},
                         {0x2200, 0x10, 7, kInFlight},
                         {0x3000, 0, 8, 0},             // zero size, where another begins
                         {0x4000, 0x10, 9, kInFlight},  // gives way to the block that starts there
                         {0x4000, 0x8, 10, 0},
                         {0x4008, 0x10, 11, kMapping}});
  std::vector<uint32_t> sites;
  for (const Block& block : graph.blocks()) sites.push_back(block.site);
  EXPECT_EQ(sites, (std::vector<uint32_t>{2, 4, 6, 7, 1, 10, 11}));
  EXPECT_EQ(graph.overlapping_blocks(), 4u);
}

TEST(BlockIndex, TheLastAddresses) {
  const uint64_t last = UINT64_MAX;
  const HeapGraph graph({{0, 1, 0, 0}, {last - 31, 16, 0, 0}, {last - 15, UINT64_MAX, 0, 0}});
  ASSERT_EQ(graph.block_count(), 3u);
  EXPECT_EQ(graph.blocks()[2].size, 16u);
  expect_same(graph.find(last), {2, 15, false}, last);
  expect_same(graph.find(last - 16), {1, 15, false}, last - 16);
  expect_same(graph.find(0), {0, 0, false}, 0);
  expect_same(graph.find(1), {0, 1, true}, 1);
  expect_same(graph.find(2), {}, 2);
  const HeapGraph all({{0, UINT64_MAX, 0, 0}});
  expect_same(all.find(last - 1), {0, last - 1, false}, last - 1);
  expect_same(all.find(last), {0, last, true}, last);
}

TEST(BlockIndex, AgreesWithALinearSearch) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 600; ++round) {
    std::vector<Block> blocks;
    const size_t count = random() % 200;
    uint64_t address = random() % 4 == 0 ? 0 : random() >> random() % 60;
    for (size_t i = 0; i < count; ++i) {
      // Crowds, neighbours, and leaps of any size.
      const uint64_t size = random() % 5 == 0 ? 0 : random() >> (40 + random() % 24);
      blocks.push_back({address, size, 0, random() % 20 == 0 ? uint32_t{kMapping} : 0});
      address += round % 3 == 0 ? random() % 64 : random() % 8 == 0 ? random() >> random() % 64 : size + random() % 32;
    }
    std::shuffle(blocks.begin(), blocks.end(), random);
    const HeapGraph graph(blocks);
    EXPECT_EQ(graph.block_count() + graph.overlapping_blocks(), count);
    for (size_t i = 1; i < graph.block_count(); ++i) {
      const Block& one = graph.blocks()[i - 1];
      ASSERT_LT(one.address, graph.blocks()[i].address);
      ASSERT_LE(one.size, graph.blocks()[i].address - one.address);
    }
    std::vector<uint64_t> values{0, UINT64_MAX, random()};
    for (const Block& block : blocks) {
      for (const uint64_t near : {uint64_t{0}, block.size / 2, block.size - 1, block.size, block.size + 1}) {
        values.push_back(block.address + near);
      }
      values.push_back(block.address - 1);
    }
    std::vector<Target> together(values.size());
    BlockIndex({graph.blocks().begin(), graph.blocks().end()}).find_all(values, together.data());
    for (size_t i = 0; i < values.size(); ++i) {
      const Target expected = naive_find(graph.blocks(), values[i]);
      expect_same(graph.find(values[i]), expected, values[i]);
      expect_same(together[i], expected, values[i]);
    }
  }
}

// --- Edges and roots.

TEST(HeapGraph, WordsOutsideOfBlocksAreNotTaken) {
  HeapGraph graph({{0x1000, 64, 0, 0}, {0x2000, 64, 0, 0}});
  EXPECT_FALSE(graph.add_word(0xff8, 0x2000, false));
  EXPECT_TRUE(graph.add_word(0x1000, 0x2000, false));
  EXPECT_TRUE(graph.add_word(0x1038, 0x2010, false));
  EXPECT_FALSE(graph.add_word(0x1040, 0x2000, false));
  EXPECT_FALSE(graph.add_word(0x1fff, 0x2000, false));
  EXPECT_TRUE(graph.add_word(0x2000, 0x99999, false));  // from a block, but to none
  EXPECT_FALSE(graph.add_word(0x3000, 0x2000, false));
  graph.solve_reachability();
  EXPECT_EQ(graph.edge_count(), 1u);  // the second word means the same edge
}

TEST(HeapGraph, WordsInAnyOrder) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    const uint32_t count = 2 + random() % 30;
    HeapGraph graph([&] {
      std::vector<Block> blocks;
      for (uint32_t i = 0; i < count; ++i) blocks.push_back({Builder::address(i), 64, 0, 0});
      return blocks;
    }());
    std::set<Edge> expected, found;
    // Solved twice, and added to in between.
    for (int half = 0; half < 2; ++half) {
      for (size_t i = random() % 100; i > 0; --i) {
        const Edge edge{static_cast<uint32_t>(random() % count), static_cast<uint32_t>(random() % count)};
        ASSERT_TRUE(
            graph.add_word(Builder::address(edge.source) + random() % 8 * 8, Builder::address(edge.target) + 5, false));
        if (edge.source != edge.target) expected.insert(edge);
      }
      graph.solve_reachability();
    }
    for (uint32_t source = 0; source < count; ++source) {
      for (const uint32_t target : graph.targets(source)) found.insert({source, target});
    }
    ASSERT_EQ(found, expected);
  }
}

TEST(HeapGraph, WeakEdges) {
  // 0 is held by a root; 0 -> 1 by a tagged pointer, 1 -> 2 full, 0 -> 3 one past the end of 3, 4 -> 5 weak, 6 -> 6.
  HeapGraph graph({{0x1000, 64, 0, 0},
                   {0x2000, 64, 0, 0},
                   {0x3000, 64, 0, 0},
                   {0x4000, 64, 0, 0},
                   {0x5000, 64, 0, 0},
                   {0x6000, 64, 0, 0},
                   {0x7000, 64, 0, 0}});
  graph.add_root(0, RootKind::kStack, 0, false);
  graph.add_word(0x1000, 0x2000, true);
  graph.add_word(0x1008, 0x4040, false);
  graph.add_word(0x2000, 0x3000, false);
  graph.add_word(0x5000, 0x6000, true);
  graph.add_word(0x7000, 0x7008, false);
  graph.solve();
  EXPECT_EQ(graph.reach(0), Reach::kReachable);
  EXPECT_EQ(graph.reach(1), Reach::kWeak);
  EXPECT_EQ(graph.reach(2), Reach::kWeak);
  EXPECT_EQ(graph.reach(3), Reach::kWeak);
  EXPECT_EQ(graph.reach(4), Reach::kUnreachable);
  EXPECT_EQ(graph.reach(5), Reach::kUnreachable);
  EXPECT_EQ(graph.path(2), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(graph.root_kind(2), RootKind::kStack);
  EXPECT_EQ(graph.weak_edge_count(), 3u);
  EXPECT_EQ(graph.weak_targets(0).size(), 2u);
  EXPECT_EQ(graph.weak_targets(0)[1].target, 3u);
  EXPECT_EQ(graph.retained(0), 64u);  // what it holds weakly is not retained
  EXPECT_EQ(graph.dominator(1), kNone);
  EXPECT_TRUE(graph.self_linked(6));
  EXPECT_FALSE(graph.self_linked(5));
  EXPECT_EQ(graph.lost().head_count(), 3u);  // 4, 5, 6: weak edges own nothing
  EXPECT_FALSE(graph.lost().head(2).cycle);
}

TEST(HeapGraph, RootsByPreferenceAndShortestWays) {
  // The global reaches 4 by 0 -> 1 -> 2 -> 4 and 3 -> 1 -> ...; the stack points to 4 itself; 5 only from the stack.
  Builder builder(8);
  builder.edges({{0, 1}, {1, 2}, {2, 4}, {3, 2}, {4, 5}, {6, 7}});
  builder.block(6).flags = kInFlight;
  const auto graph = builder.graph();
  graph->add_root(0, RootKind::kStack, 4, false);
  graph->add_root(1, RootKind::kGlobal, 0, false);
  graph->add_root(2, RootKind::kGlobal, 3, false);
  graph->add_root(3, RootKind::kWeak, 7, false);
  graph->solve_reachability();
  EXPECT_EQ(graph->path(4), (std::vector<uint32_t>{3, 2, 4}));
  EXPECT_EQ(graph->root_group(4), 2u);
  EXPECT_EQ(graph->root_kind(5), RootKind::kGlobal);
  EXPECT_EQ(graph->root_kind(6), RootKind::kBlockItself);
  EXPECT_EQ(graph->root_group(7), kNone);
  EXPECT_EQ(graph->reach(7), Reach::kReachable);  // though a weak root points to it too
  EXPECT_EQ(graph->parent(7), 6u);
  EXPECT_EQ(graph->parent(6), kNone);
}

TEST(HeapGraph, MappingsAreWeakRoots) {
  Builder builder(5);
  builder.edges({{1, 2}, {3, 4}});
  builder.block(1).flags = kMapping;  // held by nothing
  builder.block(3).flags = kMapping;  // held by 0
  builder.edge(0, 3);
  const auto graph = builder.graph();
  graph->add_root(0, RootKind::kGlobal, 0, false);
  graph->solve();
  EXPECT_EQ(graph->reach(1), Reach::kWeak);
  EXPECT_EQ(graph->reach(2), Reach::kWeak);
  EXPECT_EQ(graph->root_kind(2), RootKind::kBlockItself);
  EXPECT_EQ(graph->reach(3), Reach::kReachable);
  EXPECT_EQ(graph->reach(4), Reach::kReachable);
  EXPECT_EQ(graph->lost().count(), 0u);
}

TEST(HeapGraph, GroupsBeyondTheLimitAreCounted) {
  HeapGraph graph({{0x1000, 64, 0, 0}});
  graph.add_root(UINT32_MAX, RootKind::kGlobal, 0, false);
  graph.solve();
  EXPECT_EQ(graph.over_limit(), 1u);
  EXPECT_EQ(graph.reach(0), Reach::kUnreachable);
}

TEST(HeapGraph, Empty) {
  HeapGraph graph({});
  EXPECT_FALSE(graph.add_word(0, 0, false));
  graph.solve();
  EXPECT_EQ(graph.retained(graph.root_node()), 0u);
  EXPECT_TRUE(graph.holder_tree().children(graph.root_node()).empty());
  EXPECT_EQ(graph.lost().head_count(), 0u);
}

// --- Dominators.

TEST(Dominators, OfASmallGraph) {
  // Two groups: 0 holds a diamond 0 -> {1, 2} -> 3 -> 4, 1 holds 5; 6 is held by both; 7 is its own root and holds 8.
  Builder builder(9);
  builder.edges({{0, 1}, {0, 2}, {1, 3}, {2, 3}, {3, 4}, {5, 6}, {4, 6}, {7, 8}});
  builder.block(4).size = 100;
  builder.block(7).flags = kRootBlock;
  const auto graph = builder.graph();
  graph->add_root(0, RootKind::kGlobal, 0, false);
  graph->add_root(1, RootKind::kStack, 5, false);
  graph->add_root(2, RootKind::kWeak, 5, false);
  graph->solve();
  EXPECT_EQ(graph->dominator(0), graph->group_node(0));
  EXPECT_EQ(graph->dominator(1), 0u);
  EXPECT_EQ(graph->dominator(3), 0u);
  EXPECT_EQ(graph->dominator(4), 3u);
  EXPECT_EQ(graph->dominator(5), graph->group_node(1));
  EXPECT_EQ(graph->dominator(6), graph->root_node());
  EXPECT_EQ(graph->dominator(7), graph->root_node());
  EXPECT_EQ(graph->dominator(8), 7u);
  EXPECT_EQ(graph->dominator(graph->group_node(0)), graph->root_node());
  EXPECT_EQ(graph->dominator(graph->group_node(2)), kNone);
  EXPECT_EQ(graph->dominator(graph->root_node()), kNone);
  EXPECT_EQ(graph->retained(3), 164u);
  EXPECT_EQ(graph->retained(graph->group_node(0)), 4 * 64u + 100);
  EXPECT_EQ(graph->retained(graph->group_node(1)), 64u);
  EXPECT_EQ(graph->retained(graph->root_node()), 8 * 64u + 100);
  HolderTree& tree = graph->holder_tree();
  EXPECT_EQ(to_vector(tree.children(graph->root_node())),
            (std::vector<uint32_t>{graph->group_node(0), 7, 6, graph->group_node(1)}));
  EXPECT_EQ(to_vector(tree.children(0)), (std::vector<uint32_t>{3, 1, 2}));
  EXPECT_EQ(tree.heaviest_child(0), 3u);
  EXPECT_TRUE(tree.children(6).empty());
  EXPECT_EQ(graph->referrers(6), (std::vector<uint32_t>{4, 5}));
  EXPECT_EQ(graph->referrers(6, 1), (std::vector<uint32_t>{4}));
}

TEST(HolderTree, AccumulationPoint) {
  // A global -> 0 -> 1 -> {2 ... 41}: all comes together at 1.
  Builder wide(42);
  wide.edge(0, 1);
  for (uint32_t i = 2; i < 42; ++i) wide.edge(1, i);
  const auto table = wide.graph();
  table->add_root(0, RootKind::kGlobal, 0, false);
  table->solve();
  EXPECT_EQ(table->holder_tree().accumulation_point(table->root_node()), 1u);

  // A list of blocks of one site behind a block of another: its first block, though each keeps nearly all.
  Builder list(50);
  for (uint32_t i = 0; i + 1 < 50; ++i) list.edge(i, i + 1);
  for (uint32_t i = 1; i < 50; ++i) list.block(i).site = 1;
  const auto chain = list.graph();
  chain->add_root(0, RootKind::kGlobal, 0, false);
  chain->solve();
  EXPECT_EQ(chain->holder_tree().accumulation_point(chain->group_node(0)), 1u);

  // Few blocks of one site before the bulk: not there yet.
  Builder deep(20);
  for (uint32_t i = 0; i < 20; ++i) deep.block(i).site = 1;
  deep.edges({{0, 1}, {1, 2}});
  for (uint32_t i = 3; i < 20; ++i) deep.edge(2, i);
  const auto nested = deep.graph();
  nested->add_root(0, RootKind::kGlobal, 0, false);
  nested->solve();
  EXPECT_EQ(nested->holder_tree().accumulation_point(nested->group_node(0)), 2u);
}

// --- Unreachable blocks.

TEST(LostBlocks, HeadsCyclesAndTails) {
  // 0 held. 1 -> 2 -> 3 -> 1 a cycle with a tail 3 -> 4 -> 5 -> 4 (a cycle that is no head); 6 alone; 7 -> 8 and
  // 9 -> 8 share 8; 9 -> 0 means nothing.
  Builder builder(10);
  builder.edges({{1, 2}, {2, 3}, {3, 1}, {3, 4}, {4, 5}, {5, 4}, {7, 8}, {9, 8}, {9, 0}});
  builder.block(5).size = 10;
  const auto graph = builder.graph();
  graph->add_root(0, RootKind::kGlobal, 0, false);
  graph->solve();
  const LostBlocks& lost = graph->lost();
  EXPECT_EQ(lost.count(), 9u);
  EXPECT_EQ(lost.component_count(), 6u);
  ASSERT_EQ(lost.head_count(), 4u);
  const Head cycle = lost.head(0);
  EXPECT_EQ(cycle.block, 1u);
  EXPECT_TRUE(cycle.cycle);
  EXPECT_EQ(cycle.direct_blocks, 3u);
  EXPECT_EQ(cycle.direct_bytes, 192u);
  EXPECT_EQ(cycle.indirect_blocks, 2u);
  EXPECT_EQ(cycle.indirect_bytes, 74u);
  EXPECT_EQ(to_vector(lost.direct(0)), (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(to_vector(lost.indirect(0)), (std::vector<uint32_t>{4, 5}));
  EXPECT_EQ(lost.head(1).block, 6u);
  EXPECT_FALSE(lost.head(1).cycle);
  EXPECT_EQ(to_vector(lost.indirect(2)), (std::vector<uint32_t>{8}));
  EXPECT_EQ(lost.head(3).block, 9u);
  EXPECT_EQ(lost.head(3).indirect_blocks, 0u);
  EXPECT_EQ(lost.head_of(8), 2u);
  EXPECT_TRUE(lost.in_cycle(2));
  EXPECT_TRUE(lost.in_cycle(4));
  EXPECT_FALSE(lost.in_cycle(6));
  EXPECT_EQ(lost.component(4), lost.component(5));
  EXPECT_NE(lost.component(4), lost.component(3));
  EXPECT_EQ(lost.cycle_through(2), (std::vector<uint32_t>{2, 3, 1}));
  EXPECT_EQ(lost.cycle_through(5), (std::vector<uint32_t>{5, 4}));
  EXPECT_TRUE(lost.cycle_through(6).empty());
  EXPECT_TRUE(lost.cycle_through(0).empty());
  EXPECT_TRUE(lost.cycle_through(1, 2).empty());
  EXPECT_EQ(graph->path(5), (std::vector<uint32_t>{3, 4, 5}));
}

// --- Shapes that are slow or deep for careless algorithms.

constexpr uint32_t kLong = 2'000'000;

TEST(HeapGraph, AListOfTwoMillionBlocks) {
  for (const bool held : {true, false}) {
    for (const bool ring : {false, true}) {
      Builder builder(kLong);
      for (uint32_t i = 0; i + 1 < kLong; ++i) builder.edge(i, i + 1);
      if (ring) builder.edge(kLong - 1, 0);
      const auto graph = builder.graph();
      if (held) graph->add_root(0, RootKind::kGlobal, 0, false);
      graph->solve();
      ASSERT_EQ(graph->path(kLong - 1).size(), held || !ring ? kLong : 1);
      if (held) {
        EXPECT_EQ(graph->dominator(kLong - 1), kLong - 2);
        EXPECT_EQ(graph->retained(0), uint64_t{kLong} * 64);
        EXPECT_EQ(graph->retained(kLong - 2), 128u);
        EXPECT_EQ(graph->holder_tree().heaviest_child(kLong / 2), kLong / 2 + 1);
      } else {
        ASSERT_EQ(graph->lost().head_count(), 1u);
        EXPECT_EQ(graph->lost().head(0).cycle, ring);
        EXPECT_EQ(graph->lost().head(0).direct_blocks, ring ? kLong : 1);
        EXPECT_EQ(graph->lost().head(0).indirect_bytes, ring ? 0 : uint64_t{kLong - 1} * 64);
        EXPECT_TRUE(graph->lost().cycle_through(0).empty());  // longer than what anyone draws
      }
    }
  }
}

// A list whose end points to many blocks that its begin holds too: quadratic for the semi-NCA algorithm.
TEST(Dominators, AListThatEndsAtATable) {
  constexpr uint32_t kList = 200'000;
  constexpr uint32_t kTable = 200'000;
  Builder builder(kList + kTable);
  for (uint32_t i = 0; i + 1 < kList; ++i) builder.edge(i, i + 1);
  for (uint32_t i = 0; i < kTable; ++i) builder.edge(kList - 1, kList + i);
  for (uint32_t i = 0; i < kTable; ++i) builder.edge(0, kList + i);
  const auto graph = builder.graph();
  graph->add_root(0, RootKind::kGlobal, 0, false);
  graph->solve();
  for (uint32_t i = 0; i < kTable; ++i) ASSERT_EQ(graph->dominator(kList + i), 0u);
  EXPECT_EQ(graph->retained(kList - 1), 64u);
  EXPECT_EQ(graph->retained(0), uint64_t{kList + kTable} * 64);
}

}  // namespace
}  // namespace tidemark::graph
