// From what was recorded to findings and a verdict. Findings name their site (a call-tree node); stacks are resolved
// afterwards, for the findings that are shown. How it is decided: docs/verdicts.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "analyzer/classify/life.h"
#include "analyzer/model/report.h"
#include "analyzer/replay/recording.h"

namespace tidemark::classify {

// What heap snapshots know, and the names that the user speaks of. Functions may be empty.
struct Context {
  // Unreachable memory: the findings, for each the sites at which its members were allocated, and what all of them
  // account for by site.
  std::vector<model::Finding> lost;
  std::vector<std::vector<uint32_t>> lost_sites;
  std::unordered_map<uint32_t, model::BlockSum> lost_by_site;
  // Of the same, by site: when they were born. `slice` is `born`.
  std::unordered_map<uint32_t, std::vector<replay::GenerationCell>> lost_births;
  bool graph = false;  // a snapshot was analysed: what is not lost is reachable

  // Of the blocks of a site: the number of the root that holds most of them, and bytes that are only weakly held.
  struct Holder {
    std::optional<uint32_t> root;
    uint64_t weak_bytes = 0;
  };
  std::unordered_map<uint32_t, Holder> holders;

  // Bounds that the user declared, in bytes, and which of them is for a site.
  std::vector<uint64_t> bounds;
  std::function<std::optional<size_t>(uint32_t site)> bound_of;
  // The function that allocates at a site; empty: not known.
  std::function<std::string(uint32_t site)> allocated_in;
};

struct Found {
  static constexpr size_t kNotLost = SIZE_MAX;

  model::Finding finding;
  size_t lost = kNotLost;  // position in Context::lost
};

struct Findings {
  Life life;
  std::vector<Found> found;           // by bytes; what is below `fold_below` shares the last one
  model::Growth growth;               // of the process
  std::vector<double> lasting_bytes;  // of the process, by slice: of blocks born at least a slice before
};

// `memory` is complete by then.
Findings find(const replay::Recording& recording, const model::Memory& memory, const Context& context);

// Sites whose holders find() wants to know: those that hold enough to be a finding.
std::vector<uint32_t> sites_to_ask(const replay::Recording& recording);

// max(0.1% of the peak, 1 KB).
uint64_t fold_below(const replay::Recording& recording) noexcept;

// The verdict on the process.
model::Verdict judge(const replay::Recording& recording, const model::Memory& memory, const Findings& findings,
                     const std::function<std::string(uint32_t site)>& allocated_in = {});

}  // namespace tidemark::classify
