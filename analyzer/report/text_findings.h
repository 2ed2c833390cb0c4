// Findings in the text report: what is live at the end, why it is there, and who holds it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "analyzer/model/report.h"
#include "analyzer/report/text_lines.h"

namespace tidemark::report {

// What the findings add up to: what was live when the working life ended, or at the end where that is not known.
model::BlockSum live_of_findings(const model::Report& report);
// Whether that is something else than what was live at the end.
bool released_before_the_end(const model::Report& report);

// The findings that have a stack and are shown, by bytes.
std::vector<const model::Finding*> shown_findings(const model::Report& report, size_t top);
// Of these the one with that stack; nullptr without.
const model::Finding* finding_with(const std::vector<const model::Finding*>& findings, const model::Stack& stack);

// high, medium, low
const char* confidence_word(double confidence);

void write_findings(Text& text, const model::Report& report, size_t top);

// "54.9 MB (46.2%)": of what is live, or of RSS where it is the allocator's.
std::string amount_of(const model::Report& report, const model::Finding& finding);

// ", held by global_store (leak.cpp:12)" or ", which nothing holds"; empty when it is not known.
std::string holder_clause(const model::Finding& finding);

}  // namespace tidemark::report
