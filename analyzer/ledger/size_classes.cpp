#include "analyzer/ledger/size_classes.h"

namespace tidemark::ledger {
namespace {
constexpr uint64_t kPage = 4096;
}

void SizeClasses::learn_large(uint64_t size, uint64_t distance) {
  auto found = seen_large_.find(size);
  if (found == seen_large_.end()) {
    if (seen_large_.size() == kMaxLarge) return;
    found = seen_large_.emplace(size, Seen{}).first;
  }
  found->second.add(size, distance);
}

void SizeClasses::settle() {
  for (const auto& [size, seen] : seen_large_) {
    if (!seen.is_class(size) || (known_large_.size() == kMaxLarge && !known_large_.contains(size))) continue;
    uint64_t& known = known_large_.try_emplace(size, seen.least).first->second;
    known = std::min(known, seen.least);
  }
  seen_large_.clear();
  large_classes_.assign(known_large_.begin(), known_large_.end());
  std::sort(large_classes_.begin(), large_classes_.end());
  uint64_t least = UINT64_MAX;
  for (auto one = large_classes_.rbegin(); one != large_classes_.rend(); ++one) {
    least = std::min(least, one->second);
    one->second = least;
  }
  for (uint64_t size = kSmall + 1; size-- != 0;) {
    if (seen_[size].is_class(size)) known_[size] = std::min(known_[size], seen_[size].least);
    seen_[size] = {};
    least = std::min(least, known_[size]);
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
