// Shapes of malloc alone: who points at whom among lost blocks.
#include <cstdlib>
#include <cstring>
#include <new>

#include "shapes.h"

namespace leaks {
namespace {

struct Node {
  Node* next;
  Node* other;
  std::uint64_t number;
};

constexpr std::size_t kNode = 96;

[[gnu::noinline]] Node* node(Node* next, Node* other = nullptr, std::size_t bytes = kNode) {
  Node* made = static_cast<Node*>(take(bytes));
  *made = {next, other, bytes};
  return made;
}

// --- one block, several blocks that know nothing of one another

[[gnu::noinline]] void* single() { return take(16); }

[[gnu::noinline]] void lose_direct() {
  for (int i = 0; i < 30; ++i) forget(take(40));
}

[[gnu::noinline]] void free_direct() {
  for (int i = 0; i < 30; ++i) std::free(take(40));
}

[[gnu::noinline]] void lose_many() {
  for (int i = 0; i < 100'000; ++i) forget(take(24));
}

[[gnu::noinline]] void* many() {
  Node* list = nullptr;
  for (int i = 0; i < 100'000; ++i) list = node(list, nullptr, 24);
  return list;
}

[[gnu::noinline]] void lose_empty() {
  for (int i = 0; i < 20; ++i) forget(take(0));
}

[[gnu::noinline]] void hold_empty() {
  for (int i = 0; i < 20; ++i) held_many[i] = take(0);
}

// --- structures

[[gnu::noinline]] void* indirect() { return node(node(nullptr, nullptr, 1000), nullptr, 24); }

[[gnu::noinline]] Node* tree_of(int depth) {
  return depth == 0 ? nullptr : node(tree_of(depth - 1), tree_of(depth - 1));
}

void* tree() { return tree_of(5); }

[[gnu::noinline]] Node* ring(int nodes) {
  Node* first = node(nullptr);
  Node* last = first;
  for (int i = 1; i < nodes; ++i) last = last->next = node(nullptr);
  last->next = first;
  return first;
}

void* cycle() { return ring(12); }

[[gnu::noinline]] void free_cycle() {
  Node* first = ring(12);
  for (Node* at = first->next; at != first;) {
    Node* next = at->next;
    std::free(at);
    at = next;
  }
  std::free(first);
}

// A tail of 5 hangs off the ring.
[[gnu::noinline]] void* cycle_with_tail() {
  Node* first = ring(12);
  for (int i = 0; i < 5; ++i) first->other = node(first->other, nullptr, 200);
  return first;
}

// A head of 5 leads to the ring: the head is what was let go of.
[[gnu::noinline]] void* cycle_behind_head() {
  Node* head = ring(12);
  for (int i = 0; i < 5; ++i) head = node(head, nullptr, 200);
  return head;
}

// Neighbours hold one another.
[[gnu::noinline]] void* doubly_linked() {
  Node* first = node(nullptr);
  Node* last = first;
  for (int i = 1; i < 20; ++i) {
    last->next = node(nullptr, last);
    last = last->next;
  }
  return first;
}

// A block's pointer to itself holds nothing.
[[gnu::noinline]] void lose_self() {
  for (int i = 0; i < 20; ++i) {
    Node* made = node(nullptr);
    made->next = made;
    forget(made);
  }
}

[[gnu::noinline]] void hold_self() {
  for (int i = 0; i < 20; ++i) {
    Node* made = node(nullptr);
    made->next = made;
    held_many[i] = made;
  }
}

// The pointer is the last word of its block.
[[gnu::noinline]] void* last_word() {
  char* outer = static_cast<char*>(take(400));
  std::memset(outer, 0, 400);
  void* inner = take(1200);
  std::memcpy(outer + 392, &inner, sizeof inner);
  return outer;
}

// --- other ways to get a block

[[gnu::noinline]] void* reallocated() {
  void* block = take(10);
  for (const std::size_t size : {100, 1000, 300'000, 700'000, 5000}) block = std::realloc(block, size);
  std::memset(block, 0x5a, 5000);
  return block;
}

[[gnu::noinline]] void* aligned_three() {
  void* first = nullptr;
  if (posix_memalign(&first, 64, 1000) != 0) std::abort();
  void* second = std::aligned_alloc(4096, 8192);
  void* third = ::operator new (2000, std::align_val_t{256});
  std::memset(third, 0, 2000);
  std::memset(second, 0, 8192);
  std::memset(first, 0, 1000);
  std::memcpy(second, &third, sizeof third);
  std::memcpy(first, &second, sizeof second);
  return first;
}

[[gnu::noinline]] void lose_zeroed() {
  for (int i = 0; i < 10; ++i) forget(std::calloc(10, 20));
}

[[gnu::noinline]] void free_zeroed() {
  for (int i = 0; i < 10; ++i) std::free(std::calloc(10, 20));
}

// Larger than the threshold from which malloc maps blocks by themselves.
[[gnu::noinline]] void* large() { return node(node(nullptr, nullptr, 3'000'000), nullptr, 1'000'000); }

// --- a dead frame that still has the pointers: 20 words, far enough below that no later call overwrites all of them

[[gnu::noinline]] void leave_on_stack(bool release) {
  void* volatile slots[20];
  char room[8 << 10];
  for (void* volatile& slot : slots) slot = take(72);
  asm volatile("" : : "r"(room) : "memory");
  if (!release) return;
  for (void* volatile& slot : slots) std::free(slot);
}

void lose_stale() { leave_on_stack(false); }
void free_stale() { leave_on_stack(true); }

constexpr Shape kShapes[] = {
    {"single", lose<single>, hold<single>, 1, 16},
    {"direct", lose_direct, free_direct, 30, std::size_t{30} * 40},
    {"many", lose_many, hold<many>, 100'000, std::size_t{100'000} * 24},
    {"empty", lose_empty, hold_empty, 20, 0},
    {"indirect", lose<indirect>, hold<indirect>, 2, 1024},
    {"tree", lose<tree>, hold<tree>, 31, 31 * kNode},
    {"cycle", lose<cycle>, free_cycle, 12, 12 * kNode, Kind::kCycle},
    {"cycle_held", lose<cycle>, hold<cycle>, 12, 12 * kNode, Kind::kCycle},
    {"cycle_with_tail", lose<cycle_with_tail>, hold<cycle_with_tail>, 17, 12 * kNode + 1000, Kind::kCycle},
    {"cycle_behind_head", lose<cycle_behind_head>, hold<cycle_behind_head>, 17, 12 * kNode + 1000, Kind::kEither},
    {"doubly_linked", lose<doubly_linked>, hold<doubly_linked>, 20, 20 * kNode, Kind::kCycle},
    {"self_pointer", lose_self, hold_self, 20, 20 * kNode, Kind::kEither},
    {"end_of_block", lose<last_word>, hold<last_word>, 2, 1600},
    {"realloc", lose<reallocated>, hold<reallocated>, 1, 5000},
    {"aligned", lose<aligned_three>, hold<aligned_three>, 3, 1000 + 8192 + 2000},
    {"calloc", lose_zeroed, free_zeroed, 10, 2000},
    {"large", lose<large>, hold<large>, 2, 4'000'000},
    {"stale_stack_slot", lose_stale, free_stale, 20, std::size_t{20} * 72},
};

}  // namespace

std::span<const Shape> plain_shapes() { return kShapes; }

}  // namespace leaks
