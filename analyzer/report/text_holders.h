// What heap snapshots show, in the text report: the snapshots, the tree of holders, and who holds given blocks.
#pragma once

#include <cstddef>

#include "analyzer/model/report.h"
#include "analyzer/report/text_lines.h"

namespace tidemark::report {

// One line for each of the last snapshots, and why others were not taken.
void write_snapshots(Text& text, const model::Report& report);

// Nothing without --holders. At most `top` children of a node, and a bounded number of lines; JSON has the whole tree.
void write_holders(Text& text, const model::Report& report, size_t top);

// Nothing without --who-holds.
void write_who_holds(Text& text, const model::Report& report, size_t top);

}  // namespace tidemark::report
