#include "analyzer/replay/used_pages.h"

#include <algorithm>
#include <iterator>

namespace tidemark::replay {

UsedPages::Granule* UsedPages::find_granule(uint64_t index) {
  auto found = granules_.find(index);
  if (found == granules_.end()) {
    if (granules_.size() == kMaxGranules) return nullptr;
    found = granules_.emplace(index, Granule{}).first;
    if (index == asked_index_) asked_index_ = UINT64_MAX;
  }
  last_index_ = index;
  last_granule_ = &found->second;
  return last_granule_;
}

void UsedPages::note_large(uint64_t address, uint64_t size) {
  uint64_t begin = address, end = size > UINT64_MAX - address ? UINT64_MAX : address + size;
  auto at = ranges_.upper_bound(begin);
  if (at != ranges_.begin() && std::prev(at)->second >= begin) --at;
  if (at != ranges_.end() && at->first <= begin && at->second >= end) return;
  while (at != ranges_.end() && at->first <= end) {
    begin = std::min(begin, at->first);
    end = std::max(end, at->second);
    at = ranges_.erase(at);
  }
  if (ranges_.size() < kMaxRanges) ranges_.emplace_hint(at, begin, end);
}

bool UsedPages::used(uint64_t address) const noexcept {
  const uint64_t page = address >> kPageShift;
  const uint64_t index = page >> kGranuleShift;
  if (index != asked_index_) {
    const auto found = granules_.find(index);
    asked_granule_ = found == granules_.end() ? nullptr : &found->second;
    asked_index_ = index;
  }
  if (asked_granule_ != nullptr && ((*asked_granule_)[page / 64 % kWords] >> (page % 64) & 1) != 0) return true;
  if (ranges_.empty()) return false;
  const uint64_t begin = page << kPageShift, end = (page + 1) << kPageShift;
  const auto behind = ranges_.lower_bound(end);
  return behind != ranges_.begin() && std::prev(behind)->second > begin;
}

const std::vector<uint64_t>& UsedPages::sorted_indexes() const {
  if (indexes_.size() != granules_.size()) {
    indexes_.clear();
    for (const auto& entry : granules_) indexes_.push_back(entry.first);
    std::sort(indexes_.begin(), indexes_.end());
  }
  return indexes_;
}

uint64_t UsedPages::count_used(uint64_t first, uint64_t behind) const {
  const std::vector<uint64_t>& indexes = sorted_indexes();
  auto index = std::lower_bound(indexes.begin(), indexes.end(), first >> kGranuleShift);
  auto range = ranges_.upper_bound(first << kPageShift);
  if (range != ranges_.begin()) --range;
  uint64_t used = 0;
  for (uint64_t page = first; page < behind;) {
    while (range != ranges_.end() && range->second <= page << kPageShift) ++range;
    const uint64_t range_first = range == ranges_.end() ? behind : range->first >> kPageShift;
    if (range != ranges_.end() && range_first <= page) {
      const uint64_t stop = std::min(behind, ((range->second - 1) >> kPageShift) + 1);
      used += stop - page;
      page = stop;
      continue;
    }
    while (index != indexes.end() && *index < page >> kGranuleShift) ++index;
    const uint64_t granule_first = index == indexes.end() ? behind : std::max(*index << kGranuleShift, page);
    uint64_t stop = std::min(behind, range_first);
    if (granule_first > page) {
      page = std::min(stop, granule_first);
      continue;
    }
    stop = std::min(stop, (*index + 1) << kGranuleShift);
    const Granule& granule = granules_.find(*index)->second;
    for (; page < stop; ++page) used += granule[page / 64 % kWords] >> (page % 64) & 1;
  }
  return used;
}

bool UsedPages::any_used(uint64_t begin, uint64_t end) const {
  if (begin >= end) return false;
  const auto behind = ranges_.lower_bound(end);
  if (behind != ranges_.begin() && std::prev(behind)->second > begin) return true;
  const std::vector<uint64_t>& indexes = sorted_indexes();
  const uint64_t first = begin >> kPageShift, last = (end - 1) >> kPageShift;
  const uint64_t last_index = last >> kGranuleShift;
  // A granule has at least one page; only the two at the ends can be there without one inside.
  for (auto at = std::lower_bound(indexes.begin(), indexes.end(), first >> kGranuleShift);
       at != indexes.end() && *at <= last_index; ++at) {
    const Granule& granule = granules_.find(*at)->second;
    const uint64_t from = std::max(first, *at << kGranuleShift);
    const uint64_t to = std::min(last, ((*at + 1) << kGranuleShift) - 1);
    for (uint64_t page = from; page <= to; ++page) {
      if ((granule[page / 64 % kWords] >> (page % 64) & 1) != 0) return true;
    }
  }
  return false;
}

}  // namespace tidemark::replay
