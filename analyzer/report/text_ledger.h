// Where the resident set is, in the text report.
#pragma once

#include <cstddef>

#include "analyzer/model/report.h"
#include "analyzer/report/text_lines.h"

namespace tidemark::report {

// The rows and what stays unexplained, with at most `top` of the sites that pin pages. Nothing without a ledger.
void write_ledger(Text& text, const model::Report& report, size_t top);

}  // namespace tidemark::report
