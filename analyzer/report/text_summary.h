// The first lines of a text report, which alone answer the question: what it is and how much, who allocates and who
// holds it, why it is or is not a leak, what the resident set says, and what else there is or what would settle it.
#pragma once

#include "analyzer/model/report.h"
#include "analyzer/report/text_lines.h"

namespace tidemark::report {

void write_summary(Text& text, const model::Report& report);

// The largest finding of the verdict's class and kind; of an undecided one the largest that is undecided. nullptr
// without.
const model::Finding* deciding_finding(const model::Report& report);

}  // namespace tidemark::report
