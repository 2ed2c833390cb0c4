// The nodes of the heap graph, and what an address means to it.
//
// Blocks are known by their index in the order of addresses. What a damaged trace has beyond the limits below is left
// out and counted; they keep every number in 32 bits, the sum of all edges included. `kNone` is no block.
#pragma once

#include <cstdint>

namespace tidemark::graph {

inline constexpr uint32_t kNone = UINT32_MAX;
inline constexpr uint32_t kMaxBlocks = uint32_t{1} << 30;
inline constexpr uint32_t kMaxEdges = uint32_t{1} << 31;  // full ones
inline constexpr uint32_t kMaxGroups = uint32_t{1} << 30;
inline constexpr uint32_t kMaxRootWords = (uint32_t{1} << 30) - 1;

enum BlockFlag : uint32_t {
  kMapping = 1,    // memory that the program mapped itself: unreachable, it counts as a weak root
  kInFlight = 2,   // may not have been the program's yet: a root
  kRootBlock = 4,  // counts as a root for another reason, such as the loader's blocks
};

struct Block {
  uint64_t address;
  uint64_t size;   // requested bytes; 0 is a block too
  uint32_t site;   // the caller's; blocks of one site are alike (see HolderTree::accumulation_point)
  uint32_t flags;  // BlockFlag
};
static_assert(sizeof(Block) == 24);

// Whose pointer a value is. Weak: one past the block's end, where no other block starts.
struct Target {
  uint32_t block = kNone;
  uint64_t offset = 0;
  bool weak = false;
};

enum class Reach : uint8_t { kUnreachable, kWeak, kReachable };

// What kind of memory a root lies in, in order of preference: a block that several reach is said to be held by the
// first. kBlockItself: by its own flags; such a root has no group.
enum class RootKind : uint8_t { kGlobal, kTls, kStack, kRegister, kKernel, kInherited, kBlockItself, kWeak };

}  // namespace tidemark::graph
