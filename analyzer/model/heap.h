// What heap snapshots show, as plain data: the snapshots themselves, who holds memory, and which cycles keep themselves
// alive. Part of the report (report.h); the same conventions hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/model/ledger.h"

namespace tidemark::model {

enum class SnapshotReason : uint8_t { kUnknown, kMainReturned, kExit, kGrowth, kPeriod, kClient, kCommand };

// Why a snapshot that was due was not taken.
enum class SkipReason : uint8_t { kUnknown, kMemory, kThreads, kFork, kRestricted, kBusy };

// The beginning of a path to a block; as a kind of holder also blocks and what stands for many of them.
enum class HolderKind : uint8_t {
  kNone,       // nothing holds it: unreachable
  kGlobal,     // a variable of a module, static ones included
  kTls,        // a thread-local variable, or a thread's own bookkeeping
  kStack,      // a slot in a function's frame
  kRegister,   // a register of a thread
  kKernel,     // what the kernel keeps for the process (epoll)
  kInherited,  // the heap that a forked process inherited: its blocks are not known
  kHeap,       // a block that counts as held whatever points at it (the loader's, or one just being handed out)
  kUnknown,    // memory of unknown origin, which proves little
  kBlock,      // only in the tree of holders: a heap block, or `count` alike
  kMapping,    // only in the tree of holders: memory that the program mapped itself
  kOthers,     // only in the tree of holders: the rest, too small to be shown
};

constexpr const char* name(SnapshotReason reason) noexcept {
  switch (reason) {
    case SnapshotReason::kMainReturned:
      return "main-returned";
    case SnapshotReason::kExit:
      return "exit";
    case SnapshotReason::kGrowth:
      return "growth";
    case SnapshotReason::kPeriod:
      return "period";
    case SnapshotReason::kClient:
      return "client";
    case SnapshotReason::kCommand:
      return "command";
    case SnapshotReason::kUnknown:
      break;
  }
  return "unknown";
}

constexpr const char* name(SkipReason reason) noexcept {
  switch (reason) {
    case SkipReason::kMemory:
      return "memory";
    case SkipReason::kThreads:
      return "threads";
    case SkipReason::kFork:
      return "fork";
    case SkipReason::kRestricted:
      return "restricted";
    case SkipReason::kBusy:
      return "busy";
    case SkipReason::kUnknown:
      break;
  }
  return "unknown";
}

constexpr const char* name(HolderKind kind) noexcept {
  switch (kind) {
    case HolderKind::kNone:
      return "none";
    case HolderKind::kGlobal:
      return "global";
    case HolderKind::kTls:
      return "tls";
    case HolderKind::kStack:
      return "stack";
    case HolderKind::kRegister:
      return "register";
    case HolderKind::kKernel:
      return "kernel";
    case HolderKind::kInherited:
      return "inherited";
    case HolderKind::kHeap:
      return "heap";
    case HolderKind::kBlock:
      return "block";
    case HolderKind::kMapping:
      return "mapping";
    case HolderKind::kOthers:
      return "others";
    case HolderKind::kUnknown:
      break;
  }
  return "unknown";
}

struct BlockSum {
  uint64_t blocks = 0, bytes = 0;
};

// Live blocks by how they are held. The three add up to what was live.
struct Reachability {
  BlockSum reachable;
  BlockSum weak;  // only through something that proves little: tagged pointers, memory of unknown origin
  BlockSum unreachable;
};

struct Snapshot {
  uint64_t id = 0;
  double time_s = 0;
  SnapshotReason reason = SnapshotReason::kUnknown;
  bool complete = false;             // the picture is whole; a cut one proves nothing unreachable
  bool outside = false;              // read by another process while this one slept
  std::optional<double> pause_s;     // how long the program's threads stood still
  std::optional<double> duration_s;  // how long the picture took to be read and written, while they went on
  uint64_t threads = 0;
  uint64_t half_read_threads = 0;  // asleep in calls that are not to be interrupted: registers are not known
  uint64_t live_blocks = 0, live_bytes = 0;
  std::optional<Reachability> reachability;                             // empty: not solved, as for a cut picture
  uint64_t scanned_bytes = 0, swapped_bytes = 0, unreadable_bytes = 0;  // the latter two were not looked at
  std::optional<Ledger> ledger;                                         // only of whole pictures
};

// Equal ones are counted.
struct SkippedSnapshots {
  SnapshotReason reason = SnapshotReason::kUnknown;
  SkipReason why = SkipReason::kUnknown;
  uint64_t count = 0;
  std::string error_text;  // of errno; empty without
};

// A block on a path, by its type, or "N bytes allocated in f".
struct PathStep {
  std::string type;
  uint64_t offset = 0;  // in what the type names: where the pointer to the next step lies; 0 in the last one
  std::optional<std::string> field;  // what lies there, such as "callbacks.first"
};

// One way from a root to a block. With kNone (and only a pointer from other unreachable memory) the path begins at the
// unreachable block that nothing points at.
struct HeldBy {
  HolderKind kind = HolderKind::kNone;
  bool weak = false;  // some link of the path proves little: a tagged pointer, one past the end, an unknown origin
  std::optional<std::string> symbol;  // the variable, or the function whose frame has the slot
  uint64_t offset = 0;                // in the variable: where the pointer to the first step lies
  std::optional<std::string> field;   // what lies there
  std::string module;                 // path; empty without
  std::string file;                   // where the variable is defined; empty: not known
  uint32_t line = 0;                  // 0: not known
  std::string thread;                 // of stack, tls, register: name and number, "worker (1234)"; empty without
  std::vector<PathStep> path;         // blocks, from the one that the root points at to the held one
  uint64_t elided = 0;                // steps left out of a long path, in front of its last step
};

// The pointer at the last member's offset leads to the first.
struct CycleMember {
  std::string type;
  uint64_t bytes = 0, offset = 0;
  std::optional<std::string> field;
};

// What unreachable memory keeps alive besides itself, by type.
struct KeptType {
  std::string type;
  uint64_t blocks = 0, bytes = 0;
};

// Whoever fills in a tree keeps it this shallow (a linked list is a dominator tree of a million levels) and its lists
// short: the rest goes into a child of kind kOthers. Printers go no deeper.
inline constexpr size_t kMaxHolderDepth = 32;

// A node of the dominator tree: what would be freed if it went away. Siblings alike are one node.
struct Holder {
  std::string name;  // of a root its symbol; of blocks empty when the type says it all
  HolderKind kind = HolderKind::kBlock;
  std::string type;
  uint64_t count = 1;
  uint64_t bytes = 0;           // of all `count` blocks; of a root 0, as it is no block
  uint64_t retained_bytes = 0;  // `bytes` and all below
  std::string file;
  uint32_t line = 0;
  std::vector<Holder> children;  // largest first, kOthers last
};

// What --who-holds asks for: the block at or around an address, or those whose allocation stack has a function or file
// that contains the text.
struct WhoHoldsQuery {
  std::string text;  // as the user wrote it
  std::optional<uint64_t> address;
};

}  // namespace tidemark::model
