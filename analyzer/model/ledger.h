// Where the resident set is, as plain data: disjoint rows which, with what stays unexplained, add up to it. Part of the
// report (report.h); the same conventions hold. docs/ledger.md says how each row is measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "analyzer/model/stack.h"

namespace tidemark::model {

// Only pages in memory count, in every row.
enum class LedgerKind : uint8_t {
  kLive,               // bytes that the program asked for and has not freed
  kRounding,           // live blocks up to their size class, headers between them included
  kFreeBetweenBlocks,  // free bytes on pages that live blocks fill at least half
  kPinnedPages,        // free bytes on pages that live blocks fill less than half
  kFreePages,          // pages that held blocks and hold no live one
  kAllocatorMetadata,  // pages of the allocator in which no block ever lay
  kInherited,        // of the heap that a forked process inherited: its parent's blocks, which nobody recorded, or free
  kThreadStacks,     // of live threads, and of ended ones that libc keeps for the next
  kThreadLocal,      // static thread-local storage of the first thread, and what the loader keeps beside it
  kModuleCode,       // pages of the executable and its libraries that are as in their files
  kModuleData,       // their variables and relocated constants
  kMappedFiles,      // other files
  kProgramMappings,  // private memory that the program mapped itself
  kSharedMemory,     // shared memory without a file on a disk
  kKernelProvided,   // the vdso
  kRecorder,         // trace pages, tables and code of the recorder
};
inline constexpr size_t kLedgerKinds = static_cast<size_t>(LedgerKind::kRecorder) + 1;

constexpr const char* name(LedgerKind kind) noexcept {
  switch (kind) {
    case LedgerKind::kLive:
      return "live";
    case LedgerKind::kRounding:
      return "rounding";
    case LedgerKind::kFreeBetweenBlocks:
      return "free-between-blocks";
    case LedgerKind::kPinnedPages:
      return "pinned-pages";
    case LedgerKind::kFreePages:
      return "free-pages";
    case LedgerKind::kAllocatorMetadata:
      return "allocator-metadata";
    case LedgerKind::kInherited:
      return "inherited";
    case LedgerKind::kThreadStacks:
      return "thread-stacks";
    case LedgerKind::kThreadLocal:
      return "thread-local";
    case LedgerKind::kModuleCode:
      return "module-code";
    case LedgerKind::kModuleData:
      return "module-data";
    case LedgerKind::kMappedFiles:
      return "mapped-files";
    case LedgerKind::kProgramMappings:
      return "program-mappings";
    case LedgerKind::kSharedMemory:
      return "shared-memory";
    case LedgerKind::kKernelProvided:
      return "kernel-provided";
    case LedgerKind::kRecorder:
      return "recorder";
  }
  return "";
}

struct LedgerRow {
  LedgerKind kind = LedgerKind::kLive;
  uint64_t bytes = 0;
};

// Where a ledger's figures come from.
enum class LedgerSource : uint8_t {
  kEndSnapshot,  // the snapshot that was taken at the end of the program's life
  kSnapshot,     // an earlier snapshot: the end was not seen, or none was taken there
  kSample,       // no snapshot: what the kernel counts, without a look at pages; the rows are live, files and recorder
};

constexpr const char* name(LedgerSource source) noexcept {
  switch (source) {
    case LedgerSource::kEndSnapshot:
      return "end-snapshot";
    case LedgerSource::kSnapshot:
      return "snapshot";
    case LedgerSource::kSample:
      break;
  }
  return "sample";
}

// A call-tree node whose blocks keep pages in memory that are free for the most part.
struct PinningSite {
  uint32_t site = 0;
  uint64_t blocks = 0, bytes = 0;  // that lie on pinned pages
  uint64_t pages = 0;              // pinned pages on which they lie; pages of several sites count for each
  uint64_t released_bytes = 0;     // of pages that hold nothing else: what would be free to go if these were freed
  Stack stack;
};

struct Ledger {
  LedgerSource source = LedgerSource::kSample;
  std::optional<uint64_t> snapshot;  // id
  double time_s = 0;
  uint64_t rss_bytes = 0;
  std::vector<LedgerRow> rows;    // by kind, without those of 0 bytes
  int64_t unexplained_bytes = 0;  // rss_bytes less the rows; below 0: the rows count what the kernel does not
  // Of live bytes, and so in no row: on pages that were never touched (or went back to the kernel), and swapped out.
  uint64_t live_absent_bytes = 0, live_swapped_bytes = 0;
  uint64_t swapped_bytes = 0;          // of all memory
  uint64_t pinned_pages = 0;           // how many
  uint64_t pinning_sites = 0;          // also those that are not listed
  std::vector<PinningSite> pinned_by;  // by what they would release, the most first

  uint64_t bytes(LedgerKind kind) const noexcept {
    for (const LedgerRow& row : rows) {
      if (row.kind == kind) return row.bytes;
    }
    return 0;
  }
  // What the allocator keeps beyond live blocks rounded to their size classes. Without a snapshot it is not known.
  std::optional<uint64_t> allocator_cached_bytes() const noexcept {
    if (source == LedgerSource::kSample) return std::nullopt;
    return bytes(LedgerKind::kFreePages) + bytes(LedgerKind::kPinnedPages) + bytes(LedgerKind::kFreeBetweenBlocks);
  }
};

}  // namespace tidemark::model
