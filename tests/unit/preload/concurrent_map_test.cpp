// ConcurrentMap against std::unordered_map, alone and among threads. It is a cache: an insert may be lost, but what is
// found is right, and without other threads nothing is lost.
#include "preload/concurrent_map.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tidemark {
namespace {

uint64_t value_of(uint64_t key) { return key * 0x9e3779b97f4a7c15u | 1; }

TEST(ConcurrentMap, FindsNothingInAnEmptyTable) {
  ConcurrentMap map;
  ASSERT_TRUE(map.init(4));
  EXPECT_EQ(map.find(1), 0u);
  EXPECT_EQ(map.find(UINT64_MAX), 0u);
  EXPECT_EQ(map.used(), 0u);
}

TEST(ConcurrentMap, AgreesWithAModelThroughManyGrowths) {
  ConcurrentMap map;
  ASSERT_TRUE(map.init(4));
  std::unordered_map<uint64_t, uint64_t> model;
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    // Keys as pcs are: close together, some far apart.
    const uint64_t key = (random() % 8 << 40) + random() % 60'000 + 1;
    if (i % 3 == 0) {
      const auto known = model.find(key);
      EXPECT_EQ(map.find(key), known == model.end() ? 0 : known->second);
    } else {
      map.insert(key, value_of(key));
      model.emplace(key, value_of(key));
    }
  }
  for (const auto& [key, value] : model) ASSERT_EQ(map.find(key), value);
  EXPECT_EQ(map.used(), model.size());
  // At most three quarters full, and not much larger than it must be.
  EXPECT_LE(map.bytes(), model.size() * 16 * 8);
}

TEST(ConcurrentMap, KeepsTheFirstValueOfAKey) {
  ConcurrentMap map;
  ASSERT_TRUE(map.init(6));
  map.insert(7, 70);
  map.insert(7, 71);
  EXPECT_EQ(map.find(7), 70u);
  EXPECT_EQ(map.used(), 1u);
}

TEST(ConcurrentMap, ForgetsWhatItIsTold) {
  ConcurrentMap map;
  ASSERT_TRUE(map.init(4));
  for (uint64_t key = 1; key <= 1000; ++key) map.insert(key, value_of(key));
  map.forget_if([](uint64_t key) { return key % 3 == 0; });
  for (uint64_t key = 1; key <= 1000; ++key) ASSERT_EQ(map.find(key), key % 3 == 0 ? 0 : value_of(key)) << key;
  // A forgotten key may have another value from now on.
  for (uint64_t key = 3; key <= 1000; key += 3) map.insert(key, key);
  for (uint64_t key = 3; key <= 1000; key += 3) ASSERT_EQ(map.find(key), key);
  // And forgetting survives growth.
  map.forget_if([](uint64_t key) { return key % 5 == 0; });
  for (uint64_t key = 2000; key <= 9000; ++key) map.insert(key, value_of(key));
  for (uint64_t key = 5; key <= 1000; key += 5) ASSERT_EQ(map.find(key), 0u);
}

TEST(ConcurrentMap, NeverShowsAWrongValueToOtherThreads) {
  ConcurrentMap map;
  ASSERT_TRUE(map.init(4));
  constexpr uint64_t kKeys = 20'000;
  std::atomic<uint64_t> wrong{0}, hits{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      std::mt19937_64 random(thread);
      uint64_t found = 0;
      for (int i = 0; i < 200'000; ++i) {
        const uint64_t key = random() % kKeys + 1;
        const uint64_t value = map.find(key);
        if (value == 0)
          map.insert(key, value_of(key));
        else if (value == value_of(key))
          ++found;
        else
          ++wrong;
      }
      hits += found;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  // Lost inserts are made again: nearly every look-up after the first ones is a hit.
  EXPECT_GT(hits, 1'000u);  // however the threads were scheduled
  uint64_t missing = 0;
  for (uint64_t key = 1; key <= kKeys; ++key) missing += map.find(key) == 0;
  EXPECT_LT(missing, kKeys / 20);
}

TEST(ConcurrentMap, StaysRightWhileItForgets) {
  ConcurrentMap map;
  ASSERT_TRUE(map.init(4));
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 3; ++thread)
    threads.emplace_back([&, thread] {
      std::mt19937_64 random(thread);
      while (!stop) {
        const uint64_t key = random() % 500 + 1;
        const uint64_t value = map.find(key);
        if (value == 0)
          map.insert(key, value_of(key));
        else if (value != value_of(key))
          ++wrong;
      }
    });
  for (uint64_t i = 0; i < 300; ++i) {
    map.forget_if([i](uint64_t key) { return key % 7 == i % 7; });
    std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace tidemark
