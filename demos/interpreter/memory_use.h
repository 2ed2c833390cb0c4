// The interpreter's own account of its memory. All that it allocates goes through here, as in interpreters that let
// their host supply the allocator: a script can ask for it, and the cases compare a report with it.
//
// Single-threaded, as the interpreter is. Sizes are those requested, without the allocator's rounding.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <string>
#include <vector>

namespace tombo {

struct MemoryUse {
  std::size_t blocks = 0;      // live
  std::size_t bytes = 0;       // live
  std::size_t peak_bytes = 0;  // the highest `bytes` since the peak was last set
};
inline MemoryUse memory_use;

[[nodiscard, gnu::always_inline]] inline void* allocate(std::size_t size) {
  void* block = ::operator new(size);
  ++memory_use.blocks;
  memory_use.bytes += size;
  memory_use.peak_bytes = std::max(memory_use.peak_bytes, memory_use.bytes);
  return block;
}

// `size`: what was asked for.
[[gnu::always_inline]] inline void deallocate(void* block, std::size_t size) noexcept {
  --memory_use.blocks;
  memory_use.bytes -= size;
  ::operator delete(block);
}

// The standard library's containers on the same account.
template <typename Type>
struct Counted {
  using value_type = Type;

  Counted() = default;
  template <typename Other>
  Counted(const Counted<Other>&) noexcept {}  // NOLINT(google-explicit-constructor): what an allocator must have

  [[nodiscard, gnu::always_inline]] Type* allocate(std::size_t count) {
    return static_cast<Type*>(tombo::allocate(count * sizeof(Type)));
  }
  [[gnu::always_inline]] void deallocate(Type* block, std::size_t count) noexcept {
    tombo::deallocate(block, count * sizeof(Type));
  }
  friend bool operator==(const Counted&, const Counted&) noexcept { return true; }
};

using Text = std::basic_string<char, std::char_traits<char>, Counted<char>>;
template <typename Type>
using Array = std::vector<Type, Counted<Type>>;

}  // namespace tombo
