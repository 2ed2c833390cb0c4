// CallTree against a std::map of (parent, key): a pair has one id for ever, an id one pair; a child's id is larger than
// its parent's; every id that was handed out was announced before. Alone and with several threads.
#include "preload/call_tree.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace tidemark {
namespace {

using Pair = std::pair<uint32_t, uint64_t>;

const auto kAnnounce = [](uint32_t) { return true; };

TEST(CallTree, AgreesWithAModel) {
  CallTree tree;
  ASSERT_TRUE(tree.init(1 << 18));
  std::map<Pair, uint32_t> model;
  std::vector<uint32_t> ids{0};
  std::mt19937_64 random(1);
  for (int i = 0; i < 50'000; ++i) {
    // Few parents with very many children, many with few: lists, and fans behind them.
    const uint32_t parent = i % 3 == 0 ? ids[random() % std::min<size_t>(ids.size(), 4)] : ids[random() % ids.size()];
    const uint64_t key = 0x400000 + random() % 3000 * 5;
    bool announced = false;
    const uint32_t id = tree.child(parent, key, [&](uint32_t fresh) {
      announced = true;
      EXPECT_GT(fresh, parent);
      return true;
    });
    ASSERT_NE(id, 0u);
    const auto [known, is_new] = model.emplace(Pair{parent, key}, id);
    ASSERT_EQ(known->second, id);
    ASSERT_EQ(announced, is_new);
    ASSERT_EQ(tree.key(id), key);
    if (is_new) ids.push_back(id);
  }
  const std::set<uint32_t> distinct(ids.begin(), ids.end());
  EXPECT_EQ(distinct.size(), ids.size());
  // Fans cost ids, but not many.
  EXPECT_LT(tree.nodes(), 4 * ids.size());
}

TEST(CallTree, KeepsAChildThatHadAThousandSiblings) {
  CallTree tree;
  ASSERT_TRUE(tree.init(1 << 16));
  std::vector<uint32_t> ids;
  for (uint64_t key = 1; key <= 1000; ++key) ids.push_back(tree.child(0, key, kAnnounce));
  for (uint64_t key = 1; key <= 1000; ++key)
    ASSERT_EQ(tree.child(0, key, [](uint32_t) { return false; }), ids[key - 1]) << key;
}

TEST(CallTree, GivesNothingWhenItsRecordCannotBeWritten) {
  CallTree tree;
  ASSERT_TRUE(tree.init(1 << 10));
  EXPECT_EQ(tree.child(0, 5, [](uint32_t) { return false; }), 0u);
  // And nothing of it is left to be found.
  bool announced = false;
  EXPECT_NE(tree.child(0, 5, [&](uint32_t) { return announced = true; }), 0u);
  EXPECT_TRUE(announced);
}

TEST(CallTree, SaysWhenItIsFull) {
  CallTree tree;
  ASSERT_TRUE(tree.init(1 << 10));
  uint32_t parent = 0;
  unsigned made = 0;
  for (; made < 2000; ++made) {
    const uint32_t id = tree.child(parent, 7, kAnnounce);
    if (id == 0) break;
    parent = id;
  }
  EXPECT_EQ(made, (1u << 10) - 1);
  EXPECT_EQ(tree.child(parent, 8, kAnnounce), 0u);
  // What is there is still found.
  EXPECT_EQ(tree.child(0, 7, [](uint32_t) { return false; }), 1u);
}

TEST(CallTree, IsEmptyAfterClear) {
  CallTree tree;
  ASSERT_TRUE(tree.init(1 << 12));
  for (uint64_t key = 1; key <= 300; ++key) ASSERT_NE(tree.child(tree.child(0, key, kAnnounce), key, kAnnounce), 0u);
  tree.clear();
  EXPECT_EQ(tree.nodes(), 1u);
  bool announced = false;
  EXPECT_EQ(tree.child(0, 9, [&](uint32_t) { return announced = true; }), 1u);
  EXPECT_TRUE(announced);
}

TEST(CallTree, GivesAllThreadsTheSameIds) {
  for (unsigned round = 0; round < 20; ++round) {
    CallTree tree;
    ASSERT_TRUE(tree.init(1 << 18));
    constexpr unsigned kThreads = 4;
    std::mutex lock;
    std::set<uint32_t> announced;
    std::atomic<unsigned> ready{0};
    std::atomic<uint64_t> unannounced{0}, backwards{0};
    std::map<Pair, uint32_t> seen[kThreads];
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([&, thread] {
        ++ready;
        while (ready < kThreads) {
        }
        // The same walks in different orders: paths of three, from keys whose children go past what a list holds.
        std::mt19937_64 random(round * kThreads + thread);
        for (int i = 0; i < 3000; ++i) {
          uint32_t parent = 0;
          for (unsigned level = 0; level < 3; ++level) {
            const uint64_t key = 1 + random() % (level == 1 ? 40 : 8);
            const uint32_t id = tree.child(parent, key, [&](uint32_t fresh) {
              const std::lock_guard guard(lock);
              return announced.insert(fresh).second;
            });
            if (id <= parent) ++backwards;
            seen[thread].emplace(Pair{parent, key}, id);
            {
              const std::lock_guard guard(lock);
              if (announced.count(id) == 0) ++unannounced;
            }
            parent = id;
          }
        }
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(unannounced, 0u);
    EXPECT_EQ(backwards, 0u);
    std::map<Pair, uint32_t> all;
    std::map<uint32_t, Pair> by_id;
    for (const auto& mine : seen)
      for (const auto& [pair, id] : mine) {
        ASSERT_EQ(all.emplace(pair, id).first->second, id);
        ASSERT_EQ(by_id.emplace(id, pair).first->second, pair);
      }
  }
}

}  // namespace
}  // namespace tidemark
