// A set of numbers below a limit, which numbers its members in their order: arrays about a few of many blocks need not
// be as long as all of them.
//
// Memory: 2 bits per number below the limit. Queries take a look-up or two in that.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace tidemark::graph {

class NumberSet {
 public:
  NumberSet() = default;
  // The numbers below `limit` for which is_member(number) holds.
  template <class Predicate>
  NumberSet(uint32_t limit, Predicate is_member) : words_(limit / 64 + 1) {
    for (uint32_t number = 0; number < limit; ++number) {
      Word& word = words_[number / 64];
      if (number % 64 == 0) word.before = count_;
      if (!is_member(number)) continue;
      word.members |= uint64_t{1} << number % 64;
      ++count_;
    }
  }

  uint32_t count() const noexcept { return count_; }
  bool contains(uint32_t number) const noexcept { return words_[number / 64].members >> number % 64 & 1; }
  // How many members are less than `number`: of a member, its own number.
  uint32_t index(uint32_t number) const noexcept {
    const Word& word = words_[number / 64];
    const uint64_t lower = (uint64_t{1} << number % 64) - 1;
    return word.before + static_cast<uint32_t>(std::popcount(word.members & lower));
  }

 private:
  struct Word {
    uint64_t members = 0;
    uint32_t before = 0;
  };
  std::vector<Word> words_;
  uint32_t count_ = 0;
};

}  // namespace tidemark::graph
