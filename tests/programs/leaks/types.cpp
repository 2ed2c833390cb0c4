// Shapes of C++: where a pointer to an object is not the pointer to its block, and what the library's containers hold.
#include <cstring>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "shapes.h"

namespace leaks {
namespace {

// libstdc++'s control block of make_shared: its vtable and two counts, then the object.
constexpr std::size_t kControlBlock = 16;

// --- two objects of make_shared that hold one another

struct Partner {
  std::shared_ptr<Partner> partner;
  std::uint64_t data[20] = {};
};

template <typename Build>
[[gnu::noinline]] void forty_times(Build build) {
  for (int i = 0; i < 40; ++i) build(i);
}

[[gnu::noinline]] std::shared_ptr<Partner> pair_of_partners() {
  auto first = std::make_shared<Partner>();
  first->partner = std::make_shared<Partner>();
  first->partner->partner = first;
  return first;
}

[[gnu::noinline]] void lose_partners() {
  forty_times([](int) { pair_of_partners(); });
}

[[gnu::noinline]] void free_partners() {
  forty_times([](int) { pair_of_partners()->partner.reset(); });
}

// Held by interior pointers alone: a shared_ptr's first word points behind the control block; the second is erased.
[[gnu::noinline]] void hold_partners() {
  forty_times([](int i) {
    auto* holder = new std::shared_ptr<Partner>(pair_of_partners());
    held_many[i] = holder->get();
    ::operator delete(static_cast<void*>(holder));
  });
}

// --- the same, with control blocks of their own

struct Owner {
  std::shared_ptr<Owner> other;
  std::uint64_t data[11] = {};
};

[[gnu::noinline]] void lose_owners() {
  forty_times([](int) {
    std::shared_ptr<Owner> first(new Owner);
    first->other = std::shared_ptr<Owner>(new Owner);
    first->other->other = first;
  });
}

[[gnu::noinline]] void free_owners() {
  forty_times([](int) {
    std::shared_ptr<Owner> first(new Owner);
    first->other = std::shared_ptr<Owner>(new Owner);
  });
}

// --- an array whose length stands before its first element

struct Counted {
  Counted() = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { asm volatile("" : : "r"(this) : "memory"); }
  std::uint64_t values[5] = {};
};

[[gnu::noinline]] void* counted_array() { return new Counted[30]; }

// --- the pointer is one to the second base

struct First {
  virtual ~First() = default;
  std::uint64_t first = 1;
};
struct Second {
  virtual ~Second() = default;
  std::uint64_t second = 2;
};
struct Both : First, Second {
  std::uint64_t data[30] = {};
};

[[gnu::noinline]] void* second_base() { return static_cast<Second*>(new Both); }

[[gnu::noinline]] void lose_bases() {
  forty_times([](int) { forget(second_base()); });
}

[[gnu::noinline]] void hold_bases() {
  forty_times([](int i) { held_many[i] = second_base(); });
}

// --- containers

std::string long_string(int number) {
  return "a string of a container that is lost, number " + std::to_string(100 + number);
}

using Strings = std::vector<std::string>;

// The vector, its array of 40, and 40 strings of 49 bytes.
[[gnu::noinline]] void* vector_of_strings() {
  auto* strings = new Strings;
  strings->reserve(40);
  for (int i = 0; i < 40; ++i) {
    strings->push_back(long_string(i));
    strings->back().shrink_to_fit();
  }
  return strings;
}

// Nodes of a red-black tree point at their parents: cycles, with the map's own header in the heap as well.
using Numbers = std::map<std::uint64_t, std::uint64_t>;

[[gnu::noinline]] void* map_of_numbers() {
  auto* numbers = new Numbers;
  for (std::uint64_t i = 0; i < 50; ++i) (*numbers)[i] = i;
  return numbers;
}

constexpr std::size_t kMapNode = 32 + 16;
constexpr std::size_t kString = 49;

// What a program has when it ends well: everything held by statics whose destructors have not run yet.
Strings static_strings;
std::map<std::string, std::unique_ptr<Strings>> static_map;
std::unordered_map<std::uint64_t, std::list<std::string>> static_lists;

[[gnu::noinline]] void hold_statics() {
  for (int i = 0; i < 200; ++i) {
    static_strings.push_back(long_string(i));
    static_map[long_string(i)] = std::make_unique<Strings>(3, long_string(i));
    static_lists[static_cast<std::uint64_t>(i)].push_back(long_string(i));
  }
}

[[gnu::noinline]] void lose_from_statics() {
  hold_statics();
  for (auto& [name, strings] : static_map) {
    if (strings->size() == 3) forget(strings.release());
  }
}

constexpr Shape kShapes[] = {
    {"make_shared_cycle", lose_partners, hold_partners, 80, 80 * (kControlBlock + sizeof(Partner)), Kind::kCycle},
    {"make_shared_freed", lose_partners, free_partners, 80, 80 * (kControlBlock + sizeof(Partner)), Kind::kCycle},
    {"shared_ptr_cycle", lose_owners, free_owners, 160, 80 * (24 + sizeof(Owner)), Kind::kCycle},
    {"array_with_cookie", lose<counted_array>, hold<counted_array>, 1, 8 + 30 * sizeof(Counted)},
    {"multiple_inheritance", lose_bases, hold_bases, 40, 40 * sizeof(Both)},
    {"vector_of_strings", lose<vector_of_strings>, hold<vector_of_strings>, 42,
     sizeof(Strings) + 40 * (sizeof(std::string) + kString)},
    {"map", lose<map_of_numbers>, hold<map_of_numbers>, 51, sizeof(Numbers) + 50 * kMapNode, Kind::kCycle},
    {"containers", lose_from_statics, hold_statics, std::size_t{200} * 5,
     200 * (sizeof(Strings) + 3 * sizeof(std::string) + 3 * kString)},
};

}  // namespace

std::span<const Shape> type_shapes() { return kShapes; }

}  // namespace leaks
