#include "analyzer/holders/site_holders.h"

#include <algorithm>
#include <bit>

namespace tidemark::holders {

using graph::Block;
using graph::Reach;

std::unordered_map<uint32_t, SiteHolders> find_site_holders(const HeapPicture& heap,
                                                            const std::vector<uint32_t>& sites) {
  std::unordered_map<uint32_t, SiteHolders> holders;
  if (sites.empty()) return holders;
  const graph::HeapGraph& graph = heap.graph();
  std::vector<bool> wanted(size_t{*std::max_element(sites.begin(), sites.end())} + 1);
  for (const uint32_t site : sites) wanted[site] = true;

  std::unordered_map<uint64_t, HeldShare> shares;  // by site and group
  for (uint32_t block = 0; block < graph.block_count(); ++block) {
    const Block& one = graph.blocks()[block];
    if (one.site >= wanted.size() || !wanted[one.site] || !heap.is_heap_block(block)) continue;
    const Reach reach = graph.reach(block);
    const uint32_t group = graph.root_group(block);
    // A group's number leaves two bits: those tell an unreachable block from one that is its own root.
    const uint64_t key = uint64_t{one.site} << 32 | (reach == Reach::kUnreachable ? graph::kNone - 1 : group);
    HeldShare& share = shares[key];
    share.group = group;
    share.unreachable = reach == Reach::kUnreachable;
    share.weak |= reach == Reach::kWeak;
    ++share.sum.blocks;
    share.sum.bytes += one.size;
    if (std::has_single_bit(share.sum.blocks)) share.example = block;
    if (reach == Reach::kWeak) {
      model::BlockSum& weak = holders[one.site].weak;
      ++weak.blocks;
      weak.bytes += one.size;
    }
  }
  for (const auto& [key, share] : shares) holders[static_cast<uint32_t>(key >> 32)].shares.push_back(share);
  for (auto& [site, all] : holders) {
    std::sort(all.shares.begin(), all.shares.end(), [](const HeldShare& a, const HeldShare& b) {
      return a.sum.bytes != b.sum.bytes ? a.sum.bytes > b.sum.bytes : a.example < b.example;
    });
  }
  return holders;
}

}  // namespace tidemark::holders
