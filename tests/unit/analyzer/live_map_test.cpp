#include "analyzer/replay/live_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tidemark::replay {
namespace {

TEST(LiveMap, AgreesWithAMap) {
  std::mt19937_64 random(1);
  LiveMap map;
  std::map<uint64_t, uint64_t> model;
  for (int i = 0; i < 400'000; ++i) {
    // Dense and scattered addresses, a few odd ones, in phases that grow and shrink.
    uint64_t address = 0x5555'0000'0000 + (random() % 20'000) * 8;
    if (random() % 10 == 0) address = (random() >> 20) & ~uint64_t{15};
    if (random() % 200 == 0) address += 1;
    if (random() % 1000 == 0) address = ~uint64_t{7};
    const bool grow = i / 50'000 % 2 == 0;
    LiveBlock block{};
    if (random() % 10 < (grow ? 7u : 3u)) {
      block.size = random();
      LiveBlock before{};
      const bool there = map.put(address, block, before);
      ASSERT_EQ(there, model.count(address) == 1);
      if (there) {
        ASSERT_EQ(before.size, model[address]);
      }
      model[address] = block.size;
    } else {
      if (random() % 2 == 0 && !model.empty()) {
        const auto near = model.lower_bound(address);
        address = near == model.end() ? model.begin()->first : near->first;
      }
      const LiveBlock* const found = map.find(address);
      ASSERT_EQ(found != nullptr, model.count(address) == 1);
      const bool taken = map.take(address, block);
      ASSERT_EQ(taken, model.count(address) == 1);
      if (taken) {
        ASSERT_EQ(block.size, model[address]);
      }
      model.erase(address);
    }
    ASSERT_EQ(map.size(), model.size());
  }
  size_t visited = 0;
  map.for_each([&](uint64_t address, const LiveBlock& block) {
    ASSERT_EQ(model.count(address), 1u);
    ASSERT_EQ(model[address], block.size);
    ++visited;
  });
  EXPECT_EQ(visited, model.size());
}

TEST(LiveMap, PrefetchTouchesNothingThatIsNotThere) {
  LiveMap map;
  std::vector<uint64_t> addresses;
  LiveBlock before{};
  for (uint64_t i = 0; i < 200'000; ++i) {
    addresses.push_back(0x1000 + i * 48);
    map.put(addresses.back(), {i, 0, 0, 0, 0, 0}, before);
  }
  addresses.push_back(0);
  addresses.push_back(~uint64_t{0});
  map.prefetch(addresses.end() - 64, addresses.end(), [](uint64_t address) { return address; });
  EXPECT_EQ(map.size(), 200'000u);
}

}  // namespace
}  // namespace tidemark::replay
