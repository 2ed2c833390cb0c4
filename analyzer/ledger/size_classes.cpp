#include "analyzer/ledger/size_classes.h"

#include <algorithm>

namespace tidemark::ledger {
namespace {
constexpr uint64_t kPage = 4096;
}

void SizeClasses::learn_large(uint64_t size, uint64_t distance) {
  const auto found = large_.find(size);
  if (found != large_.end()) {
    found->second = std::min(found->second, distance);
  } else if (large_.size() < kMaxLarge) {
    large_.emplace(size, distance);
  }
}

void SizeClasses::settle() {
  large_classes_.assign(large_.begin(), large_.end());
  std::sort(large_classes_.begin(), large_classes_.end());
  uint64_t least = UINT64_MAX;
  for (auto one = large_classes_.rbegin(); one != large_classes_.rend(); ++one) {
    least = std::min(least, one->second);
    one->second = least;
  }
  for (uint64_t size = kSmall + 1; size-- != 0;) {
    least = std::min(least, least_[size]);
    class_of_[size] = least <= most(size) ? std::max(least, size) : aligned(size);
  }
}

uint64_t SizeClasses::large_place(uint64_t address, uint64_t size) const noexcept {
  const auto at =
      std::lower_bound(large_classes_.begin(), large_classes_.end(), std::pair<uint64_t, uint64_t>(size, 0));
  if (at != large_classes_.end() && at->second <= most(size)) return std::max(at->second, size);
  if (size < kOwnPages) return aligned(size);
  return (address + size + kPage - 1) / kPage * kPage - address;
}

}  // namespace tidemark::ledger
