// The objects outside of the heap that hold blocks: variables, frames of functions, thread-local variables, registers.
// Words of one object are one group of the graph. Names are only looked up for what is shown, but where a variable
// begins and ends is asked for as words come; as they come in the order of addresses, once per variable.
//
// Memory: 40 bytes per group. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/graph/block.h"
#include "analyzer/holders/areas.h"
#include "analyzer/model/heap.h"
#include "analyzer/replay/cut.h"
#include "analyzer/symbols/module_symbols.h"

namespace tidemark::holders {

struct RootGroup {
  AreaKind area = AreaKind::kUnknown;
  graph::RootKind kind = graph::RootKind::kWeak;
  bool is_register = false, is_kernel = false;
  uint32_t owner = Area::kNoOwner;  // as in Area
  uint32_t frame = UINT32_MAX;      // kStack: in the thread's frames
  uint64_t start = 0, end = 0;      // addresses of the object, as far as known
  bool named = false;               // a variable: it has a name
};

// A variable's place in the process.
struct Extent {
  uint64_t start = 0, end = 0;
};

class RootGroups {
 public:
  RootGroups(const replay::Picture& picture, const std::vector<replay::LoadedModule>& modules,
             symbols::SymbolStore& store);

  // The group of a word in an area that holds roots.
  uint32_t at(const Area& area, uint64_t source);
  uint32_t of_registers(uint32_t thread);
  uint32_t of_kernel();

  const std::vector<RootGroup>& all() const noexcept { return groups_; }

  // The module's symbols, opened when first asked for; nullptr for a position that is none.
  symbols::ModuleSymbols* symbols(uint32_t module);

  // The module in whose thread-local block lies what is `below` bytes below a thread pointer; kNoOwner: none is known.
  uint32_t thread_local_module(uint64_t below) const;

 private:
  uint32_t make(const RootGroup& group);
  uint32_t keyed(uint64_t key, const RootGroup& group);
  uint32_t variable(const Area& area, uint64_t source);
  uint32_t thread_local_variable(const Area& area, uint64_t source);
  uint32_t frame_slot(const Area& area, uint64_t source);

  const replay::Picture& picture_;
  const std::vector<replay::LoadedModule>& modules_;
  symbols::SymbolStore& store_;
  std::vector<std::shared_ptr<symbols::ModuleSymbols>> symbols_;
  std::vector<std::pair<uint64_t, uint32_t>> thread_local_blocks_;  // how far below thread pointers they begin; module
  std::vector<RootGroup> groups_;
  std::unordered_map<uint64_t, uint32_t> by_key_;  // by where the object begins, or what it is
  uint32_t last_ = UINT32_MAX;
};

}  // namespace tidemark::holders
