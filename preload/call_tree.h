// The call tree: a node is a (parent, pc) pair, its id names a whole stack. Lock-free; nodes are never removed.
//
// Nodes are 16 bytes in one reserved array, four to a cache line; a child is found by walking its parent's list, which
// is short (1.3 on average in real programs). A parent with more than kListMax children gets a fan of kFanout lists, so
// that a dispatcher with a thousand callees costs a few probes. A global (parent, pc) hash was measured at 60% of all
// time in cache misses; lists in arrival order stay in L1 and L2.
//
// A new node's record is written to the trace before the node can be found by anyone (the caller's `announce` runs
// first), so no event ever names a node that the trace does not have.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/syscalls_linux.h"

namespace tidemark {

class CallTree {
 public:
  // Reserves address space for up to `max_nodes` nodes (at most 2^31); false if there is none.
  [[nodiscard]] bool init(size_t max_nodes) noexcept {
    nodes_ = static_cast<Node*>(sys::map_anonymous(max_nodes * sizeof(Node), true));
    max_nodes_ = nodes_ == nullptr ? 0 : static_cast<uint32_t>(max_nodes);
    next_.store(1, std::memory_order_relaxed);
    return nodes_ != nullptr;
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
    std::atomic<uint32_t>* list = &nodes_[parent].child;
    uint32_t first = list->load(std::memory_order_acquire);
    unsigned length = 0;
    if ((first & kFan) == 0) {
      for (uint32_t id = first; id != 0; id = nodes_[id].sibling, ++length)
        if (nodes_[id].key == key) return id;
      if (length < kListMax) [[likely]]
        return add(list, first, key, announce);
      first = make_fan(parent, first);
      if (first == 0) return 0;
    }
    return fan_child(first & ~kFan, key, announce);
  }

  size_t capacity() const noexcept { return max_nodes_; }
  uint64_t key(uint32_t id) const noexcept { return nodes_[id].key; }
  uint32_t nodes() const noexcept { return next_.load(std::memory_order_relaxed); }
  size_t bytes() const noexcept { return size_t{nodes()} * sizeof(Node); }

 private:
  struct Node {
    uint64_t key;
    std::atomic<uint32_t> child;  // first child, or kFan | first node of a fan
    uint32_t sibling;
  };
  static_assert(sizeof(Node) == 16);

  static constexpr uint32_t kFan = 0x8000'0000;
  static constexpr unsigned kListMax = 12;
  static constexpr unsigned kFanout = 64;

  uint32_t take(uint32_t count) noexcept {
    const uint32_t id = next_.fetch_add(count, std::memory_order_relaxed);
    if (id + count <= max_nodes_ && id + count > id) [[likely]]
      return id;
    next_.fetch_sub(count, std::memory_order_relaxed);
    return 0;
  }

  template <class Announce>
  uint32_t add(std::atomic<uint32_t>* list, uint32_t first, uint64_t key, Announce& announce) noexcept {
    const uint32_t id = take(1);
    if (id == 0 || !announce(id)) return 0;
    Node& node = nodes_[id];
    node.key = key;
    for (;;) {
      node.sibling = first;
      uint32_t seen = first;
      if (list->compare_exchange_strong(seen, id, std::memory_order_acq_rel)) return id;
      // Another thread added children (or made a fan of the list): look at what is new. If the key is among it, our
      // node stays unused; ids need not be dense.
      if ((seen & kFan) != 0) {
        node.key = 0;
        return fan_child(seen & ~kFan, key, announce);
      }
      for (uint32_t other = seen; other != first; other = nodes_[other].sibling) {
        if (nodes_[other].key == key) {
          node.key = 0;
          return other;
        }
      }
      first = seen;
    }
  }

  // A fan is a block of 1 + kFanout unannounced nodes: the first one's sibling is the list as it was, the others'
  // `child` are lists by hash.
  uint32_t make_fan(uint32_t parent, uint32_t first) noexcept {
    const uint32_t fan = take(1 + kFanout);
    if (fan == 0) return 0;
    for (;;) {
      nodes_[fan].sibling = first;
      uint32_t seen = first;
      if (nodes_[parent].child.compare_exchange_strong(seen, kFan | fan, std::memory_order_acq_rel)) return kFan | fan;
      if ((seen & kFan) != 0) return seen;
      first = seen;
    }
  }

  template <class Announce>
  uint32_t fan_child(uint32_t fan, uint64_t key, Announce& announce) noexcept {
    std::atomic<uint32_t>* list = &nodes_[fan + 1 + (key * 0x9e3779b97f4a7c15u >> 58)].child;
    const uint32_t first = list->load(std::memory_order_acquire);
    for (uint32_t id = first; id != 0; id = nodes_[id].sibling)
      if (nodes_[id].key == key) return id;
    for (uint32_t id = nodes_[fan].sibling; id != 0; id = nodes_[id].sibling)
      if (nodes_[id].key == key) return id;
    return add(list, first, key, announce);
  }

  Node* nodes_ = nullptr;
  uint32_t max_nodes_ = 0;
  std::atomic<uint32_t> next_{1};
};

}  // namespace tidemark
