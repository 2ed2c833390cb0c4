// Which module lay where, and when: answers "whose code is at this pc now" while the replay goes on, so that code of a
// library that is unloaded later, or whose addresses are used again, keeps its name. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/replay/call_tree.h"

namespace tidemark::replay {

struct LoadedModule {
  uint64_t index = 0;  // the recorder's number
  uint64_t start = 0, end = 0, bias = 0;
  uint64_t loaded = 0;  // ticks
  std::optional<uint64_t> unloaded;
  std::string path;
  std::string build_id;     // raw bytes
  uint64_t tls_offset = 0;  // its thread-local block begins that far below the thread pointer; 0: none, or not known
};

class ModuleTable {
 public:
  void load(LoadedModule module);
  void unload(uint64_t index, uint64_t time);

  // Position in modules() of the module that is mapped at `pc` now, or CallTreeNode::kNoModule.
  uint32_t at(uint64_t pc) const noexcept;

  // Positions of those that are mapped now, by address.
  std::vector<uint32_t> mapped() const;

  const std::vector<LoadedModule>& modules() const noexcept { return modules_; }
  std::vector<LoadedModule> take() noexcept { return std::move(modules_); }
  // Modules beyond the limit that keeps a hostile trace from filling memory.
  uint64_t dropped() const noexcept { return dropped_; }

 private:
  std::vector<LoadedModule> modules_;
  std::map<uint64_t, uint32_t> mapped_;       // start -> position, of those mapped now
  std::map<uint64_t, uint32_t> position_of_;  // recorder's index -> position
  mutable uint32_t last_ = CallTreeNode::kNoModule;
  uint64_t dropped_ = 0;
};

}  // namespace tidemark::replay
