// Names for people: of blocks (their types), of what lies at an offset in them, and of the roots. Looked up for what is
// shown only; types are kept by site. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "analyzer/holders/heap_picture.h"
#include "analyzer/model/heap.h"
#include "analyzer/replay/recording.h"
#include "analyzer/symbols/block_types.h"
#include "analyzer/symbols/module_symbols.h"

namespace tidemark::holders {

class Names {
 public:
  // All must outlive this. `recording` is complete: frames have their modules.
  Names(const replay::Recording& recording, HeapPicture& heap, symbols::SymbolStore& store);

  // "app::Session", or "96 B allocated in parse()".
  std::string type(uint32_t block);
  // The same of all blocks of a site, without a size where those differ.
  const std::string& type_of_site(uint32_t site);
  // Who allocated them: the innermost function that is neither the standard library's nor a wrapper of malloc; empty:
  // not known.
  const std::string& function_of_site(uint32_t site) { return this->site(site).allocated_in; }
  // Whether the type is known better than by who allocated it.
  bool has_type(uint32_t block);
  // An offset in the block as one in what type() names: an object of make_shared lies behind the counts.
  uint64_t offset_in_type(uint32_t block, uint64_t offset);
  // The member that lies at an offset of a block.
  std::optional<std::string> field(uint32_t block, uint64_t offset);

  // All but the path. `source`: the address of the word that holds the first block; 0: not known.
  model::HeldBy root(uint32_t group, uint64_t source);
  // What a root is called in the tree of holders; the rest of `holder` is left alone.
  void name_root(uint32_t group, model::Holder& holder);

  // The functions of a site's stack, innermost first, without the allocator's own; and their source files. At most
  // kMaxFrames of them.
  static constexpr size_t kMaxFrames = 64;
  struct Function {
    std::string name, file;
  };
  std::vector<Function> functions(uint32_t site, size_t most);

 private:
  struct SiteType {
    std::optional<symbols::BlockType> type;
    std::string allocated_in;      // the function, where the type is not known
    uint32_t module = UINT32_MAX;  // of the code that probably knows the type
    std::optional<uint64_t> hint;  // its file address
    std::string text;
  };

  std::string allocating_function(uint32_t site);
  static bool is_allocation_function(std::string_view name);
  bool is_wrapper(uint64_t pc);
  symbols::ModuleSymbols* symbols(uint32_t module);
  const SiteType& site(uint32_t id);
  std::optional<symbols::BlockType> vtable_type(uint64_t vtable);
  std::optional<symbols::BlockType> block_type(uint32_t block);
  bool is_recorder(uint32_t module) const;
  bool is_allocator(uint32_t module) const;
  const std::vector<Function>& functions_at(uint64_t pc, uint32_t module);

  const replay::Recording& recording_;
  HeapPicture& heap_;
  symbols::SymbolStore& store_;
  std::vector<std::shared_ptr<symbols::ModuleSymbols>> symbols_;  // by module of the recording
  std::unordered_map<uint32_t, SiteType> sites_;
  std::unordered_map<uint64_t, std::optional<symbols::BlockType>> vtable_types_;  // by the pointer's value
  std::unordered_map<uint64_t, std::vector<Function>> functions_;                 // by pc and module
  std::optional<std::unordered_set<uint64_t>> wrappers_;                          // pcs
};

}  // namespace tidemark::holders
