// Findings in the text report: what is live at the end, why it is there, and who holds it.
#pragma once

#include <cstddef>
#include <string>

#include "analyzer/model/report.h"
#include "analyzer/report/text_lines.h"

namespace tidemark::report {

void write_findings(Text& text, const model::Report& report, size_t top);

// ", held by global_store (leak.cpp:12)" or ", which nothing holds"; empty when it is not known.
std::string holder_clause(const model::Finding& finding);

}  // namespace tidemark::report
