// Finds the entries of variables in debug information by address.
//
// Walking all of it would take seconds in big modules, and only the few variables that a report names are asked for. So
// the bytes of all units are scanned once for what a variable's location looks like — an operation byte and an address
// inside the module's data, some 0.2 s per 100 MB — and only units that hold the address asked for are walked. Units
// that keep addresses in a table (DWARF 5 of clang, split debug information) are found by that table. A wrong
// candidate costs time, never a wrong answer. 16 bytes per candidate. Not thread-safe.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "analyzer/symbols/dwarf_tools.h"

namespace tidemark::symbols {

class DwarfVariables {
 public:
  // Data lies in [low, high) of the debug information's addresses; thread-local storage has `thread_local_bytes`.
  // `dwarf` and `budget` must outlive this.
  DwarfVariables(Dwarf* dwarf, uint64_t low, uint64_t high, uint64_t thread_local_bytes, EntryBudget& budget);

  // The variable that begins there.
  std::optional<Dwarf_Die> find(uint64_t address);
  std::optional<Dwarf_Die> find_thread_local(uint64_t offset);
  // Where the last variable begins that may begin at or before an address.
  std::optional<uint64_t> start_before(uint64_t address) const;

 private:
  struct Candidate {
    uint64_t address;
    uint32_t unit;
  };
  struct Unit {
    Dwarf_Die die;  // that which holds the variables
    bool walked = false;
  };
  using Candidates = std::vector<Candidate>;
  using Found = std::unordered_map<uint64_t, Dwarf_Die>;

  void scan_unit(const uint8_t* begin, const uint8_t* end, uint32_t unit);
  void scan_addresses(Dwarf* dwarf, std::vector<std::pair<uint64_t, uint32_t>>& bases);
  void note(uint64_t value, uint32_t unit, bool both);
  void walk(Dwarf_Die* scope, int depth);
  std::optional<Dwarf_Die> find(const Candidates& candidates, const Found& found, uint64_t value);

  EntryBudget& budget_;
  uint64_t low_, high_, thread_local_bytes_;
  std::vector<Unit> units_;
  Candidates data_candidates_, thread_local_candidates_;  // by address
  Found data_, thread_local_;                             // of the units that were walked
};

}  // namespace tidemark::symbols
