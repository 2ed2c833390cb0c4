// The symbols of one module: opens its file, makes sure that it is the one that ran (build-id), finds separate debug
// information (by build-id and .gnu_debuglink, in the system's folders; nothing is fetched from the network), and
// resolves file addresses. Each module has a libdwfl session of its own, at base 0: modules of different times may have
// had the same addresses. Not thread-safe.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/symbols/dwarf_index.h"
#include "analyzer/symbols/symbol_index.h"

namespace tidemark::symbols {

enum class SymbolSource {
  kNotAsked,        // no frame of the module is shown
  kDebugInfo,       // functions, inlined calls, files and lines
  kSymbolTable,     // functions only
  kFileMissing,     // module and offset only
  kBuildIdDiffers,  // the file was replaced since: module and offset only
};

class ModuleSymbols {
 public:
  // `build_id` in raw bytes; empty: not known, and so not checked.
  ModuleSymbols(const std::string& path, const std::string& build_id);

  SymbolSource source() const noexcept { return source_; }

  // Frames at a file address, innermost first; at least one, which may be empty.
  std::vector<SourceFrame> resolve(uint64_t address);

 private:
  struct End {
    void operator()(Dwfl* session) const noexcept { dwfl_end(session); }
  };

  bool open(const std::string& path, const std::string& build_id);

  std::unique_ptr<Dwfl, End> session_;
  Dwfl_Module* module_ = nullptr;
  SymbolSource source_ = SymbolSource::kFileMissing;
  uint64_t dwarf_bias_ = 0;  // module address = debug information's address + bias
  std::optional<DwarfIndex> dwarf_;
  std::optional<SymbolIndex> symbols_;
};

// Opened modules, for several reports: the processes of one tree have mostly the same ones.
class SymbolStore {
 public:
  std::shared_ptr<ModuleSymbols> get(const std::string& path, const std::string& build_id);

 private:
  std::map<std::pair<std::string, std::string>, std::shared_ptr<ModuleSymbols>> modules_;
};

}  // namespace tidemark::symbols
