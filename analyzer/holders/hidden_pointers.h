// Pointers that do not look like pointers: links that are the xor of two addresses, and addresses compressed to 32 bits
// (upper half left out, relative to a base, in units of 8 or 16 bytes). The recorder samples words that may be such.
// Blocks that only they lead to look unreachable, and are not.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "analyzer/holders/heap_picture.h"

namespace tidemark::holders {

class HiddenPointers {
 public:
  // `unreachable`: blocks, ascending.
  HiddenPointers(const HeapPicture& heap, const std::vector<uint32_t>& unreachable);

  // Whether most of the unreachable blocks of a site seem to be linked so.
  bool xor_linked(uint32_t site) const;
  bool compressed(uint32_t site) const;

 private:
  void test_xor(const std::vector<uint32_t>& unreachable);
  void test_compressed(const std::vector<uint32_t>& unreachable);
  // How a word becomes an address: base + (word << shift).
  struct Scheme {
    uint64_t base;
    unsigned shift;
  };
  void test_scheme(const Scheme& scheme, const std::unordered_map<uint32_t, std::vector<uint32_t>>& sites);
  std::optional<uint64_t> vote(const std::vector<uint32_t>& lost, unsigned shift) const;

  const HeapPicture& heap_;
  double sampled_ = 1;                                   // of all pages, those of which words were sampled
  std::unordered_map<uint32_t, bool> xor_, compressed_;  // by site, of those that are linked so
};

}  // namespace tidemark::holders
