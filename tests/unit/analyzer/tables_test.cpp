// The small tables of the replay: mappings, modules, threads, the clock.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "analyzer/replay/clock.h"
#include "analyzer/replay/module_table.h"
#include "analyzer/replay/program_maps.h"
#include "analyzer/replay/thread_table.h"

namespace tidemark::replay {
namespace {

TEST(ProgramMaps, AgreesWithASetOfPages) {
  std::mt19937_64 random(1);
  ProgramMaps maps(4096);
  std::set<uint64_t> pages;
  const auto each = [](uint64_t address, uint64_t size, auto visit) {
    for (uint64_t page = address / 4096; page < (address + size + 4095) / 4096; ++page) visit(page);
  };
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t address = 0x100000 + random() % 200 * 4096, size = random() % 40'000;
    const uint64_t other = 0x100000 + random() % 200 * 4096, other_size = random() % 40'000;
    switch (random() % 3) {
      case 0:
        maps.map(address, size);
        each(address, size, [&](uint64_t page) { pages.insert(page); });
        break;
      case 1:
        maps.unmap(address, size);
        each(address, size, [&](uint64_t page) { pages.erase(page); });
        break;
      default:
        maps.remap(address, size, other, other_size);
        each(address, size, [&](uint64_t page) { pages.erase(page); });
        each(other, other_size, [&](uint64_t page) { pages.insert(page); });
    }
    ASSERT_EQ(maps.live_bytes(), pages.size() * 4096);
  }
}

TEST(ProgramMaps, SenselessNumbersDoNotWrap) {
  ProgramMaps maps(4096);
  maps.map(UINT64_MAX - 10, UINT64_MAX);
  maps.map(0, UINT64_MAX);
  EXPECT_LE(maps.live_bytes(), uint64_t{1} << 57);
  maps.unmap(0, UINT64_MAX);
  EXPECT_EQ(maps.live_bytes(), 0u);
}

TEST(ModuleTable, TheLatestLoadCounts) {
  ModuleTable table;
  table.load({0, 0x1000, 0x3000, 0, 10, {}, "first", {}});
  EXPECT_EQ(table.at(0xfff), CallTreeNode::kNoModule);
  EXPECT_EQ(table.at(0x1000), 0u);
  table.load({1, 0x2000, 0x4000, 0, 20, {}, "over it", {}});
  EXPECT_EQ(table.at(0x1800), CallTreeNode::kNoModule);  // it cannot be there any more
  EXPECT_EQ(table.at(0x2800), 1u);
  EXPECT_EQ(table.modules()[0].unloaded, 20u);
  table.unload(0, 30);
  EXPECT_EQ(table.modules()[0].unloaded, 20u);
  table.unload(1, 40);
  EXPECT_EQ(table.at(0x2800), CallTreeNode::kNoModule);
  table.unload(99, 50);
  table.load({2, 0x5000, 0x5000, 0, 60, {}, "empty", {}});
  EXPECT_EQ(table.modules().size(), 2u);
}

TEST(ThreadTable, ManyThreadsShareARow) {
  ThreadTable table;
  EXPECT_EQ(table.slot_of(0), 0u);
  const uint64_t many = ThreadTable::kMaxThreads + 1000;
  for (uint64_t serial = 1; serial <= many; ++serial) ++table[table.slot_of(serial)].allocations;
  EXPECT_EQ(table.seen(), many);
  EXPECT_EQ(table.all().size(), ThreadTable::kMaxThreads + 1);
  EXPECT_EQ(table.all().back().allocations, many - (ThreadTable::kMaxThreads - 1));
}

trace::FileHeader clock_header() {
  trace::FileHeader header{};
  header.clock = trace::Clock::kTsc;
  header.start_ticks = 1000;
  header.start_monotonic_ns = 500;
  header.tick_hz_hint = 100'000'000;
  return header;
}

TEST(Clock, ASampleIsBelievedBeforeTheStatedRate) {
  Clock clock(clock_header());
  EXPECT_DOUBLE_EQ(clock.seconds(1000 + 100'000'000), 1.0);
  clock.learn(1000 + 100'000'000, 500 + 1'010'000'000);
  EXPECT_NEAR(clock.seconds(1000 + 100'000'000), 1.01, 1e-9);
}

TEST(Clock, ShortAndSenselessSpansAreNotBelieved) {
  Clock clock(clock_header());
  clock.learn(1000 + 1000, 500 + 20'000);                // 20 us: says nothing
  clock.learn(1000 + 100'000'000, 500 + 9'000'000'000);  // nine times slower than stated
  clock.learn(1000 + 100'000'000, 100);                  // before the start
  EXPECT_DOUBLE_EQ(clock.seconds(1000 + 100'000'000), 1.0);
}

TEST(Clock, WithoutAStatedRateAnySampleHelps) {
  trace::FileHeader header = clock_header();
  header.tick_hz_hint = 0;
  Clock clock(header);
  clock.learn(1000 + 1000, 500 + 10'000);
  EXPECT_NEAR(clock.seconds(1000 + 2000), 20e-6, 1e-12);
}

}  // namespace
}  // namespace tidemark::replay
