// The names of verdicts, once. docs/report.schema.json lists the same.
#pragma once

#include <cstdint>

namespace tidemark::model {

enum class VerdictClass : uint8_t { kUndecided, kTrueLeak, kRetainedByDesign, kAllocatorCaching, kNoGrowth };

enum class VerdictKind : uint8_t {
  kNone,  // with kUndecided
  kUnreachable,
  kUnreachableCycle,
  kUnboundedRetention,  // kTrueLeak
  kWorkingSet,
  kBoundedCache,
  kStartup,
  kEpisodic,  // kRetainedByDesign
  kFreePages,
  kFragmentation,  // kAllocatorCaching
  kReleased,
  kChurn,
  kFlat,  // kNoGrowth
};

constexpr const char* name(VerdictClass verdict_class) noexcept {
  switch (verdict_class) {
    case VerdictClass::kTrueLeak:
      return "true-leak";
    case VerdictClass::kRetainedByDesign:
      return "retained-by-design";
    case VerdictClass::kAllocatorCaching:
      return "allocator-caching";
    case VerdictClass::kNoGrowth:
      return "no-growth";
    case VerdictClass::kUndecided:
      break;
  }
  return "undecided";
}

// nullptr for kNone.
constexpr const char* name(VerdictKind kind) noexcept {
  switch (kind) {
    case VerdictKind::kUnreachable:
      return "unreachable";
    case VerdictKind::kUnreachableCycle:
      return "unreachable-cycle";
    case VerdictKind::kUnboundedRetention:
      return "unbounded-retention";
    case VerdictKind::kWorkingSet:
      return "working-set";
    case VerdictKind::kBoundedCache:
      return "bounded-cache";
    case VerdictKind::kStartup:
      return "startup";
    case VerdictKind::kEpisodic:
      return "episodic";
    case VerdictKind::kFreePages:
      return "free-pages";
    case VerdictKind::kFragmentation:
      return "fragmentation";
    case VerdictKind::kReleased:
      return "released";
    case VerdictKind::kChurn:
      return "churn";
    case VerdictKind::kFlat:
      return "flat";
    case VerdictKind::kNone:
      break;
  }
  return nullptr;
}

}  // namespace tidemark::model
