// Where the resident set is: a ledger for each picture of the heap, and the one of the end. docs/ledger.md says how the
// rows are told apart, and what they cannot tell.
//
// Cost: the pages in memory and the blocks of each picture are gone through once, and the blocks once more to learn
// size classes; about 50 ns per block. Not thread-safe.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "analyzer/ledger/size_classes.h"
#include "analyzer/model/report.h"
#include "analyzer/replay/cut.h"
#include "analyzer/replay/recording.h"

namespace tidemark::ledger {

class Ledgers {
 public:
  // For each picture as the replay comes to it, while `cut.blocks` is there.
  void add(const replay::CutHeap& cut);

  // Fills in the ledgers of report.snapshots (by id) and of report.memory, with all that memory says of the resident
  // set. Once.
  void finish(const replay::Recording& recording, model::Report& report);

 private:
  SizeClasses classes_;  // what earlier pictures showed counts for later ones
  std::unordered_map<uint64_t, model::Ledger> ledgers_;
};

}  // namespace tidemark::ledger
