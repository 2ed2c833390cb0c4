// The tree of who alone keeps what, as it is shown: what is alike is folded into one line, a list or a tree of blocks
// of one site too, and small things into the last one. Costs: O(nodes) per level that is shown, 4 bytes per node. Not
// thread-safe.
#pragma once

#include <vector>

#include "analyzer/holders/heap_picture.h"
#include "analyzer/holders/names.h"
#include "analyzer/model/heap.h"

namespace tidemark::holders {

// The roots and blocks that nothing but the whole program keeps, the largest first. The graph is solved.
std::vector<model::Holder> report_holders(HeapPicture& heap, Names& names);

}  // namespace tidemark::holders
