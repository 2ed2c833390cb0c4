// Finds words that may be pointers, and codes them as WordsRecord.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "trace/records.h"
#include "trace/varint.h"

namespace tidemark::picture {

// Addresses that pointers are looked for to. Disjoint, ascending.
struct Range {
  uint64_t start, end;
  bool constants;  // a module's constants, for vtables; else memory that may hold blocks
};

inline constexpr uint64_t kAddressMask = (uint64_t{1} << 48) - 1;

// As trace::put_varint, without a branch on the length: that of pointers' differences follows no pattern.
inline uint8_t* put_varint_evenly(uint8_t* at, uint64_t value) noexcept {
  const auto bits = static_cast<unsigned>(64 - std::countl_zero(value | 1));
  if (bits > 29) [[unlikely]]
    return trace::put_varint(at, value);
  const unsigned code = bits <= 7 ? 1 : bits <= 14 ? 2 : 3;  // compares and adds, no jumps
  const unsigned length = 1u << (code - 1);
  trace::store_u64(at, value << code | (length - 1));
  return at + length;
}

// Collects the words of one kind; `flush(record)` is called with each full record.
class WordCoder {
 public:
  explicit WordCoder(trace::WordsRecord::Kind kind, unsigned shift = 3) noexcept : shift_(shift) {
    record_.kind = kind;
  }

  uint64_t total() const noexcept { return total_; }

  template <class Flush>
  void add(uint64_t source, uint64_t value, Flush& flush) noexcept {
    if (record_.count == 0) {
      record_.source = source_ = source;
      record_.value = value_ = value;
    }
    uint8_t* at = bytes_ + used_;
    at = trace::put_varint(at, (source - source_) >> shift_);
    at = put_varint_evenly(at, trace::code_word_delta(value - value_));
    used_ = static_cast<size_t>(at - bytes_);
    source_ = source;
    value_ = value;
    ++record_.count;
    ++total_;
    if (used_ > trace::kMaxTextBytes - kMostPerWord) finish(flush);
  }

  template <class Flush>
  void finish(Flush& flush) noexcept {
    if (record_.count == 0) return;
    record_.words = {bytes_, used_};
    flush(record_);
    record_.count = 0;
    used_ = 0;
  }

 private:
  static constexpr size_t kMostPerWord = 18;

  trace::WordsRecord record_;
  unsigned shift_;
  uint64_t source_ = 0, value_ = 0, total_ = 0;
  size_t used_ = 0;
  uint8_t bytes_[trace::kMaxTextBytes + 16];
};

// Which range a value lies in. Most pointers go where the one before went.
class Ranges {
 public:
  void set(const Range* ranges, size_t count) noexcept {
    ranges_ = ranges;
    count_ = count;
    low_ = count == 0 ? 0 : ranges[0].start;
    span_ = count == 0 ? 0 : ranges[count - 1].end - low_;
  }
  bool may_hold(uint64_t value) const noexcept { return value - low_ < span_; }
  uint64_t low() const noexcept { return low_; }
  uint64_t span() const noexcept { return span_; }

  const Range* find(uint64_t value) noexcept {
    const Range& last = ranges_[last_];
    if (value - last.start < last.end - last.start) [[likely]]
      return &last;
    size_t from = 0, to = count_;
    while (from < to) {
      const size_t middle = (from + to) / 2;
      if (ranges_[middle].end <= value)
        from = middle + 1;
      else
        to = middle;
    }
    if (from == count_ || value < ranges_[from].start) return nullptr;
    last_ = from;
    return &ranges_[from];
  }

 private:
  const Range* ranges_ = nullptr;
  size_t count_ = 0, last_ = 0;
  uint64_t low_ = 0, span_ = 0;
};

// Calls `hit(source, word)` for each of the words at `address` whose lower 48 bits may lie in a range: about two cycles
// a word, and no jumps that cannot be foretold but one per 64 words.
template <class Hit>
inline void for_each_candidate(const uint64_t* words, size_t count, uint64_t address, const Ranges& ranges,
                               Hit&& hit) noexcept {
  const uint64_t low = ranges.low(), span = ranges.span();
  for (size_t from = 0; from < count; from += 64) {
    const size_t here = count - from < 64 ? count - from : 64;
    uint64_t candidates = 0;
    for (size_t i = 0; i < here; ++i)
      candidates |= uint64_t{(words[from + i] & kAddressMask) - low < span ? 1u : 0u} << i;
    for (; candidates != 0; candidates &= candidates - 1) {
      const size_t i = from + static_cast<size_t>(std::countr_zero(candidates));
      hit(address + 8 * i, words[i]);
    }
  }
}

}  // namespace tidemark::picture
