// Finds types of a module by name. Units are read one after the other, until the name was met: first the one whose code
// the caller points at, whose functions' own types are known then as well. A type that stands in a thousand units is
// kept once. Cost: a pass over 50 MB of debug information took 0.25 s; it is made at most once, and as far as the
// budget reaches. About 64 bytes per type. Not thread-safe.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "analyzer/symbols/dwarf_tools.h"

namespace tidemark::symbols {

class TypeIndex {
 public:
  // Both must outlive this.
  TypeIndex(Dwarf* dwarf, EntryBudget& budget);

  // `name` as a demangler, g++ or clang prints it, or shortened. `hint`: a unit that probably knows the type.
  std::optional<Dwarf_Die> find(std::string_view name, std::optional<Dwarf_Die> hint);

 private:
  struct Unit {
    Dwarf_Die die;
    bool read = false;
    bool functions_read = false;
  };

  void read(Unit& unit, bool functions);
  void collect(Dwarf_Die* scope, const std::string& name, bool functions, int depth);
  std::optional<Dwarf_Die> look_up(uint64_t key) const;

  EntryBudget& budget_;
  std::vector<Unit> units_;
  std::unordered_map<const void*, size_t> unit_of_;  // by its entry's place
  size_t next_ = 0;                                  // units before this one were read
  std::unordered_map<uint64_t, Dwarf_Die> types_;    // by the hash of the name in its plainest spelling
  std::unordered_set<uint64_t> met_;                 // hashes of names as they stand in the units
};

// The plainest spelling of a type's name: what g++, clang, demanglers and shorteners agree on. For tests.
std::string plain_spelling(std::string_view name);

}  // namespace tidemark::symbols
