// Where the resident set went, as far as it is known: the rows are true figures, and what is left over is printed as
// unexplained. Pages of free blocks, of stacks and of metadata get rows of their own when page residency is recorded.
#pragma once

#include "analyzer/model/report.h"
#include "analyzer/replay/recording.h"

namespace tidemark::ledger {

// Fills in what memory knows of the process at the end: rss, the rows and the unexplained rest. Without a process
// sample all of it stays empty.
void account(const replay::Recording& recording, model::Memory& memory);

}  // namespace tidemark::ledger
