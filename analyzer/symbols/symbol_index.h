// The functions of a module's symbol table, sorted by address: what is left to name code by when there is no debug
// information. libdw's own lookup walks the whole table each time; a table can hold 300,000 symbols.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <vector>

namespace tidemark::symbols {

class SymbolIndex {
 public:
  // `module` must outlive this: names point into it.
  explicit SymbolIndex(Dwfl_Module* module);

  // The mangled name of the function at a file address, nullptr if none is known to cover it.
  const char* find(uint64_t address) const noexcept;

 private:
  struct Symbol {
    uint64_t address;
    uint64_t bytes;  // 0: not stated
    const char* name;
    unsigned rank;  // of symbols at one address the lowest is shown
  };
  std::vector<Symbol> symbols_;  // one per address
};

}  // namespace tidemark::symbols
