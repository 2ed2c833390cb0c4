// Findings of memory that nothing leads to. What was lost are the heads (graph/lost_blocks.h): single blocks, or
// cycles; what only they lead to was lost with them. Heads made by the same sites are one cause, and so one finding.
//
// How sure it is (docs/ on verdicts): a block that nothing leads to can still be known to the program, by a pointer
// that does not look like one. So confidence depends on when it was seen, on whether it goes on, and is low when blocks
// like it were freed after all, when a register that was not read may hold it, or when words look like coded pointers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "analyzer/holders/heap_picture.h"
#include "analyzer/holders/hidden_pointers.h"
#include "analyzer/model/report.h"
#include "analyzer/replay/recording.h"

namespace tidemark::holders {

// What the replay knows of an unreachable block.
struct LostBlock {
  uint32_t block = 0;    // in the graph
  uint8_t pictures = 1;  // in which nothing led to it
  bool gone = false;     // freed before the end: no part of any finding
  uint64_t birth = 0;    // ticks; 0: not known
};

struct LostFinding {
  model::Finding finding;                              // without names, paths and stack
  uint32_t head = 0;                                   // one of them, with the most bytes
  std::vector<uint32_t> sites;                         // of what was lost directly, ascending
  std::unordered_map<uint32_t, model::BlockSum> kept;  // lost indirectly, by site
  uint32_t example = 0;                                // a block of the finding's site
};

// More causes than these share one finding, which has no sites.
inline constexpr size_t kMostLostFindings = 1000;

// By bytes, the most first. `lost` ascends by blocks; the graph is solved.
std::vector<LostFinding> find_lost(const replay::Recording& recording, const HeapPicture& heap,
                                   std::span<const LostBlock> lost);

// By site, what findings of unreachable memory account for.
std::unordered_map<uint32_t, model::BlockSum> lost_by_site(const HeapPicture& heap, std::span<const LostBlock> lost);

}  // namespace tidemark::holders
