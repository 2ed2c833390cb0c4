#include "preload/unwind/seen_stacks.h"

#include <cstring>

#include "preload/syscalls_linux.h"

namespace tidemark::unwind {

const uint64_t* SeenStack::slot_at(uint64_t word) const noexcept {
  for (unsigned i = 0; i < slots; ++i)
    if (word_of(slot[i]) == word) return &slot[i];
  return nullptr;
}

bool SeenStacks::init() noexcept {
  if (tables_ == nullptr) tables_ = static_cast<Tables*>(sys::map_anonymous(sizeof(Tables)));
  return tables_ != nullptr;
}

void SeenStacks::clear() noexcept {
  if (tables_ != nullptr) std::memset(static_cast<void*>(tables_), 0, sizeof(Tables));
}

void SeenStacks::release() noexcept {
  if (tables_ != nullptr) sys::munmap(tables_, sizeof(Tables));
  tables_ = nullptr;
}

void SeenStacks::enter(const SeenStack& stack) noexcept {
  uint64_t hash = hash_of(stack.pc, stack.sp);
  uint16_t& parting = parting_of(hash);
  const uint64_t* parted_by = can_read(stack.sp, parting) ? stack.slot_at(parting - 1u) : nullptr;
  if (parted_by == nullptr) {
    const size_t set = set_of(hash);
    unsigned others = 0;
    for (const SeenStack& one : tables_->stacks[set]) others += one.same_caller(stack) && one.node != stack.node;
    // A parting that leaves so many together is replaced.
    if (others != 0 && (parting == 0 || others == kWays)) {
      const uint16_t best = best_parting(set, stack);
      if (can_read(stack.sp, best)) {
        parting = best;
        parted_by = stack.slot_at(best - 1u);
        for (unsigned way = 0; way < kWays; ++way)
          if (tables_->stacks[set][way].same_caller(stack)) tables_->tags[set][way] = 0;
      }
    }
  }
  if (parted_by != nullptr) hash = with_parting(hash, SeenStack::value_of(*parted_by));
  const size_t set = set_of(hash);
  const uint32_t tag = tag_of(hash);
  unsigned way = 0;
  while (way < kWays && !(tables_->tags[set][way] == tag && tables_->stacks[set][way].same_caller(stack) &&
                          tables_->stacks[set][way].node == stack.node))
    ++way;
  if (way == kWays) way = next_way_++ % kWays;
  tables_->stacks[set][way] = stack;
  tables_->tags[set][way] = tag;
}

// The slot of `stack` by which most of its caller's other stacks in the set differ from it: word + 1; 0: none.
uint16_t SeenStacks::best_parting(size_t set, const SeenStack& stack) const noexcept {
  uint16_t best = 0;
  unsigned most = 0;
  for (unsigned i = 0; i < stack.slots; ++i) {
    const uint64_t word = SeenStack::word_of(stack.slot[i]);
    unsigned differing = 0;
    for (const SeenStack& one : tables_->stacks[set]) {
      if (!one.same_caller(stack)) continue;
      const uint64_t* const theirs = one.slot_at(word);
      differing += theirs != nullptr && *theirs != stack.slot[i];
    }
    if (differing > most) {
      most = differing;
      best = static_cast<uint16_t>(word + 1);
    }
  }
  return best;
}

}  // namespace tidemark::unwind
