// The heap graph at the size of a large program: time of each phase, memory per block and edge.
//
//   heap_graph [BLOCKS] [EDGES] [--lost] [--shuffled]     default: 10,000,000 and 30,000,000
//
// Blocks of 16 to 271 bytes in arenas of 64 MiB, in the order that a general allocator would leave: a structure's
// blocks mostly near each other, one in five anywhere. Structures of every shape take turns until the blocks are used
// up: doubly linked lists, binary trees, hash tables whose chains lie anywhere, vectors of pointers, cycles. One
// structure in ten is lost; the others hang on roots or on another structure; what is left of the edges joins any of
// these, mostly neighbours. --lost: there are no roots. --shuffled: every block lies anywhere.
//
// Prints each phase's seconds of processor time (and elapsed), and what is resident beyond the program's own table of
// words, which feeds the graph in the place of a trace file and is not counted.

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "analyzer/graph/heap_graph.h"

namespace {

using tidemark::graph::Block;
using tidemark::graph::HeapGraph;
using tidemark::graph::Reach;
using tidemark::graph::RootKind;

constexpr uint64_t kArenaBytes = 64 << 20;
constexpr double kMegabyte = 1 << 20;

struct Options {
  uint32_t blocks = 10'000'000;
  uint32_t edges = 30'000'000;
  bool lost = false;
  bool shuffled = false;
};

struct Pointer {
  uint32_t source;
  uint32_t target;
};

struct Word {
  uint64_t source;  // addresses
  uint64_t value;
};

// Small and repeatable; std::mt19937_64 would take most of the program's time.
class Random {
 public:
  uint32_t below(uint32_t limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>((state_ >> 32) * limit >> 32);
  }

 private:
  uint64_t state_ = 42;
};

class Program {
 public:
  explicit Program(const Options& options) : options_(options) {
    place_blocks();
    pointers_.reserve(options.edges);
    uint32_t structure = 0;
    for (uint32_t begin = 0; begin < options.blocks;) {
      const uint32_t size = std::min(options.blocks - begin, structure % 97 == 0 ? 100'000 : 1 + random_.below(2'000));
      build(begin, size, structure++);
      begin += size;
    }
    while (pointers_.size() < options.edges) {
      const uint32_t source = random_.below(options.blocks);
      if (is_lost_[source]) continue;  // so that what it points to is as lost as it looks
      // Mostly within the neighbourhood, where a program's other pointers lie too.
      const uint32_t near = source - std::min(source, 500u) + random_.below(1'000);
      const uint32_t target =
          random_.below(4) == 0 ? random_.below(options.blocks) : std::min(near, options.blocks - 1);
      if (!is_lost_[target]) point(source, target);
    }
    make_words();
  }

  const std::vector<Block>& blocks() const { return blocks_; }
  const std::vector<Pointer>& roots() const { return roots_; }

  void feed(HeapGraph& graph) const {
    for (const Word& word : words_) graph.add_word(word.source, word.value, false);
  }

 private:
  void place_blocks() {
    uint64_t address = 0x7f00'0000'0000;
    for (uint32_t i = 0; i < options_.blocks; ++i) {
      const uint32_t size = 16 + random_.below(random_.below(8) == 0 ? 256 : 48);
      if (address % kArenaBytes + size + 64 > kArenaBytes) address = (address / kArenaBytes + 2) * kArenaBytes;
      blocks_.push_back({address, size, i, 0});
      address += uint64_t{(size + 8 + 15) / 16} * 16;
    }
    is_lost_.resize(options_.blocks);
    place_.resize(options_.blocks);
    std::iota(place_.begin(), place_.end(), 0);
    for (uint32_t i = 0; i < options_.blocks; ++i) {
      if (options_.shuffled || random_.below(5) == 0) std::swap(place_[i], place_[random_.below(options_.blocks)]);
    }
  }

  void point(uint32_t source, uint32_t target) {
    if (pointers_.size() < options_.edges) pointers_.push_back({place_[source], place_[target]});
  }

  void build(uint32_t begin, uint32_t size, uint32_t structure) {
    for (uint32_t i = 1; i < size; ++i) {
      const uint32_t at = begin + i;
      switch (structure % 5) {
        case 0:  // a doubly linked list
          point(at - 1, at);
          point(at, at - 1);
          break;
        case 1:  // a tree whose nodes know their parents
          point(begin + (i - 1) / 2, at);
          point(at, begin + (i - 1) / 2);
          break;
        case 2:  // a hash table: an array of chains
          point(i % 3 == 1 ? begin : at - 1, at);
          break;
        case 3:  // a vector of pointers
          point(begin, at);
          break;
        default:  // a ring
          point(at - 1, at);
          if (i + 1 == size) point(at, begin);
      }
    }
    // One in twenty is lost.
    if (structure % 20 == 19 || structure % 20 == 0) {
      std::fill_n(is_lost_.begin() + begin, size, true);
    } else if (options_.lost) {
    } else if (structure % 4 == 0) {
      const uint32_t holder = random_.below(begin);
      if (!is_lost_[holder]) point(holder, begin);
    } else {
      roots_.push_back({static_cast<uint32_t>(roots_.size()), place_[begin]});
    }
  }

  // By source, as memory is read.
  void make_words() {
    std::vector<uint32_t> begins(size_t{options_.blocks} + 1);
    for (const Pointer& pointer : pointers_) ++begins[pointer.source + 1];
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    words_.resize(pointers_.size());
    for (const Pointer& pointer : pointers_) {
      const uint32_t at = begins[pointer.source]++;
      words_[at] = {blocks_[pointer.source].address, blocks_[pointer.target].address};
      // More pointers than the block has words share its last one.
      const uint64_t last = words_[at].source + (blocks_[pointer.source].size - 1) / 8 * 8;
      const uint64_t next = at == 0 ? 0 : words_[at - 1].source + 8;
      words_[at].source = std::min(std::max(words_[at].source, next), last);
    }
    std::vector<Pointer>().swap(pointers_);
  }

  Options options_;
  Random random_;
  std::vector<Block> blocks_;
  std::vector<uint32_t> place_;  // of the block with this number among the structures
  std::vector<bool> is_lost_;    // by number among the structures, like the pointers until they are placed
  std::vector<Pointer> pointers_;
  std::vector<Word> words_;
  std::vector<Pointer> roots_;  // group, block
};

double resident_bytes(const char* key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key, 0) == 0) return std::strtod(line.c_str() + std::strlen(key), nullptr) * 1024;
  }
  return 0;
}

void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

class Clock {
 public:
  void print(const char* phase) {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = processor_seconds() - last_seconds_;
    total_ += seconds;
    std::printf("%-20s %6.2f s (%6.2f)   resident %5.0f MB, peak so far %5.0f MB\n", phase, seconds,
                std::chrono::duration<double>(now - last_).count(), (resident_bytes("VmRSS:") - base_) / kMegabyte,
                peak() / kMegabyte);
    last_ = std::chrono::steady_clock::now();
    last_seconds_ = processor_seconds();
  }
  double peak() const { return resident_bytes("VmHWM:") - base_; }
  double total() const { return total_; }

 private:
  static double processor_seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }

  double base_ = resident_bytes("VmRSS:");
  double total_ = 0;
  double last_seconds_ = processor_seconds();
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

Options parse(int argc, char** argv) {
  Options options;
  uint32_t* const numbers[] = {&options.blocks, &options.edges};
  size_t given = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--lost") == 0) {
      options.lost = true;
    } else if (std::strcmp(argv[i], "--shuffled") == 0) {
      options.shuffled = true;
    } else if (given < 2 && std::atol(argv[i]) > 0) {
      *numbers[given++] = static_cast<uint32_t>(std::atol(argv[i]));
    } else {
      std::fprintf(stderr, "usage: heap_graph [BLOCKS] [EDGES] [--lost] [--shuffled]\n");
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  const Program program(options);
  reset_peak();

  Clock clock;
  // As a replay hands them over: in no particular order.
  std::vector<Block> blocks = program.blocks();
  Random random;
  for (size_t i = 0; i + 64 < blocks.size(); i += 64) {
    const size_t other = random.below(static_cast<uint32_t>(blocks.size() / 64)) * size_t{64};
    std::swap_ranges(blocks.begin() + static_cast<ptrdiff_t>(i), blocks.begin() + static_cast<ptrdiff_t>(i) + 32,
                     blocks.begin() + static_cast<ptrdiff_t>(other) + 32);
  }
  clock.print("(blocks copied)");
  const double copied = clock.total();
  HeapGraph graph(std::move(blocks));
  clock.print("sort, index");
  program.feed(graph);
  for (const auto& [group, block] : program.roots()) graph.add_root(group, RootKind::kGlobal, block, false);
  clock.print("words");
  graph.solve([&](const char* phase) { clock.print(phase); });
  const uint32_t point = graph.holder_tree().accumulation_point(graph.root_node());
  clock.print("holder tree");

  uint64_t reachable = 0;
  for (uint32_t block = 0; block < graph.block_count(); ++block) reachable += graph.reach(block) == Reach::kReachable;
  const double beyond = clock.peak() - 24.0 * graph.block_count();
  const double budget = 32.0 * graph.block_count() + 8.0 * static_cast<double>(graph.edge_count());
  std::printf("%" PRIu32 " blocks, %" PRIu64 " edges, %zu root words; %" PRIu64 " reachable, %" PRIu32
              " unreachable of %" PRIu32 " heads; accumulation point: node %" PRIu32 "\n",
              graph.block_count(), graph.edge_count(), program.roots().size(), reachable, graph.lost().count(),
              graph.lost().head_count(), point);
  std::printf(
      "total %.2f s, peak %.0f MB; beyond the blocks' 24 bytes %.0f MB (32 per block and 8 per edge: %.0f MB)\n",
      clock.total() - copied, clock.peak() / kMegabyte, beyond / kMegabyte, budget / kMegabyte);
}
