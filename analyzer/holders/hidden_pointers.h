// Pointers that do not look like pointers: links that are the xor of two addresses, and addresses compressed to 32 bits
// (upper half left out, relative to a base, in units of 8 or 16 bytes). The recorder samples words that may be such.
// Blocks that only they lead to look unreachable, and are not.
#pragma once

#include <cstdint>
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

  const HeapPicture& heap_;
  std::unordered_map<uint32_t, bool> xor_, compressed_;  // by site, of those with a finding
};

}  // namespace tidemark::holders
