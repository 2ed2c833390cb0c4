// The variables of a module's symbol tables, sorted by address: globals, statics (also functions' own), thread-local
// ones, and vtables apart. 24 bytes each; a module may have 200,000. The compiler's own tables (type information,
// guards of initializations) are left out.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tidemark::symbols {

struct ObjectSymbol {
  uint64_t start, end;  // file addresses, or offsets in the module's block of thread-local storage
  const char* name;     // as it stands in the symbol table
};
inline constexpr uint32_t kNoSymbol = UINT32_MAX;

// The position of the symbol that covers `address`, or kNoSymbol. `symbols` ascend and do not overlap.
uint32_t find_symbol(std::span<const ObjectSymbol> symbols, uint64_t address) noexcept;

class ObjectSymbols {
 public:
  // `module` must outlive this: names point into it.
  explicit ObjectSymbols(Dwfl_Module* module);

  std::span<const ObjectSymbol> data() const noexcept { return data_; }
  std::span<const ObjectSymbol> thread_local_data() const noexcept { return thread_local_; }
  std::span<const ObjectSymbol> vtables() const noexcept { return vtables_; }

  // The name of the section at a file address; empty: none known.
  std::string section_at(uint64_t address) const;

  // The addresses that are writable or become read-only only after relocation, and the size of the module's
  // thread-local storage, in bytes; 0: none.
  uint64_t writable_low() const noexcept { return writable_low_; }
  uint64_t writable_high() const noexcept { return writable_high_; }
  uint64_t thread_local_bytes() const noexcept { return thread_local_bytes_; }

 private:
  struct Section {
    uint64_t start, end;
    std::string name;
  };

  void read_layout(Elf* elf, uint64_t bias);

  std::vector<ObjectSymbol> data_, thread_local_, vtables_;
  std::vector<Section> sections_;  // by address
  uint64_t writable_low_ = 0, writable_high_ = 0, thread_local_bytes_ = 0;
};

// "app::get_cache()::cache": demangled, without versions, ABI tags and parameter lists.
std::string variable_name(const char* symbol);

}  // namespace tidemark::symbols
