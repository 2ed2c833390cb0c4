#include "analyzer/replay/live_map.h"

#include <cstdlib>
#include <new>
#include <random>
#include <utility>

namespace tidemark::replay {
namespace {
constexpr size_t kFirstCapacity = 1024;
}

LiveMap::LiveMap() : slots_(kFirstCapacity), capacity_(kFirstCapacity) {
  std::random_device random;
  seed_ = uint64_t{random()} << 32 | random();
}

LiveMap::~LiveMap() {
  for (size_t at = 0; at < capacity_; ++at) std::free(slots_[at].region);
}

LiveMap::Region* LiveMap::make_region(size_t capacity) {
  auto* const region = static_cast<Region*>(std::malloc(Region::bytes(capacity)));
  if (region == nullptr) throw std::bad_alloc();
  region->count = 0;
  region->capacity = static_cast<uint16_t>(capacity);
  return region;
}

void LiveMap::resize(Region*& region, size_t capacity) {
  Region* const resized = make_region(capacity);
  resized->count = region->count;
  std::memcpy(resized->key_bytes(), region->key_bytes(), region->count);
  std::memcpy(resized->blocks(), region->blocks(), region->count * sizeof(LiveBlock));
  std::free(region);
  region = resized;
}

void LiveMap::put_in_grown(Slot& slot, uint64_t address, const LiveBlock& block) {
  Slot* target = &slot;
  if (slot.region != nullptr) {
    resize(slot.region, size_t{slot.region->capacity} * 2);  // all 256 keys fit into the last capacity
  } else {
    if (regions_ + 1 > capacity_ / 4 * 3) {
      grow_table();
      target = &slots_[slot_of(address)];
    }
    target->region = make_region(1);
    target->id = id_of(address);
    ++regions_;
  }
  target->region->append(key_of(address), block);
  ++size_;
}

void LiveMap::shrink(size_t at) {
  Region*& region = slots_[at].region;
  if (region->count == 0) {
    std::free(region);
    erase_slot(at);
  } else if (region->capacity > 4) {
    resize(region, region->capacity / 2);
  }
}

void LiveMap::grow_table() {
  ZeroedArray<Slot> old = std::exchange(slots_, ZeroedArray<Slot>(capacity_ * 2));
  const size_t old_capacity = std::exchange(capacity_, capacity_ * 2);
  for (size_t from = 0; from < old_capacity; ++from) {
    if (old[from].id == 0) continue;
    size_t at = home_of_id(old[from].id);
    while (slots_[at].id != 0) at = (at + 1) & (capacity_ - 1);
    slots_[at] = old[from];
  }
}

// Moves later slots of the same run back, so that no tombstones are needed.
void LiveMap::erase_slot(size_t hole) noexcept {
  const size_t mask = capacity_ - 1;
  for (size_t at = (hole + 1) & mask; slots_[at].id != 0; at = (at + 1) & mask) {
    const size_t wanted = home_of_id(slots_[at].id);
    // It may move unless its home lies cyclically behind the hole.
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = {0, nullptr};
  --regions_;
}

LiveBlock* LiveMap::find_odd(uint64_t address) noexcept {
  const auto found = odd_.find(address);
  return found == odd_.end() ? nullptr : &found->second;
}

bool LiveMap::put_odd(uint64_t address, const LiveBlock& block, LiveBlock& before) {
  const auto [found, added] = odd_.try_emplace(address, block);
  if (added) {
    ++size_;
    return false;
  }
  before = std::exchange(found->second, block);
  return true;
}

bool LiveMap::take_odd(uint64_t address, LiveBlock& block) {
  const auto found = odd_.find(address);
  if (found == odd_.end()) return false;
  block = found->second;
  odd_.erase(found);
  --size_;
  return true;
}

}  // namespace tidemark::replay
