// One picture as a heap graph: the blocks that lived at its cut, the words that it holds, and what each word outside of
// blocks is. Kept until the report is made, for the last picture at least; so it owns all it needs, the file apart.
//
// Costs: the graph's own (graph/heap_graph.h), and about 20 ns per word. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/graph/heap_graph.h"
#include "analyzer/holders/areas.h"
#include "analyzer/holders/root_groups.h"
#include "analyzer/model/heap.h"
#include "analyzer/replay/cut.h"
#include "analyzer/symbols/module_symbols.h"

namespace tidemark::holders {

struct SampledWord {
  uint64_t source = 0, value = 0;
};

class HeapPicture {
 public:
  // Takes the blocks out of `cut`. `sound()` must be asked before anything is concluded from it.
  HeapPicture(replay::CutHeap& cut, const Areas::Allocator& allocator, const std::string& operator_new,
              symbols::SymbolStore& store);
  HeapPicture(const HeapPicture&) = delete;
  HeapPicture& operator=(const HeapPicture&) = delete;

  // Whole, and nothing of it damaged: only then does what it does not show prove something.
  bool sound() const noexcept { return sound_; }

  const replay::TraceFile& file() const noexcept { return file_; }
  const replay::Picture& picture() const noexcept { return picture_; }
  const std::vector<replay::LoadedModule>& modules() const noexcept { return modules_; }
  bool forked() const noexcept { return forked_; }
  // Of the program's memory, what the picture does not show.
  uint64_t unseen_bytes() const noexcept { return unseen_bytes_; }
  // In how many earlier pictures a block was unreachable.
  uint32_t unreachable_before(uint32_t block) const noexcept { return graph_->blocks()[block].flags >> kPicturesShift; }
  graph::HeapGraph& graph() noexcept { return *graph_; }
  const graph::HeapGraph& graph() const noexcept { return *graph_; }
  RootGroups& groups() noexcept { return groups_; }
  const RootGroups& groups() const noexcept { return groups_; }

  // "worker (1234)" of a position in the picture's threads.
  std::string thread_name(uint32_t thread) const;
  // Of a thread that had ended, by its slot.
  std::string ended_thread_name(uint32_t slot) const;

  // Whether a block is one of the program's heap, not a mapping.
  bool is_heap_block(uint32_t block) const noexcept { return (graph_->blocks()[block].flags & graph::kMapping) == 0; }

  // Live blocks by how they are held, once the graph is solved.
  model::Reachability sums() const;

  // The pointer into a module's constants at the block's start, or 0. Of many blocks with such, some are known.
  uint64_t vtable_of(uint32_t block) const noexcept;
  // As vtable_of, of any block of the same site.
  uint64_t vtable_of_site(uint32_t site) const noexcept;

  const std::vector<SampledWord>& possible_xor() const noexcept { return possible_xor_; }
  const std::vector<SampledWord>& possible_compressed() const noexcept { return possible_compressed_; }

 private:
  static constexpr unsigned kPicturesShift = 8;  // in the flags of the graph's blocks

  void count_unseen(const std::vector<replay::CutMapping>& mappings);
  void make_graph(replay::CutHeap& cut, const Areas& areas, const Areas::Allocator& allocator,
                  const std::string& operator_new);
  void add_words(const Areas& areas);
  void add_registers();
  void add_root(uint32_t group, uint64_t value, bool weak, bool exact_only);

  const replay::TraceFile& file_;
  replay::Picture picture_;
  std::vector<replay::LoadedModule> modules_;
  bool forked_;
  bool sound_ = true;
  uint64_t unseen_bytes_ = 0;
  std::unordered_map<uint64_t, std::string> thread_names_;   // by tid
  std::unordered_map<uint32_t, std::string> ended_threads_;  // by slot
  RootGroups groups_;
  std::unique_ptr<graph::HeapGraph> graph_;
  std::vector<std::pair<uint64_t, uint64_t>> buffers_;  // blocks that hold no pointers, by address
  std::vector<std::pair<uint32_t, uint64_t>> vtables_;  // by block
  std::unordered_map<uint32_t, uint64_t> site_vtables_;
  std::vector<SampledWord> possible_xor_, possible_compressed_;
};

}  // namespace tidemark::holders
