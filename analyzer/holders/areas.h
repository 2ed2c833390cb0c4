// What the memory outside of the heap's blocks is, at the moment of a picture: variables, stacks, thread-local storage,
// the allocator's own memory... A word that leads to a block is a root, or nothing, by where it lies.
//
// | where | what a word there is |
// | --- | --- |
// | writable segments of a module | a strong root; but nothing in the recorder's, nor in the allocator's. In libc,
// which is more than an allocator, only pointers to a block's start count: main_arena points 16 bytes before | | a
// thread's stack from its stack pointer on | a strong root. Where the stack pointer is elsewhere (coroutines), all of
// that region and of the thread's own stack | | thread-local storage and control blocks | a strong root | | stacks of
// threads that ended | a weak root in their last 8 KiB, where control blocks lie (of a thread that was not joined);
// else nothing | | mappings that the program shares, or of files | a strong root | | the allocator's memory between
// blocks | nothing; in a forked process a strong root, as its parent's blocks lie there | | anything else | a weak
// root: nobody knows what it is |
//
// Private anonymous mappings of the program's own are no areas but nodes of the heap graph; see is_node().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analyzer/replay/cut.h"

namespace tidemark::holders {

enum class AreaKind : uint8_t { kNothing, kGlobal, kStack, kTls, kEndedThread, kMapping, kInherited, kUnknown };

struct Area {
  static constexpr uint32_t kNoOwner = UINT32_MAX;

  uint64_t start = 0, end = 0;
  AreaKind kind = AreaKind::kNothing;
  bool exact_only = false;  // only pointers to a block's start count
  // kGlobal: position in CutHeap::modules, or kNoOwner; kStack and kTls: in Picture::threads; kEndedThread: in
  // CutHeap::threads; kMapping, kInherited, kUnknown: in Picture::regions.
  uint32_t owner = kNoOwner;
};

class Areas {
 public:
  // Module paths of the process, as the recorder saw them.
  struct Allocator {
    std::string path;  // supplies malloc
    std::string executable;
  };

  // `cut.blocks` must be there still.
  Areas(const replay::CutHeap& cut, const Allocator& allocator);

  // The area of an address. Fast if the addresses ascend.
  const Area& at(uint64_t address) const noexcept {
    if (address >= areas_[last_].start && address < areas_[last_].end) return areas_[last_];
    return seek(address);
  }

  // Whether a mapping of the program is scanned as a node: private, anonymous, and no thread's stack.
  bool is_node(const replay::CutMapping& mapping) const noexcept;

  // Indices of the blocks (of cut.blocks) in which a thread's stack pointer lies.
  const std::vector<size_t>& stack_blocks() const noexcept { return stack_blocks_; }

 private:
  struct Span {
    Area area;
    unsigned priority;
  };

  const Area& seek(uint64_t address) const noexcept;
  void add(uint64_t start, uint64_t end, unsigned priority, AreaKind kind, uint32_t owner = Area::kNoOwner,
           bool exact_only = false);
  void add_regions();
  void add_modules(const Allocator& allocator);
  void add_threads();
  struct Bounds {
    uint64_t low = 0, high = 0;
  };
  void add_stack(uint32_t index, Bounds own);
  void add_ended_threads();
  void add_mappings();
  void add_allocator_memory(const Allocator& allocator);
  void paint();
  size_t block_around(uint64_t address) const noexcept;

  const replay::CutHeap& cut_;
  std::vector<Span> spans_;
  std::vector<Area> areas_;  // ascending, disjoint, without gaps
  std::vector<size_t> stack_blocks_;
  std::vector<uint64_t> stack_pointers_;  // of all threads, ascending
  mutable size_t last_ = 0;
};

}  // namespace tidemark::holders
