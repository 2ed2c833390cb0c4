// Births and survivors, through Heap, against a model that keeps every live block's slice of birth and looks at all
// blocks whenever a slice ends.
#include "analyzer/replay/generations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "analyzer/replay/heap.h"

namespace tidemark::replay {
namespace {

constexpr uint64_t kStart = 1'000'000;
constexpr unsigned kShift = 10;  // the first slices last 1024 ticks

struct Sum {
  int64_t blocks = 0, bytes = 0;
  friend bool operator==(const Sum&, const Sum&) = default;
};

// Of a site, what is live at the end of slice `at`, of what was born in slice `born`.
std::map<std::pair<size_t, size_t>, Sum> matrix_of(const Generations& generations, uint32_t site) {
  std::map<std::pair<size_t, size_t>, Sum> matrix;
  const size_t count = generations.slices().size();
  for (const GenerationCell& cell : generations.cells(site)) {
    for (size_t at = cell.slice; at < count; ++at) {
      Sum& sum = matrix[{cell.born, at}];
      sum.blocks += cell.blocks;
      sum.bytes += cell.bytes;
    }
  }
  std::erase_if(matrix, [](const auto& entry) { return entry.second == Sum{}; });
  return matrix;
}

class Model {
 public:
  static constexpr uint32_t kSites = 6, kThreads = 3;

  explicit Model(unsigned seed) : random_(seed), heap_(kStart, 10, kShift) {
    for (uint32_t site = 1; site <= kSites; ++site) heap_.tree().define(site, 0, 0x1000 * site, false, 0);
    for (uint32_t thread = 1; thread <= kThreads; ++thread) heap_.threads().slot_of(thread);
    grown_.resize(kThreads + 1);
  }

  void step() {
    time_ += random_() % 50 == 0 ? random_() % 3000 : random_() % 20;
    thread_ = 1 + static_cast<uint32_t>(random_() % kThreads);
    const uint64_t what = random_() % 100;
    if (what < 40 || blocks_.empty()) {
      allocate(1 + static_cast<uint32_t>(random_() % kSites), some_size(), new_address());
    } else if (what < 70) {
      free(some_block());
    } else if (what < 80) {
      reallocate(some_block());
    } else if (what < 97) {
      grow(some_block());
    } else if (what < 99) {
      const uint64_t address = some_block();  // its free was not seen
      allocate(1 + static_cast<uint32_t>(random_() % kSites), some_size(), address);
    } else {
      heap_.mark(time_);
      ++slice_.marks;
      watch();
    }
  }

  void end() {
    heap_.end_life(time_);
    watch();
  }

  void check() {
    const Generations& generations = heap_.generations();
    const Slices& slices = generations.slices();
    // The last of the slices that each of today's stands for.
    std::vector<size_t> last(slices.size());
    std::vector<RunSlice> expected(slices.size());
    std::vector<size_t> one_of(slices.size());
    for (size_t serial = 1; serial < ends_.size(); ++serial) {
      const size_t index = slices.index(static_cast<uint16_t>(serial));
      ASSERT_LT(index, slices.size());
      last[index] = serial;
      RunSlice& sum = expected[index];
      const RunSlice& one = ends_[serial].slice;
      if (one_of[index]++ == 0) sum.least_live_bytes = one.least_live_bytes;
      sum.least_live_bytes = std::min(sum.least_live_bytes, one.least_live_bytes);
      sum.most_live_bytes = std::max(sum.most_live_bytes, one.most_live_bytes);
      sum.allocations += one.allocations;
      sum.frees += one.frees;
      sum.new_sites += one.new_sites;
      sum.marks += one.marks;
      sum.live_bytes = one.live_bytes;
      sum.live_blocks = one.live_blocks;
    }
    for (size_t at = 0; at < slices.size(); ++at) {
      ASSERT_EQ(slices[at].allocations, expected[at].allocations) << at;
      ASSERT_EQ(slices[at].frees, expected[at].frees) << at;
      ASSERT_EQ(slices[at].new_sites, expected[at].new_sites) << at;
      ASSERT_EQ(slices[at].marks, expected[at].marks) << at;
      ASSERT_EQ(slices[at].live_bytes, expected[at].live_bytes) << at;
      ASSERT_EQ(slices[at].live_blocks, expected[at].live_blocks) << at;
      ASSERT_EQ(slices[at].least_live_bytes, expected[at].least_live_bytes) << at;
      ASSERT_EQ(slices[at].most_live_bytes, expected[at].most_live_bytes) << at;
    }
    for (uint32_t site = 0; site <= kSites; ++site) {
      std::map<std::pair<size_t, size_t>, Sum> matrix;
      for (size_t at = 0; at < slices.size(); ++at) {
        for (const auto& [key, sum] : ends_[last[at]].live) {
          if (key.first != site) continue;
          Sum& total = matrix[{slices.index(key.second), at}];
          total.blocks += sum.blocks;
          total.bytes += sum.bytes;
        }
      }
      ASSERT_EQ(matrix_of(generations, site), matrix) << "site " << site;
      ASSERT_TRUE(std::is_sorted(generations.cells(site).begin(), generations.cells(site).end(),
                                 [](const auto& a, const auto& b) { return a.slice < b.slice; }));
    }
  }

  size_t closed() const { return ends_.size() - 1; }
  size_t passed_on() const { return passed_on_; }

 private:
  struct Block {
    uint64_t size;
    uint32_t site;
    uint16_t serial;
  };
  struct End {
    std::map<std::pair<uint32_t, uint16_t>, Sum> live;  // by site and serial number of birth
    RunSlice slice;
  };

  uint64_t new_address() { return next_address_ += 0x1000; }
  uint64_t some_size() { return random_() % 3 == 0 ? 256u << random_() % 4 : 1 + random_() % 700; }
  uint64_t some_block() {
    auto found = blocks_.lower_bound(random_() % (next_address_ + 1));
    return found == blocks_.end() ? blocks_.begin()->first : found->first;
  }

  // If the call has ended a slice, it did so before it changed anything: the blocks here are still those before it.
  void watch() {
    if (heap_.generations().serial() == serial_) return;
    ASSERT_EQ(heap_.generations().serial(), serial_ + 1);
    End& end = ends_.emplace_back();
    for (const auto& [address, block] : blocks_) {
      Sum& sum = end.live[{block.site, block.serial}];
      ++sum.blocks;
      sum.bytes += static_cast<int64_t>(block.size);
    }
    slice_.live_bytes = live_;
    slice_.live_blocks = blocks_.size();
    end.slice = slice_;
    slice_ = {};
    slice_.least_live_bytes = slice_.most_live_bytes = live_;
    ++serial_;
  }

  void add(uint64_t address, const Block& block) {
    blocks_[address] = block;
    live_ += block.size;
    slice_.most_live_bytes = std::max(slice_.most_live_bytes, live_);
    ++slice_.allocations;
    if (!seen_[block.site]) ++slice_.new_sites;
    seen_[block.site] = true;
  }
  Block remove(uint64_t address, bool counted) {
    const Block block = blocks_.at(address);
    blocks_.erase(address);
    live_ -= block.size;
    slice_.least_live_bytes = std::min(slice_.least_live_bytes, live_);
    if (counted) ++slice_.frees;
    return block;
  }

  void allocate(uint32_t site, uint64_t size, uint64_t address) {
    heap_.allocate(time_, address, size, site, {0, thread_});
    watch();
    if (blocks_.count(address) != 0) remove(address, false);
    add(address, {size, site, serial_});
    if (size >= 256) grown_[thread_] = {address, size, site};
  }

  void free(uint64_t address) {
    ASSERT_TRUE(heap_.free(time_, address, {0, thread_}));
    watch();
    const Block old = remove(address, true);
    LastGrown& grown = grown_[thread_];
    const double factor = static_cast<double>(grown.size) / static_cast<double>(old.size);
    const bool doubled = factor > 1.94 && factor<2.2, half_more = factor> 1.45 && factor < 1.55;
    if (grown.address == address || grown.node != old.site || old.size < 128 || (!doubled && !half_more)) return;
    const auto larger = blocks_.find(grown.address);
    const uint64_t size = grown.size;
    grown = {};
    if (larger == blocks_.end() || larger->second.site != old.site || larger->second.size != size) return;
    if (larger->second.serial <= old.serial) return;  // what was there before did not grow out of it
    larger->second.serial = old.serial;
    ++passed_on_;
  }

  // In place, elsewhere, larger, smaller, and now and then from another site.
  void reallocate(uint64_t address) {
    LiveBlock old;
    ASSERT_TRUE(heap_.free_for_realloc(time_, address, {0, thread_}, old));
    watch();
    Block block = remove(address, true);
    time_ += random_() % 20;
    const uint64_t to = random_() % 2 == 0 ? address : new_address();
    block.size = some_size();
    if (random_() % 4 == 0) block.site = 1 + static_cast<uint32_t>(random_() % kSites);
    heap_.allocate_moved(time_, old, to, block.size, block.site, {0, thread_});
    watch();
    add(to, block);
  }

  // As a container: a larger array, then away with the old one.
  void grow(uint64_t address) {
    const Block old = blocks_.at(address);
    allocate(old.site, random_() % 2 == 0 ? old.size * 2 : old.size + old.size / 2, new_address());
    time_ += random_() % 200;
    if (random_() % 4 == 0) allocate(old.site, 16, new_address());
    free(address);
  }

  std::mt19937_64 random_;
  Heap heap_;
  uint64_t time_ = kStart, next_address_ = 0x10000, live_ = 0;
  uint32_t thread_ = 1;
  uint16_t serial_ = 1;
  std::map<uint64_t, Block> blocks_;
  std::vector<LastGrown> grown_;
  std::map<uint32_t, bool> seen_;
  RunSlice slice_;
  std::vector<End> ends_{1};  // by serial number
  size_t passed_on_ = 0;
};

TEST(Generations, SurvivorsOfEveryBirthAreThoseOfTheModel) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    Model model(seed);
    const int steps = 300 << (seed % 7);
    for (int i = 0; i < steps && !HasFatalFailure(); ++i) {
      model.step();
      if (i % 997 == 0) model.check();
    }
    model.end();
    model.check();
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
    if (steps > 10'000) {
      EXPECT_GT(model.closed(), 2 * Slices::kMost) << "the run is too short for merges";
      EXPECT_GT(model.passed_on(), 100u);
    }
    // Teardown is no slice's.
    for (int i = 0; i < 100; ++i) model.step();
    model.check();
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tidemark::replay
