// What each address of a picture is for, as far as a ledger asks: the heap, whose pages are looked at one by one, a
// thread's stack, a module... Told by the memory map, by what the program mapped, by the bounds of threads and modules,
// and by where blocks lie or once lay. Nothing of an allocator's insides is used, so it is the same for all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "analyzer/model/ledger.h"
#include "analyzer/replay/cut.h"

namespace tidemark::ledger {

enum class Use : uint8_t {
  kUnknown,    // private memory that nobody is known to have mapped: stays unexplained
  kUncounted,  // in no process's resident set: devices, huge pages of hugetlbfs, [vvar]
  kHeap,
  kModule,  // pages as in the file are code, others data
  kRow,     // all of it belongs to one row
};

struct Area {
  uint64_t start = 0, end = 0;
  Use use = Use::kUnknown;
  model::LedgerKind row = model::LedgerKind::kLive;  // with kRow
};

// Ascending, disjoint. O(n log n) of what regions, mappings, threads and modules there are. `cut.blocks` must be
// there still.
std::vector<Area> map_addresses(const replay::CutHeap& cut);

}  // namespace tidemark::ledger
