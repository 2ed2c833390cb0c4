// SeenStacks on stacks of our own making: it finds what was added as long as the slots hold, never another stack, tells
// many stacks of one caller apart where it may read ahead, and reads nowhere else.
#include "preload/unwind/seen_stacks.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <random>
#include <vector>

namespace tidemark::unwind {
namespace {

constexpr uint64_t kPc = 0x401234;
constexpr unsigned kWords = 64;

// A piece of stack, page-aligned: word i is a return address or whatever.
class Stack {
 public:
  Stack()
      : words_(static_cast<uint64_t*>(
            mmap(nullptr, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~Stack() { munmap(words_, 2 * 4096); }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  uint64_t& operator[](size_t word) { return words_[word]; }
  uint64_t sp() const { return reinterpret_cast<uint64_t>(words_); }
  Caller caller() const { return {kPc, sp(), 0}; }

 private:
  uint64_t* words_;
};

// As it lies on `stack` now, with slots at `words`.
SeenStack seen(Stack& stack, const std::vector<unsigned>& words, uint32_t node) {
  SeenStack one = {};
  one.pc = kPc;
  one.sp = stack.sp();
  one.node = node;
  one.slots = static_cast<uint8_t>(words.size());
  for (unsigned i = 0; i < SeenStack::kSlots; ++i) {
    const unsigned word = words[i < words.size() ? i : words.size() - 1];
    EXPECT_TRUE(SeenStack::pack(word * 8, stack[word], one.slot[i]));
  }
  return one;
}

const auto kTrunkHolds = [](const SeenStack&) { return true; };

class SeenStacksTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(stacks_.init()); }
  void TearDown() override { stacks_.release(); }

  void know_bounds() { stacks_.set_bounds(stack_.sp(), stack_.sp() + kWords * 8); }
  uint32_t find() { return stacks_.find(stack_.caller(), kTrunkHolds); }

  SeenStacks stacks_;
  Stack stack_;
};

TEST_F(SeenStacksTest, FindsAStackWhileItsSlotsAndItsTrunkHold) {
  EXPECT_EQ(find(), 0u);
  stack_[3] = 0x1000;
  stack_[9] = 0x2000;
  stacks_.add(seen(stack_, {3, 9}, 7));
  EXPECT_EQ(find(), 7u);
  EXPECT_EQ(stacks_.find(stack_.caller(), [](const SeenStack&) { return false; }), 0u);
  EXPECT_EQ(stacks_.find({kPc + 1, stack_.sp(), 0}, kTrunkHolds), 0u);
  stack_[9] = 0x2001;
  EXPECT_EQ(find(), 0u);
  stack_[9] = 0x2000;
  stacks_.clear();
  EXPECT_EQ(find(), 0u);
}

TEST_F(SeenStacksTest, LooksAtTheFramePointerWhereItMatters) {
  stack_[1] = 0x1000;
  SeenStack one = seen(stack_, {1}, 7);
  one.bp = 0x5000;
  stacks_.add(one);
  EXPECT_EQ(find(), 7u);
  one.needs_bp = 1;
  stacks_.add(one);
  EXPECT_EQ(find(), 0u);
  EXPECT_EQ(stacks_.find({kPc, stack_.sp(), 0x5000}, kTrunkHolds), 7u);
}

// 40 stacks that differ in word 5, below two that differ nowhere.
void visit_40(Stack& stack, SeenStacks& stacks, unsigned rounds, unsigned& found) {
  found = 0;
  for (unsigned round = 0; round < rounds; ++round) {
    found = 0;
    for (uint32_t i = 0; i < 40; ++i) {
      stack[2] = 0x1000;
      stack[5] = 0x2000 + i * 16;
      stack[8] = 0x3000;
      const uint32_t node = stacks.find(stack.caller(), kTrunkHolds);
      EXPECT_TRUE(node == 0 || node == i + 1) << node;
      found += node != 0;
      if (node == 0) stacks.add(seen(stack, {2, 5, 8}, i + 1));
    }
  }
}

TEST_F(SeenStacksTest, TellsManyStacksOfOneCallerApart) {
  know_bounds();
  unsigned found = 0;
  visit_40(stack_, stacks_, 4, found);
  EXPECT_EQ(found, 40u);
}

TEST_F(SeenStacksTest, ReadsNothingAheadOutsideOfTheThreadsOwnStack) {
  unsigned found = 0;
  visit_40(stack_, stacks_, 4, found);
  EXPECT_LT(found, 40u);
}

TEST_F(SeenStacksTest, APartingBeyondTheBoundsOfNowIsNotRead) {
  constexpr unsigned kNextPage = 4096 / 8;
  stacks_.set_bounds(stack_.sp(), stack_.sp() + 2 * 4096);
  for (uint32_t i = 0; i < 20; ++i) {
    stack_[2] = 0x1000;
    stack_[kNextPage] = 0x2000 + i * 16;
    stacks_.add(seen(stack_, {2, kNextPage}, i + 1));
  }
  EXPECT_EQ(find(), 20u);
  // Another thread's stack ends here, and what lies behind it is gone.
  stack_[2] = 0x1001;
  stacks_.set_bounds(stack_.sp(), stack_.sp() + 4096);
  ASSERT_EQ(mprotect(&stack_[kNextPage], 4096, PROT_NONE), 0);
  EXPECT_EQ(find(), 0u);
}

TEST_F(SeenStacksTest, NeverGivesAnotherStacksNode) {
  know_bounds();
  std::mt19937_64 random(1);
  // A stack is the values of three slots; its node says which. The second slot's place depends on the first.
  for (unsigned i = 0; i < 200'000; ++i) {
    const auto first = static_cast<uint32_t>(random() % 4), second = static_cast<uint32_t>(random() % 6),
               third = static_cast<uint32_t>(random() % 5);
    const std::vector<unsigned> words = {1, 4 + first * 7, 40 + second};
    for (unsigned word = 2; word < kWords; ++word) stack_[word] = random() % 8;  // what a frame's variables may be
    stack_[words[0]] = 0x1000 + first;
    stack_[words[1]] = 0x2000 + second;
    stack_[words[2]] = 0x3000 + third;
    const uint32_t expected = 1 + first + 4 * (second + 6 * third);
    const uint32_t node = find();
    ASSERT_TRUE(node == 0 || node == expected) << node << " for " << expected;
    if (node == 0) stacks_.add(seen(stack_, words, expected));
  }
}

TEST(SeenStack, PacksOnlyWhatFits) {
  uint64_t slot = 0;
  EXPECT_TRUE(SeenStack::pack(0, 0, slot));
  EXPECT_TRUE(SeenStack::pack(800, (uint64_t{1} << 48) - 1, slot));
  EXPECT_EQ(SeenStack::word_of(slot), 100u);
  EXPECT_EQ(SeenStack::value_of(slot), (uint64_t{1} << 48) - 1);
  EXPECT_FALSE(SeenStack::pack(4, 0, slot));                        // no word
  EXPECT_FALSE(SeenStack::pack(8 * SeenStack::kMaxWord, 0, slot));  // too far off
  EXPECT_FALSE(SeenStack::pack(uint64_t{0} - 8, 0, slot));          // below
  EXPECT_FALSE(SeenStack::pack(0, uint64_t{1} << 48, slot));        // no pointer
}

}  // namespace
}  // namespace tidemark::unwind
