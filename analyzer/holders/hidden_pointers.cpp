#include "analyzer/holders/hidden_pointers.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

namespace tidemark::holders {
namespace {

using graph::Block;
using graph::Reach;

// A sample proves something from so many blocks on: few words fit by chance.
constexpr size_t kFewestXorBlocks = 8;
constexpr size_t kFewestCompressedBlocks = 4;
// A block's neighbour in a list is mostly its neighbour in memory, too, or nearly so.
constexpr ptrdiff_t kNeighbours = 4;
// Regions and upper halves of addresses that are tried as bases.
constexpr size_t kMostBases = 16;
constexpr uint64_t kPage = 4096;
// Pages of which the recorder samples words.
constexpr uint64_t kSampledPages = 256;
constexpr std::array<unsigned, 3> kShifts = {0, 3, 4};
// Of a site, blocks for which a base is looked for; and sites for which it is, each of which takes some milliseconds.
constexpr size_t kVoters = 16;
constexpr size_t kMostSitesVoted = 100;

bool starts_block(const graph::HeapGraph& graph, uint64_t value) {
  const graph::Target target = graph.find(value);
  return target.block != graph::kNone && target.offset == 0 && !target.weak;
}

}  // namespace

HiddenPointers::HiddenPointers(const HeapPicture& heap, const std::vector<uint32_t>& unreachable) : heap_(heap) {
  if (unreachable.empty()) return;
  if (!heap.possible_xor().empty()) test_xor(unreachable);
  if (!heap.possible_compressed().empty()) test_compressed(unreachable);
}

bool HiddenPointers::xor_linked(uint32_t site) const { return xor_.contains(site); }
bool HiddenPointers::compressed(uint32_t site) const { return compressed_.contains(site); }

// A word in a block that, xored with the start of a neighbour of the same site, is the start of a block.
void HiddenPointers::test_xor(const std::vector<uint32_t>& unreachable) {
  const graph::HeapGraph& graph = heap_.graph();
  const auto blocks = graph.blocks();
  std::unordered_map<uint32_t, std::vector<uint64_t>> sites;  // starts, ascending
  for (const uint32_t block : unreachable) sites[blocks[block].site].push_back(blocks[block].address);
  struct Tally {
    size_t blocks = 0, linked = 0;
    uint64_t first_word = 0;
    bool words_differ = false;
  };
  std::map<std::pair<uint32_t, uint64_t>, Tally> tallies;  // by site and offset
  for (const SampledWord& word : heap_.possible_xor()) {
    const uint32_t block = graph.block_at(word.source);
    if (block == graph::kNone || graph.reach(block) != Reach::kUnreachable || word.value == 0) continue;
    const Block& one = blocks[block];
    const auto found = sites.find(one.site);
    if (found == sites.end()) continue;
    const std::vector<uint64_t>& starts = found->second;
    const auto here = std::lower_bound(starts.begin(), starts.end(), one.address);
    bool linked = false;
    for (ptrdiff_t step = -kNeighbours; step <= kNeighbours && !linked; ++step) {
      if (step == 0 || step < starts.begin() - here || step >= starts.end() - here) continue;
      linked = starts_block(graph, word.value ^ here[step]);
    }
    Tally& tally = tallies[{one.site, word.source - one.address}];
    if (tally.blocks++ == 0) tally.first_word = word.value;
    tally.words_differ |= word.value != tally.first_word;
    tally.linked += linked ? 1 : 0;
  }
  // In a list every block but its ends has such a word. Leftovers in unused memory, a few here and there, fit by chance
  // where blocks lie regularly.
  std::unordered_set<uint64_t> pages;  // of which the recorder sampled words
  for (const SampledWord& word : heap_.possible_xor()) pages.insert(word.source / kPage);
  for (const auto& [key, tally] : tallies) {
    if (tally.blocks < kFewestXorBlocks || !tally.words_differ || tally.linked * 5 < tally.blocks * 4) continue;
    const uint32_t site = key.first;
    const uint64_t offset = key.second;
    const std::vector<uint64_t>& starts = sites.at(site);
    const auto sampled = static_cast<size_t>(std::count_if(
        starts.begin(), starts.end(), [&](uint64_t start) { return pages.contains((start + offset) / kPage); }));
    if (tally.blocks * 5 >= sampled * 3) xor_[site] = true;
  }
}

// A 32-bit word anywhere that, decoded in one of the usual ways, is the start of an unreachable block: the lower half
// of an address, or its distance from a base; either in bytes or in units of 8 or 16. As a base counts the start of a
// region, or of a block that the program can reach.
void HiddenPointers::test_compressed(const std::vector<uint32_t>& unreachable) {
  const auto blocks = heap_.graph().blocks();
  std::unordered_map<uint32_t, std::vector<uint32_t>> sites;  // unreachable blocks
  std::set<uint64_t> bases;
  std::array<std::set<uint64_t>, kShifts.size()> upper_halves;
  for (const uint32_t block : unreachable) {
    const uint64_t address = blocks[block].address;
    sites[blocks[block].site].push_back(block);
    for (size_t i = 0; i < kShifts.size(); ++i) {
      const unsigned bits = 32 + kShifts[i];
      if (upper_halves[i].size() < kMostBases) upper_halves[i].insert(address >> bits << bits);
    }
    if (bases.size() == kMostBases) continue;
    const replay::PictureRegion* const region = heap_.picture().region_at(address);
    if (region != nullptr) bases.insert(region->start);
  }
  // One page of so many is sampled (picture/picture_linux.cpp).
  uint64_t pages = 0;
  for (const replay::PictureRegion& region : heap_.picture().regions) {
    const bool anonymous = region.path.empty() || region.path == "[heap]" || region.path.starts_with("[anon");
    if (anonymous && (region.flags & trace::RegionRecord::kScanned) != 0) pages += (region.end - region.start) / kPage;
  }
  sampled_ = 1.0 / static_cast<double>(pages / kSampledPages + 1);

  for (size_t i = 0; i < kShifts.size(); ++i) {
    for (const uint64_t half : upper_halves[i]) test_scheme({half, kShifts[i]}, sites);
    for (const uint64_t base : bases) test_scheme({base, kShifts[i]}, sites);
  }
  std::vector<uint32_t> largest;
  for (const auto& [site, found] : sites) {
    if (found.size() >= kFewestCompressedBlocks && !compressed_.contains(site)) largest.push_back(site);
  }
  std::sort(largest.begin(), largest.end(), [&](uint32_t one, uint32_t other) {
    return sites[one].size() != sites[other].size() ? sites[one].size() > sites[other].size() : one < other;
  });
  if (largest.size() > kMostSitesVoted) largest.resize(kMostSitesVoted);
  for (const uint32_t site : largest) {
    for (const unsigned shift : kShifts) {
      const std::optional<uint64_t> base = vote(sites[site], shift);
      if (base) test_scheme({*base, shift}, sites);
    }
  }
}

// Which blocks the words explain, if they are decoded so.
void HiddenPointers::test_scheme(const Scheme& scheme,
                                 const std::unordered_map<uint32_t, std::vector<uint32_t>>& sites) {
  const graph::HeapGraph& graph = heap_.graph();
  std::unordered_map<uint32_t, std::unordered_set<uint32_t>> explained;  // by site
  for (const SampledWord& word : heap_.possible_compressed()) {
    const graph::Target target = graph.find(scheme.base + ((word.value & UINT32_MAX) << scheme.shift));
    if (target.block == graph::kNone || target.offset != 0 || target.weak) continue;
    if (graph.reach(target.block) != Reach::kUnreachable) continue;
    // A block is not known by what lies in itself.
    if (graph.block_at(word.source) == target.block) continue;
    explained[graph.blocks()[target.block].site].insert(target.block);
  }
  // Most of the blocks that the sampled pages could explain, or a good part of all words: more than would by chance.
  const size_t words = heap_.possible_compressed().size();
  for (const auto& [site, found] : explained) {
    const size_t most = static_cast<size_t>(static_cast<double>(sites.at(site).size()) * sampled_) / 2;
    if (found.size() >= std::max(kFewestCompressedBlocks, std::min(most, words / 4))) compressed_[site] = true;
  }
}

// The block from which most of some blocks lie a word apart; nothing if no block stands out.
std::optional<uint64_t> HiddenPointers::vote(const std::vector<uint32_t>& lost, unsigned shift) const {
  const graph::HeapGraph& graph = heap_.graph();
  std::unordered_map<uint64_t, size_t> votes;
  const size_t voters = std::min(kVoters, lost.size());
  for (size_t i = 0; i < voters; ++i) {
    const uint64_t address = graph.blocks()[lost[i * lost.size() / voters]].address;
    std::unordered_set<uint64_t> once;
    for (const SampledWord& word : heap_.possible_compressed()) {
      const uint64_t base = address - ((word.value & UINT32_MAX) << shift);
      const graph::Target target = graph.find(base);
      if (target.block == graph::kNone || target.offset != 0 || target.weak) continue;
      if (graph.reach(target.block) != Reach::kUnreachable && once.insert(base).second) ++votes[base];
    }
  }
  const auto most = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second < b.second : a.first > b.first;
  });
  if (most == votes.end() || most->second < kFewestCompressedBlocks) return std::nullopt;
  return most->first;
}

}  // namespace tidemark::holders
