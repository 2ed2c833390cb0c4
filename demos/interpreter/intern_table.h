// Strings of which there is one for each text. Without a bound they stay as long as the table does, as names must; with
// one, the table is a cache: the string that has been in it for longest goes first.
#pragma once

#include <string_view>

#include "syntax.h"

namespace tombo {

class InternTable {
 public:
  explicit InternTable(std::size_t bound = SIZE_MAX) : bound_(bound), buckets_(16, kNoEntry) {}

  [[nodiscard]] Ref<String> intern(std::string_view text);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::uint32_t kNoEntry = UINT32_MAX;
  struct Entry {
    Ref<String> string;
    std::uint32_t next = kNoEntry;  // in its bucket
  };

  std::uint32_t& bucket(std::uint64_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }
  void grow_buckets();
  void take_out(std::uint32_t entry);

  std::size_t bound_;
  std::size_t oldest_ = 0;
  Array<Entry> entries_;
  Array<std::uint32_t> buckets_;
};

}  // namespace tombo
