// The call tree: a node is a (parent, pc) pair, its id names a whole stack. Lock-free; nodes are never removed.
//
// Nodes are 16 bytes in one reserved array, four to a cache line; a child is found by walking its parent's list, which
// is short (1.3 on average in real programs). A list of kListMax gets a fan of kFanout further lists, chosen by four
// bits of the key's hash, and so on below: a dispatcher with a thousand callees costs some ten probes. A global
// (parent, pc) hash was measured at 60% of all time in cache misses; lists stay in L1 and L2.
//
// A new node's record is written to the trace before the node can be found by anyone (the caller's `announce` runs
// first), so no event ever names a node that the trace does not have.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/own_memory.h"
#include "system/syscalls_linux.h"

namespace tidemark {

class CallTree {
 public:
  // Reserves address space for up to `max_nodes` nodes (at most 2^31); false if there is none.
  [[nodiscard]] bool init(size_t max_nodes) noexcept {
    nodes_ = static_cast<Node*>(map_own(max_nodes * sizeof(Node), true));
    max_nodes_ = nodes_ == nullptr ? 0 : static_cast<uint32_t>(max_nodes);
    next_.store(1, std::memory_order_relaxed);
    return nodes_ != nullptr;
  }

  // Gives back the address space behind the nodes that there are, but for `keep` bytes.
  void shrink(uint64_t keep) noexcept {
    const uint32_t before = max_nodes_.load(std::memory_order_relaxed);
    const uint64_t after = (nodes() + keep / sizeof(Node) + kPageNodes) & ~uint64_t{kPageNodes - 1};
    if (after >= before) return;
    max_nodes_.store(static_cast<uint32_t>(after), std::memory_order_seq_cst);
    if (next_.load(std::memory_order_seq_cst) > after)
      max_nodes_.store(before, std::memory_order_relaxed);
    else
      sys::munmap(nodes_ + after, (before - after) * sizeof(Node));
  }

  // In a forked child, single-threaded: empties the tree and gives its memory back.
  void clear() noexcept {
    sys::madvise(nodes_, (size_t{next_.load(std::memory_order_relaxed)} * sizeof(Node) + 4095) & ~size_t{4095},
                 MADV_DONTNEED);
    next_.store(1, std::memory_order_relaxed);
  }

  // The child of `parent` for `key` (a pc, perhaps with flag bits; not 0), made if it is new. `announce(id)` is called
  // for a new node before it is published and says whether its record could be written. Returns 0 when the tree is
  // full or the record could not be written.
  template <class Announce>
  uint32_t child(uint32_t parent, uint64_t key, Announce&& announce) noexcept {
    uint64_t hash = key * 0x9e3779b97f4a7c15u;
    uint32_t announced = 0;
    for (uint32_t slot = parent;;) {
      std::atomic<uint32_t>& list = nodes_[slot].child;
      uint32_t first = list.load(std::memory_order_acquire);
      while ((first & kFan) == 0) {
        unsigned length = 0;
        for (uint32_t id = first; id != 0; id = nodes_[id].sibling, ++length)
          if (nodes_[id].key == key) return id;  // if one was announced meanwhile, its id stays unused
        if (length >= kListMax) {
          first = make_fan(list, first);
          if (first == 0) return 0;
          continue;
        }
        if (announced == 0) {
          announced = take(1);
          if (announced == 0 || !announce(announced)) return 0;
          nodes_[announced].key = key;
        }
        nodes_[announced].sibling = first;
        if (list.compare_exchange_strong(first, announced, std::memory_order_acq_rel)) return announced;
      }
      const uint32_t fan = first & ~kFan;
      for (uint32_t id = nodes_[fan].sibling; id != 0; id = nodes_[id].sibling)
        if (nodes_[id].key == key) return id;
      slot = fan + 1 + static_cast<uint32_t>(hash >> 60);
      hash <<= 4;
    }
  }

  size_t capacity() const noexcept { return max_nodes_; }
  uint64_t key(uint32_t id) const noexcept { return nodes_[id].key; }
  uint32_t nodes() const noexcept { return next_.load(std::memory_order_relaxed); }
  size_t bytes() const noexcept { return size_t{nodes()} * sizeof(Node); }

 private:
  struct Node {
    uint64_t key;
    std::atomic<uint32_t> child;  // first of a list, or kFan | first node of a fan
    uint32_t sibling;
  };
  static_assert(sizeof(Node) == 16);

  static constexpr uint32_t kFan = 0x8000'0000;
  static constexpr uint32_t kPageNodes = 4096 / 16;
  static constexpr unsigned kListMax = 6;
  static constexpr unsigned kFanout = 16;

  uint32_t take(uint32_t count) noexcept {
    const uint32_t id = next_.fetch_add(count, std::memory_order_seq_cst);
    if (id + count <= max_nodes_.load(std::memory_order_seq_cst) && id + count > id) [[likely]]
      return id;
    next_.fetch_sub(count, std::memory_order_relaxed);
    return 0;
  }

  // A fan is a block of 1 + kFanout unannounced nodes: the first one's sibling is the list as it was, the others'
  // `child` are lists by hash. Returns what `list` holds then: kFan | block; 0 when the tree is full.
  uint32_t make_fan(std::atomic<uint32_t>& list, uint32_t first) noexcept {
    const uint32_t fan = take(1 + kFanout);
    if (fan == 0) return 0;
    for (;;) {
      nodes_[fan].sibling = first;
      if (list.compare_exchange_strong(first, kFan | fan, std::memory_order_acq_rel)) return kFan | fan;
      if ((first & kFan) != 0) return first;
    }
  }

  Node* nodes_ = nullptr;
  std::atomic<uint32_t> max_nodes_{0};
  std::atomic<uint32_t> next_{1};
};

}  // namespace tidemark
