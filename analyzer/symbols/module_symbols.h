// The symbols of one module: opens its file, makes sure that it is the one that ran (build-id), finds separate debug
// information (by build-id and .gnu_debuglink, in the system's folders; nothing is fetched from the network), and
// resolves file addresses of code and data, and types by name. What it takes is read when it is first asked for. Each
// module has a libdwfl session of its own, at base 0: modules of different times may have had the same addresses. Not
// thread-safe.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/symbols/block_types.h"
#include "analyzer/symbols/dwarf_index.h"
#include "analyzer/symbols/dwarf_types.h"
#include "analyzer/symbols/dwarf_variables.h"
#include "analyzer/symbols/object_symbols.h"
#include "analyzer/symbols/symbol_index.h"
#include "analyzer/symbols/type_index.h"
#include "analyzer/symbols/vtable_reader.h"

namespace tidemark::symbols {

enum class SymbolSource {
  kNotAsked,        // no frame of the module is shown
  kDebugInfo,       // functions, inlined calls, files and lines
  kSymbolTable,     // functions only
  kFileMissing,     // module and offset only
  kBuildIdDiffers,  // the file was replaced since: module and offset only
};

// A variable, or a place in a module's data that no variable is known for.
struct DataObject {
  std::string name;    // "app::get_cache()::cache"; of a place without a variable "libx.so+0x1234 (.bss)"
  std::string type;    // "std::vector<int>"; empty: not known
  std::string field;   // what of the variable lies at the address asked for: "a.b[2]"; empty: it itself, or not known
  std::string file;    // of the definition; empty: not known
  uint32_t line = 0;   // 0: not known
  uint64_t start = 0;  // file address, or offset in the module's thread-local storage
  uint64_t size = 0;   // in bytes; 0: not known
  bool is_variable = false;
};

class ModuleSymbols {
 public:
  // `build_id` in raw bytes; empty: not known, and so not checked.
  ModuleSymbols(const std::string& path, const std::string& build_id);

  SymbolSource source() const noexcept { return source_; }

  // Frames at a file address, innermost first; at least one, which may be empty.
  std::vector<SourceFrame> resolve(uint64_t address);

  // The variables of the symbol tables, ascending and disjoint: to group many addresses, find_symbol() in them costs
  // 10 to 200 ns. The first call reads the tables: 12 ms for a table of 110,000 symbols.
  std::span<const ObjectSymbol> data_symbols();
  std::span<const ObjectSymbol> thread_local_symbols();

  // What lies at a file address of the module's data, or at an offset in its block of thread-local storage. With debug
  // information the first one costs 2 ms per MB of it, each new one up to some milliseconds: for what is shown, not for
  // every word.
  DataObject data_at(uint64_t address);
  DataObject tls_at(uint64_t offset);

  // The class whose vtable an object's pointer points into (some way behind the vtable's symbol); nothing if it does
  // not. By symbols, of stripped files by their type information.
  std::optional<BlockType> vtable_type(uint64_t address);

  // What covers the byte at `offset` of a type, and the type's size in bytes. `hint`: the file address of code that
  // probably knows the type (it allocates it). Nothing: the type is not known, or not defined, here.
  std::optional<Field> field_at(std::string_view type, uint64_t offset, std::optional<uint64_t> hint = {});
  std::optional<uint64_t> size_of(std::string_view type, std::optional<uint64_t> hint = {});

 private:
  struct End {
    void operator()(Dwfl* session) const noexcept { dwfl_end(session); }
  };

  bool open(const std::string& path, const std::string& build_id);
  const ObjectSymbols* objects();
  DwarfVariables* variables();
  std::optional<Dwarf_Die> find_type(std::string_view name, std::optional<uint64_t> hint);
  void describe(Dwarf_Die variable, uint64_t offset, DataObject& object);
  std::string place_name(uint64_t address, std::string_view what) const;

  std::string path_;
  std::unique_ptr<Dwfl, End> session_;
  Dwfl_Module* module_ = nullptr;
  SymbolSource source_ = SymbolSource::kFileMissing;
  uint64_t dwarf_bias_ = 0;  // module address = debug information's address + bias
  std::optional<DwarfIndex> dwarf_;
  std::optional<SymbolIndex> symbols_;
  Dwarf* debug_information_ = nullptr;

  EntryBudget budget_;
  DwarfTypes types_{budget_};
  std::optional<ObjectSymbols> objects_;
  std::optional<DwarfVariables> variables_;
  std::optional<TypeIndex> type_index_;
  std::optional<VtableReader> vtables_;
};

// Opened modules, for several reports: the processes of one tree have mostly the same ones.
class SymbolStore {
 public:
  std::shared_ptr<ModuleSymbols> get(const std::string& path, const std::string& build_id);

 private:
  std::map<std::pair<std::string, std::string>, std::shared_ptr<ModuleSymbols>> modules_;
};

}  // namespace tidemark::symbols
