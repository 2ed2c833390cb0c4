#include "preload/unwind/seen_stacks.h"

#include <cstring>

#include "preload/own_memory.h"
#include "system/syscalls_linux.h"

namespace tidemark::unwind {

const uint64_t* SeenStack::slot_at(uint64_t word) const noexcept {
  for (unsigned i = 0; i < slots; ++i)
    if (word_of(slot[i]) == word) return &slot[i];
  return nullptr;
}

bool SeenStacks::init() noexcept {
  if (tables_ == nullptr) tables_ = static_cast<Tables*>(map_own(sizeof(Tables)));
  return tables_ != nullptr;
}

// Nothing untagged is looked at, and old partings do no harm.
void SeenStacks::clear() noexcept {
  if (tables_ != nullptr) std::memset(tables_->tags, 0, sizeof(tables_->tags));
}

void SeenStacks::release() noexcept {
  if (tables_ != nullptr) sys::munmap(tables_, sizeof(Tables));
  tables_ = nullptr;
}

void SeenStacks::add(const SeenStack& stack) noexcept {
  uint64_t hash = parted_hash(stack);
  size_t set = set_of(hash);
  // Stacks of the same caller that are looked for together have the same tag.
  unsigned together = 0, way = kWays;
  for (unsigned i = 0; i < kWays; ++i) {
    if (!is_together(set, i, tag_of(hash), stack)) continue;
    ++together;
    if (tables_->stacks[set][i].node == stack.node) way = i;
  }
  if (way == kWays) {
    // A second stack asks for a parting; a set full of them, for another one.
    const uint16_t parting = tables_->partings[parting_of(hash_of(stack.pc, stack.sp))];
    if (((together != 0 && parting == kUnparted) || together == kWays) && choose_parting(hash, stack)) {
      hash = parted_hash(stack);
      set = set_of(hash);
    }
    way = next_way_++ % kWays;
  }
  tables_->stacks[set][way] = stack;
  tables_->tags[set][way] = tag_of(hash);
}

// The hash under which find() looks for the stack first, or, if it has no slot where its caller's stacks part, second.
uint64_t SeenStacks::parted_hash(const SeenStack& stack) const noexcept {
  const uint64_t hash = hash_of(stack.pc, stack.sp);
  const uint16_t parting = tables_->partings[parting_of(hash)];
  if (!can_read(stack.sp, parting)) return hash;
  const uint64_t* const slot = stack.slot_at(parting - 1u);
  return slot == nullptr ? hash : with_parting(hash, SeenStack::value_of(*slot));
}

// Chooses the slot by which most of the stacks that are together with `stack` differ from it, and drops these: they
// come back under their new hashes. False if there is none, or if it is the one already.
bool SeenStacks::choose_parting(uint64_t hash, const SeenStack& stack) noexcept {
  const size_t set = set_of(hash);
  uint16_t& parting = tables_->partings[parting_of(hash_of(stack.pc, stack.sp))];
  if (stack.sp < low_ || stack.sp >= high_ || parting == kNoParting) return false;
  uint16_t best = kNoParting;
  unsigned most = 0;
  for (unsigned i = 0; i < stack.slots; ++i) {
    const uint64_t word = SeenStack::word_of(stack.slot[i]);
    unsigned differing = 0;
    for (unsigned way = 0; way < kWays; ++way) {
      if (!is_together(set, way, tag_of(hash), stack)) continue;
      const uint64_t* const theirs = tables_->stacks[set][way].slot_at(word);
      differing += theirs != nullptr && *theirs != stack.slot[i];
    }
    if (differing > most) {
      most = differing;
      best = static_cast<uint16_t>(word + 1);
    }
  }
  if (best == parting) return false;
  parting = best;
  if (best == kNoParting) return false;
  for (unsigned way = 0; way < kWays; ++way)
    if (is_together(set, way, tag_of(hash), stack)) tables_->tags[set][way] = 0;
  return true;
}

}  // namespace tidemark::unwind
