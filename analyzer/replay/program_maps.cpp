#include "analyzer/replay/program_maps.h"

#include <algorithm>
#include <iterator>

namespace tidemark::replay {
namespace {
// Beyond any user address; clamping to it keeps sums of hostile numbers from wrapping.
constexpr uint64_t kAddressEnd = uint64_t{1} << 57;
}  // namespace

ProgramMaps::Range ProgramMaps::whole_pages(uint64_t address, uint64_t size) const noexcept {
  const uint64_t begin = std::min(address, kAddressEnd) / page_bytes_ * page_bytes_;
  const uint64_t behind = std::min(address, kAddressEnd) + std::min(size, kAddressEnd) + (page_bytes_ - 1);
  return {begin, std::min(behind, kAddressEnd) / page_bytes_ * page_bytes_};
}

void ProgramMaps::erase(Range range) {
  if (range.begin >= range.end) return;
  auto at = ranges_.upper_bound(range.begin);
  if (at != ranges_.begin()) --at;
  while (at != ranges_.end() && at->first < range.end) {
    const auto [begin, end] = *at;
    if (end <= range.begin) {
      ++at;
      continue;
    }
    live_bytes_ -= std::min(end, range.end) - std::max(begin, range.begin);
    at = ranges_.erase(at);
    if (begin < range.begin) ranges_.emplace(begin, range.begin);
    if (end > range.end) ranges_.emplace(range.end, end);
  }
}

void ProgramMaps::insert(Range range) {
  if (range.begin >= range.end) return;
  ranges_.emplace(range.begin, range.end);
  live_bytes_ += range.end - range.begin;
}

void ProgramMaps::map(uint64_t address, uint64_t size) {
  const Range range = whole_pages(address, size);
  ++count_;
  erase(range);  // MAP_FIXED replaces what was there
  insert(range);
}

void ProgramMaps::unmap(uint64_t address, uint64_t size) { erase(whole_pages(address, size)); }

void ProgramMaps::remap(uint64_t old_address, uint64_t old_size, uint64_t new_address, uint64_t new_size) {
  erase(whole_pages(old_address, old_size));
  const Range range = whole_pages(new_address, new_size);
  erase(range);
  insert(range);
}

}  // namespace tidemark::replay
