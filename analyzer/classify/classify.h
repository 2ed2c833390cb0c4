// From what was recorded to findings and a verdict. Findings name their site (a call-tree node); stacks are resolved
// afterwards, for the findings that are shown.
//
// The rules of docs/ on how verdicts are reached are not in yet: every finding is `undecided`, with confidence 0 and
// the evidence that replay has.
#pragma once

#include <vector>

#include "analyzer/model/report.h"
#include "analyzer/replay/recording.h"

namespace tidemark::classify {

// One finding per site that is live at the end, by bytes; sites below `fold_below(recording)` share one last finding.
std::vector<model::Finding> find(const replay::Recording& recording);

// max(0.1% of the peak, 1 KB).
uint64_t fold_below(const replay::Recording& recording) noexcept;

// The verdict on the process. `memory` is complete by then.
model::Verdict judge(const replay::Recording& recording, const model::Memory& memory,
                     const std::vector<model::Finding>& findings);

}  // namespace tidemark::classify
