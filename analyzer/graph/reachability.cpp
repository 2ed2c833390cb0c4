#include "analyzer/graph/reachability.h"

namespace tidemark::graph {
namespace {

// How many blocks ahead of its turn a block's row, and then its targets, are fetched.
constexpr uint32_t kRowAhead = 24;
constexpr uint32_t kTargetsAhead = 12;

class Search {
 public:
  Search(std::span<const Block> blocks, const Edges& edges, const Roots& roots)
      : blocks_(blocks), edges_(edges), roots_(roots), queue_(blocks.size()) {
    reached_.reach = ZeroedArray<Reach>(blocks.size());
    reached_.parent = ZeroedArray<uint32_t>(blocks.size());
    reached_.group = ZeroedArray<uint32_t>(blocks.size());
  }

  Reached run() {
    strong_phases();
    weak_phase();
    return std::move(reached_);
  }

 private:
  void reach(uint32_t block, Reach how, uint32_t parent, uint32_t group) {
    if (reached_.reach[block] != Reach::kUnreachable) return;
    reached_.reach[block] = how;
    reached_.parent[block] = parent;
    reached_.group[block] = group;
    queue_[queue_end_++] = block;
  }

  void reach_blocks_with(uint32_t flags, Reach how) {
    for (uint32_t block = 0; block < blocks_.size(); ++block) {
      if ((blocks_[block].flags & flags) != 0) reach(block, how, kNone, kNone);
    }
  }

  void strong_phases() {
    const std::span<const RootWord> words = roots_.words();
    size_t at = 0;
    while (at < words.size()) {
      const RootKind kind = roots_.kind(words[at].group);
      for (; at < words.size() && roots_.kind(words[at].group) == kind; ++at) {
        if (words[at].weak == 0) reach(words[at].block, Reach::kReachable, kNone, words[at].group);
      }
      follow_full_edges();
    }
    reach_blocks_with(kInFlight | kRootBlock, Reach::kReachable);
    follow_full_edges();
  }

  void follow_full_edges() {
    for (; queue_at_ < queue_end_; ++queue_at_) {
      prefetch();
      const uint32_t block = queue_[queue_at_];
      const uint32_t group = reached_.group[block];
      for (const uint32_t target : edges_.targets(block)) reach(target, Reach::kReachable, block, group);
    }
  }

  void weak_phase() {
    for (const Edge edge : edges_.weak()) {
      if (reached_.reach[edge.source] == Reach::kReachable) {
        reach(edge.target, Reach::kWeak, edge.source, reached_.group[edge.source]);
      }
    }
    follow_all_edges();
    for (const RootWord word : roots_.words()) {
      if (word.weak != 0) reach(word.block, Reach::kWeak, kNone, word.group);
    }
    follow_all_edges();
    reach_blocks_with(kMapping, Reach::kWeak);
    follow_all_edges();
  }

  void follow_all_edges() {
    for (; queue_at_ < queue_end_; ++queue_at_) {
      prefetch();
      const uint32_t block = queue_[queue_at_];
      const uint32_t group = reached_.group[block];
      for (const uint32_t target : edges_.targets(block)) reach(target, Reach::kWeak, block, group);
      for (const Edge edge : edges_.weak_from(block)) reach(edge.target, Reach::kWeak, block, group);
    }
  }

  void prefetch() const {
    if (queue_at_ + kRowAhead >= queue_end_) return;
    edges_.prefetch_row(queue_[queue_at_ + kRowAhead]);
    edges_.prefetch_targets(queue_[queue_at_ + kTargetsAhead]);
  }

  std::span<const Block> blocks_;
  const Edges& edges_;
  const Roots& roots_;
  Reached reached_;
  ZeroedArray<uint32_t> queue_;  // every block at most once
  uint32_t queue_at_ = 0;
  uint32_t queue_end_ = 0;
};

}  // namespace

Reached find_reachable(std::span<const Block> blocks, const Edges& edges, const Roots& roots) {
  return Search(blocks, edges, roots).run();
}

}  // namespace tidemark::graph
