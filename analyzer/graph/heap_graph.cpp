#include "analyzer/graph/heap_graph.h"

#include <algorithm>

namespace tidemark::graph {

HeapGraph::HeapGraph(std::vector<Block> blocks)
    : index_(std::move(blocks)), edges_(block_count()), self_linked_(block_count() / 64 + 1) {}

uint32_t HeapGraph::source_block(uint64_t source) noexcept {
  const auto holds = [this, source](uint32_t block) {
    const Block& one = blocks()[block];
    return source >= one.address && source - one.address < one.size && one.size - (source - one.address) >= kWordBytes;
  };
  if (source < last_source_) [[unlikely]] {
    const uint32_t block = block_at(source);
    return block != kNone && holds(block) ? block : kNone;
  }
  last_source_ = source;
  const std::span<const Block> all = blocks();
  while (cursor_ < all.size() && all[cursor_].address <= source && source - all[cursor_].address >= all[cursor_].size) {
    ++cursor_;
  }
  return cursor_ < all.size() && holds(cursor_) ? cursor_ : kNone;
}

bool HeapGraph::add_word(uint64_t source, uint64_t value, bool weak) {
  const uint32_t block = source_block(source);
  if (block == kNone) return false;
  pending_values_[pending_] = value;
  pending_sources_[pending_] = block;
  pending_weak_[pending_] = weak;
  if (++pending_ == kPending) resolve_pending();
  return true;
}

void HeapGraph::resolve_pending() {
  std::array<Target, kPending> targets;
  index_.find_all({pending_values_.data(), pending_}, targets.data());
  for (size_t i = 0; i < pending_; ++i) {
    const Target& target = targets[i];
    const uint32_t source = pending_sources_[i];
    if (target.block == kNone) continue;
    const bool weak = pending_weak_[i] || target.weak;
    if (target.block == source) {
      if (!weak) self_linked_[source / 64] |= uint64_t{1} << source % 64;
    } else if (weak) {
      edges_.add_weak(source, target.block);
    } else {
      edges_.add(source, target.block);
    }
  }
  pending_ = 0;
}

void HeapGraph::finish_building() {
  resolve_pending();
  edges_.finish();
  roots_.finish();
  holder_tree_.reset();
  lost_ = {};
  dominators_ = {};
  reached_ = {};
}

void HeapGraph::solve_reachability() {
  finish_building();
  reached_ = find_reachable(blocks(), edges_, roots_);
}

// Dominators first: they need the most memory while they are found, and nothing of the rest.
void HeapGraph::solve(const std::function<void(const char*)>& done) {
  const auto finished = [&](const char* phase) {
    if (done) done(phase);
  };
  finish_building();
  finished("edges");
  dominators_ = find_dominators(blocks(), edges_, roots_);
  finished("dominators");
  reached_ = find_reachable(blocks(), edges_, roots_);
  finished("reachability");
  lost_ = LostBlocks(blocks(), edges_, reached_.reach);
  finished("unreachable blocks");
}

std::vector<uint32_t> HeapGraph::referrers(uint32_t block, size_t limit) const {
  std::vector<uint32_t> found;
  for (uint32_t source = 0; source < block_count() && found.size() < limit; ++source) {
    const std::span<const uint32_t> row = targets(source);
    if (std::find(row.begin(), row.end(), block) != row.end()) found.push_back(source);
  }
  return found;
}

std::vector<uint32_t> HeapGraph::path(uint32_t block) const {
  std::vector<uint32_t> path;
  for (uint32_t one = block; one != kNone; one = parent(one)) path.push_back(one);
  std::reverse(path.begin(), path.end());
  return path;
}

HolderTree& HeapGraph::holder_tree() {
  if (!holder_tree_) holder_tree_.emplace(blocks(), reached_.reach, dominators_);
  return *holder_tree_;
}

}  // namespace tidemark::graph
