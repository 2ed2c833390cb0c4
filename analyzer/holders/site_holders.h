// Who holds the blocks of a site: of the roots that reach them, the one that holds the most bytes. Not thread-safe.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "analyzer/holders/heap_picture.h"
#include "analyzer/model/heap.h"

namespace tidemark::holders {

// What one root holds of a site's blocks.
struct HeldShare {
  uint32_t group = graph::kNone;
  bool unreachable = false, weak = false;
  model::BlockSum sum;
  uint32_t example = 0;  // a block from their later half, as they lie in memory
};

struct SiteHolders {
  std::vector<HeldShare> shares;  // by bytes, the most first
  model::BlockSum weak;           // of all blocks: only weakly held
};

// By site, for those asked for. One pass over all blocks: about 30 ns each.
std::unordered_map<uint32_t, SiteHolders> find_site_holders(const HeapPicture& heap,
                                                            const std::vector<uint32_t>& sites);

}  // namespace tidemark::holders
