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

MappingTraits ProgramMaps::erase(Range range) {
  MappingTraits first;
  if (range.begin >= range.end) return first;
  auto at = ranges_.upper_bound(range.begin);
  if (at != ranges_.begin()) --at;
  bool met = false;
  while (at != ranges_.end() && at->first < range.end) {
    const uint64_t begin = at->first;
    const Mapping mapping = at->second;
    if (mapping.end <= range.begin) {
      ++at;
      continue;
    }
    if (!met) first = mapping.traits;
    met = true;
    live_bytes_ -= std::min(mapping.end, range.end) - std::max(begin, range.begin);
    at = ranges_.erase(at);
    if (begin < range.begin) ranges_.emplace(begin, Mapping{range.begin, mapping.traits});
    if (mapping.end > range.end) ranges_.emplace(range.end, mapping);
  }
  return first;
}

void ProgramMaps::insert(Range range, MappingTraits traits) {
  if (range.begin >= range.end) return;
  ranges_.emplace(range.begin, Mapping{range.end, traits});
  live_bytes_ += range.end - range.begin;
}

void ProgramMaps::map(uint64_t address, uint64_t size, MappingTraits traits) {
  const Range range = whole_pages(address, size);
  ++count_;
  erase(range);  // MAP_FIXED replaces what was there
  insert(range, traits);
}

void ProgramMaps::unmap(uint64_t address, uint64_t size) { erase(whole_pages(address, size)); }

void ProgramMaps::remap(uint64_t old_address, uint64_t old_size, uint64_t new_address, uint64_t new_size) {
  // With an old size of 0 a shared mapping is mapped once more; then nothing of it is known here.
  const MappingTraits traits = erase(whole_pages(old_address, old_size));
  const Range range = whole_pages(new_address, new_size);
  erase(range);
  insert(range, traits);
}

}  // namespace tidemark::replay
