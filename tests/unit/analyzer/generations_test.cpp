// What the generations keep of a few blocks, through Heap: growing objects, marks, the end of the program's life.
// Random runs: generations_model_test.cpp.
#include "analyzer/replay/generations.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>

#include "analyzer/replay/heap.h"

namespace tidemark::replay {
namespace {

constexpr uint64_t kStart = 1'000'000;
constexpr unsigned kShift = 10;  // the first slices last 1024 ticks
constexpr Actor kActor{0, 1};

class GrowingObject : public ::testing::Test {
 protected:
  GrowingObject() : heap_(kStart, 10, kShift) {
    heap_.tree().define(1, 0, 0x1000, false, 0);
    heap_.tree().define(2, 0, 0x2000, false, 0);
    heap_.threads().slot_of(1);
  }
  // Lets a slice pass.
  uint64_t later() { return time_ += 2000; }

  // What lives when it ends, by slice of birth.
  std::map<size_t, int64_t> bytes_by_birth(uint32_t site) {
    heap_.end_life(later());
    std::map<size_t, int64_t> bytes;
    for (const GenerationCell& cell : heap_.generations().cells(site)) bytes[cell.born] += cell.bytes;
    std::erase_if(bytes, [](const auto& entry) { return entry.second == 0; });
    return bytes;
  }

  Heap heap_;
  uint64_t time_ = kStart;
};

TEST_F(GrowingObject, ContainerThatDoublesIsOneObjectOfItsFirstSlice) {
  uint64_t size = 200, address = 0x100000;
  heap_.allocate(time_, address, size, 1, kActor);
  for (int i = 0; i < 10; ++i) {
    heap_.allocate(later(), address + 0x100000, 2 * size, 1, kActor);
    heap_.free(time_ + 1, address, kActor);
    address += 0x100000;
    size *= 2;
  }
  EXPECT_EQ(heap_.live().find(address)->birth, kStart);
  EXPECT_EQ(bytes_by_birth(1), (std::map<size_t, int64_t>{{0, 200 << 10}}));
}

TEST_F(GrowingObject, ReallocKeepsTheBirth) {
  uint64_t address = 0x100000;
  heap_.allocate(time_, address, 100, 1, kActor);
  for (int i = 1; i <= 5; ++i) {
    LiveBlock old;
    ASSERT_TRUE(heap_.free_for_realloc(later(), address, kActor, old));
    address += 0x100000;
    heap_.allocate_moved(time_ + 1, old, address, 100 + static_cast<uint64_t>(i), 2, kActor);
  }
  EXPECT_EQ(heap_.live().find(address)->birth, kStart);
  EXPECT_EQ(bytes_by_birth(2), (std::map<size_t, int64_t>{{0, 105}}));
}

TEST_F(GrowingObject, OtherPairsOfBlocksAreNoGrowth) {
  struct Case {
    const char* what;
    uint64_t old_size, new_size;
    uint32_t new_site;
    bool same;
  };
  const Case cases[] = {{"doubled", 400, 800, 1, true},
                        {"a prime near the double", 400, 870, 1, true},
                        {"half as much again", 400, 600, 1, true},
                        {"equal", 400, 400, 1, false},
                        {"a third more", 400, 540, 1, false},
                        {"three quarters more", 400, 700, 1, false},
                        {"tripled", 400, 1200, 1, false},
                        {"smaller", 400, 300, 1, false},
                        {"of another site", 400, 800, 2, false},
                        {"the smallest that counts", 128, 256, 1, true},
                        {"too small to tell", 127, 254, 1, false}};
  for (const Case& one : cases) {
    Heap heap(kStart, 10, kShift);
    heap.tree().define(2, 0, 0x2000, false, 0);
    heap.threads().slot_of(1);
    heap.allocate(kStart, 0x100000, one.old_size, 1, kActor);
    heap.allocate(kStart + 5000, 0x200000, one.new_size, one.new_site, kActor);
    heap.free(kStart + 5001, 0x100000, kActor);
    EXPECT_EQ(heap.live().find(0x200000)->birth == kStart, one.same) << one.what;
  }
}

TEST_F(GrowingObject, AnotherThreadsBlockIsNoGrowth) {
  heap_.threads().slot_of(2);
  heap_.allocate(time_, 0x100000, 400, 1, kActor);
  heap_.allocate(later(), 0x200000, 800, 1, {1, 2});
  heap_.free(time_ + 1, 0x100000, kActor);
  EXPECT_EQ(bytes_by_birth(1), (std::map<size_t, int64_t>{{1, 800}}));
}

TEST_F(GrowingObject, ABlockDoesNotGrowOutOfAYoungerOne) {
  heap_.allocate(time_, 0x100000, 400, 1, kActor);
  heap_.allocate(later(), 0x200000, 200, 1, kActor);
  heap_.free(time_ + 1, 0x200000, kActor);
  EXPECT_EQ(heap_.live().find(0x100000)->birth, kStart);
  EXPECT_EQ(bytes_by_birth(1), (std::map<size_t, int64_t>{{0, 400}}));
}

TEST_F(GrowingObject, ABlockThatTookItsPlaceDidNotGrow) {
  heap_.allocate(time_, 0x100000, 400, 1, kActor);
  heap_.allocate(later(), 0x200000, 800, 1, kActor);
  heap_.free(time_ + 1, 0x200000, kActor);
  heap_.allocate(time_ + 2, 0x200000, 10, 1, kActor);
  heap_.free(time_ + 3, 0x100000, kActor);
  EXPECT_EQ(bytes_by_birth(1), (std::map<size_t, int64_t>{{1, 10}}));
}

TEST(Generations, BlocksOfOneSliceLeaveNoTrace) {
  Heap heap(kStart, 10, kShift);
  heap.threads().slot_of(1);
  heap.tree().use(7);
  for (uint64_t i = 0; i < 50'000; ++i) {
    const uint64_t time = kStart + i * 50;
    heap.allocate(time, 0x1000, 100, 7, kActor);
    heap.free(time, 0x1000, kActor);
  }
  heap.end_life(kStart + 50'000 * 50);
  EXPECT_GE(heap.generations().slices().size(), Slices::kMost / 2);
  EXPECT_TRUE(heap.generations().cells(7).empty());
}

TEST(Generations, MarksEndSlicesBetweenWhichSomethingHappened) {
  Heap heap(kStart, 10, kShift);
  heap.threads().slot_of(1);
  heap.tree().use(1);
  heap.mark(kStart + 500);  // nothing happened
  EXPECT_EQ(heap.generations().slices().size(), 0u);
  heap.allocate(kStart + 600, 0x1000, 100, 1, kActor);
  heap.mark(kStart + 601);
  ASSERT_EQ(heap.generations().slices().size(), 1u);
  EXPECT_TRUE(heap.generations().slices()[0].ends_at_mark);
  EXPECT_EQ(heap.generations().slices()[0].marks, 2u);
  heap.allocate(kStart + 700, 0x2000, 100, 1, kActor);
  heap.end_life(kStart + 700);
  ASSERT_EQ(heap.generations().slices().size(), 2u);
  EXPECT_FALSE(heap.generations().slices()[1].ends_at_mark);
  EXPECT_EQ(heap.generations().slices()[1].marks, 0u);
  heap.allocate(kStart + 10'000, 0x3000, 100, 1, kActor);
  heap.mark(kStart + 90'000);
  heap.end_life(kStart + 90'000);
  EXPECT_EQ(heap.generations().slices().size(), 2u);
}

}  // namespace
}  // namespace tidemark::replay
