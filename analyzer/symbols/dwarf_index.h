// Functions, inlined calls and lines of a module, from its debug information.
//
// libdw offers lookups of its own, but they need .debug_aranges (which clang leaves out) and walk a compilation unit's
// whole tree for every address. Here the units' ranges are sorted once, and a unit's functions when it is first asked
// for. Memory: 24 bytes per unit range; 40 bytes per function of the units that were asked for. Not thread-safe.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tidemark::symbols {

// One source-level frame at an address.
struct SourceFrame {
  std::string function;  // demangled; empty: not known
  std::string file;      // empty: not known
  uint32_t line = 0;
  bool inlined = false;  // this function was inlined into the next frame's
};

class DwarfIndex {
 public:
  // `dwarf` must outlive this.
  explicit DwarfIndex(Dwarf* dwarf);

  // The frames at an address of the debug information's own address space, innermost first; empty if it says nothing.
  std::vector<SourceFrame> find(uint64_t address);

  // The unit whose code is at an address: that which holds the functions and types.
  std::optional<Dwarf_Die> unit_at(uint64_t address) const;

 private:
  struct UnitRange {
    uint64_t low, high;
    uint32_t unit;
  };
  struct Unit {
    Dwarf_Die lines;      // the unit whose line table counts
    Dwarf_Die functions;  // the unit that holds the functions (split debug information: another file's)
  };
  struct Function {
    uint64_t low, high;
    Dwarf_Die die;
  };

  struct UnitFunctions {
    std::vector<Function> ranges;                       // by address
    std::unordered_map<Dwarf_Off, std::string> scopes;  // "space::Class::" of functions that have no mangled name
  };

  std::optional<uint32_t> unit_index(uint64_t address) const;
  const UnitFunctions& functions_of(uint32_t unit);
  static void collect(Dwarf_Die* scope, const std::string& name, int depth, UnitFunctions& functions);

  std::vector<Unit> units_;
  std::vector<UnitRange> ranges_;
  std::unordered_map<uint32_t, UnitFunctions> functions_;
};

}  // namespace tidemark::symbols
