// From what was recorded to findings and a verdict. Findings name their site (a call-tree node); stacks are resolved
// afterwards, for the findings that are shown.
//
// Of the rules of docs/ on how verdicts are reached, those on unreachable memory are in; every other finding is
// `undecided`, with confidence 0 and the evidence that replay has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "analyzer/model/report.h"
#include "analyzer/replay/recording.h"

namespace tidemark::classify {

struct Found {
  static constexpr size_t kNotLost = SIZE_MAX;

  model::Finding finding;
  size_t lost = kNotLost;  // position in the findings of unreachable memory that find() got
};

// By bytes: the findings of unreachable memory, and one per site for what else of it is live at the end; sites below
// `fold_below(recording)` share one last finding. `lost_by_site`: what the former account for.
std::vector<Found> find(const replay::Recording& recording, const std::vector<model::Finding>& lost = {},
                        const std::unordered_map<uint32_t, model::BlockSum>& lost_by_site = {});

// max(0.1% of the peak, 1 KB).
uint64_t fold_below(const replay::Recording& recording) noexcept;

// The verdict on the process. `memory` is complete by then. `allocated_in` names the function that allocates at a site;
// empty: not known.
model::Verdict judge(const replay::Recording& recording, const model::Memory& memory,
                     const std::vector<Found>& findings,
                     const std::function<std::string(uint32_t site)>& allocated_in = {});

}  // namespace tidemark::classify
