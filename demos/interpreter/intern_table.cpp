#include "intern_table.h"

namespace tombo {

Ref<String> InternTable::intern(std::string_view text) {
  const std::uint64_t hash = String::hash_text(text);
  for (std::uint32_t i = bucket(hash); i != kNoEntry; i = entries_[i].next) {
    const Ref<String>& string = entries_[i].string;
    if (string->hash == hash && string->text == text) return string;
  }
  auto entry = static_cast<std::uint32_t>(entries_.size());
  if (entries_.size() == bound_) {
    entry = static_cast<std::uint32_t>(oldest_);
    oldest_ = (oldest_ + 1) % bound_;
    take_out(entry);
  } else {
    if (entries_.size() == buckets_.size()) grow_buckets();
    entries_.emplace_back();
  }
  entries_[entry] = {make<String>(Text(text)), bucket(hash)};
  bucket(hash) = entry;
  return entries_[entry].string;
}

void InternTable::grow_buckets() {
  Array<std::uint32_t>(buckets_.size() * 2, kNoEntry).swap(buckets_);
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    entries_[i].next = std::exchange(bucket(entries_[i].string->hash), i);
  }
}

void InternTable::take_out(std::uint32_t entry) {
  std::uint32_t* link = &bucket(entries_[entry].string->hash);
  while (*link != entry) link = &entries_[*link].next;
  *link = entries_[entry].next;
}

}  // namespace tombo
