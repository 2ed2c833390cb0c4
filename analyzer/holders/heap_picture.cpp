#include "analyzer/holders/heap_picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "analyzer/base/text.h"

namespace tidemark::holders {
namespace {

using graph::Block;
using graph::Reach;
using replay::CallTree;
using replay::CallTreeNode;
using Words = trace::WordsRecord;

constexpr std::string_view kRecorderName = "libtidemark_preload.so";
// A damaged picture may claim any number of samples.
constexpr size_t kMaxVtables = 4 << 20;
constexpr size_t kMaxSamples = 1 << 20;

bool is_loader(std::string_view path) {
  const std::string_view name = base_name(path);
  return name.starts_with("ld-linux") || name.starts_with("ld64.so") || name.starts_with("ld.so") ||
         (name.starts_with("ld-") && name.ends_with(".so"));
}

// Whether the loader itself allocated a block: its own tables are known to it alone.
class LoaderSites {
 public:
  LoaderSites(const replay::CutHeap& cut, const Areas::Allocator& allocator, const std::string& operator_new)
      : cut_(cut), allocator_(allocator), operator_new_(operator_new) {}

  bool is_one(uint32_t site) {
    if (site >= known_.size()) known_.resize(std::max<size_t>(site + 1, cut_.tree.size()));
    if (known_[site] == 0) known_[site] = ask(site) ? 2 : 1;
    return known_[site] == 2;
  }

 private:
  bool ask(uint32_t site) const {
    for (uint32_t node = site; node != 0; node = cut_.tree.node(node).parent) {
      const CallTreeNode& frame = cut_.tree.node(node);
      const replay::LoadedModule* const module = module_at(frame.exact != 0 ? frame.pc : frame.pc - 1);
      if (module == nullptr) return false;
      if (is_loader(module->path)) return true;
      const bool allocates = base_name(module->path) == kRecorderName || module->path == allocator_.path ||
                             module->path == operator_new_;
      if (!allocates || module->path == allocator_.executable) return false;
    }
    return false;
  }
  const replay::LoadedModule* module_at(uint64_t address) const {
    const auto behind =
        std::upper_bound(cut_.modules.begin(), cut_.modules.end(), address,
                         [](uint64_t at, const replay::LoadedModule& module) { return at < module.start; });
    if (behind == cut_.modules.begin()) return nullptr;
    const replay::LoadedModule& module = *std::prev(behind);
    return address < module.end ? &module : nullptr;
  }

  const replay::CutHeap& cut_;
  const Areas::Allocator& allocator_;
  const std::string& operator_new_;
  std::vector<uint8_t> known_;  // 0: not asked yet, 1: no, 2: yes
};

}  // namespace

HeapPicture::HeapPicture(replay::CutHeap& cut, const Areas::Allocator& allocator, const std::string& operator_new,
                         symbols::SymbolStore& store)
    : file_(cut.file),
      picture_(cut.picture),
      modules_(cut.modules),
      forked_(cut.forked),
      sound_(cut.picture.head.whole),
      groups_(picture_, modules_, store) {
  for (uint32_t slot = 1; slot < cut.threads.size(); ++slot) {
    if (!cut.threads[slot].name.empty()) thread_names_[cut.threads[slot].tid] = cut.threads[slot].name;
  }
  const Areas areas(cut, allocator);
  make_graph(cut, areas, allocator, operator_new);
  add_words(areas);
  add_registers();
  for (const RootGroup& group : groups_.all()) {
    if (group.area != AreaKind::kEndedThread || group.owner >= cut.threads.size()) continue;
    const replay::ThreadTotals& thread = cut.threads[group.owner];
    ended_threads_[group.owner] = fmt::format("{} ({})", thread.name, thread.tid);
  }
}

void HeapPicture::make_graph(replay::CutHeap& cut, const Areas& areas, const Areas::Allocator& allocator,
                             const std::string& operator_new) {
  LoaderSites loader(cut, allocator, operator_new);
  std::vector<Block> blocks;
  blocks.reserve(cut.blocks.size() + cut.mappings.size());
  for (const replay::CutBlock& block : cut.blocks) {
    uint32_t flags = 0;
    if (block.in_flight != 0) flags |= graph::kInFlight;
    if (loader.is_one(block.node)) flags |= graph::kRootBlock;
    blocks.push_back({block.address, block.size, block.node, flags});
  }
  for (const size_t stack : areas.stack_blocks()) blocks[stack].flags |= graph::kRootBlock;
  for (const replay::CutMapping& mapping : cut.mappings) {
    if (!areas.is_node(mapping)) continue;
    blocks.push_back({mapping.begin, mapping.end - mapping.begin, mapping.traits.node, graph::kMapping});
  }
  std::vector<replay::CutBlock>().swap(cut.blocks);
  graph_ = std::make_unique<graph::HeapGraph>(std::move(blocks));
}

void HeapPicture::add_words(const Areas& areas) {
  replay::WordReader reader(file_, picture_.head);
  const bool undamaged = reader.run([&](Words::Kind kind, uint64_t source, uint64_t value) {
    switch (kind) {
      case Words::kPlain:
      case Words::kTagged: {
        const bool weak = kind == Words::kTagged;
        if (graph_->add_word(source, value, weak)) return;
        const Area& area = areas.at(source);
        if (area.kind == AreaKind::kNothing) return;
        const graph::Target target = graph_->find(value);
        if (target.block == graph::kNone || (area.exact_only && (target.offset != 0 || weak))) return;
        const uint32_t group = groups_.at(area, source);
        graph_->add_root(group, groups_.all()[group].kind, target.block, weak || target.weak);
        return;
      }
      case Words::kKernel:
        return add_root(groups_.of_kernel(), value, false, false);
      case Words::kVtable: {
        const graph::Target block = graph_->find(source);
        if (block.block == graph::kNone || block.offset != 0 || vtables_.size() == kMaxVtables) return;
        vtables_.emplace_back(block.block, value);
        site_vtables_.try_emplace(graph_->blocks()[block.block].site, value);
        return;
      }
      case Words::kPossibleXor:
        if (possible_xor_.size() < kMaxSamples) possible_xor_.push_back({source, value});
        return;
      case Words::kPossibleCompressed:
        if (possible_compressed_.size() < kMaxSamples) possible_compressed_.push_back({source, value});
        return;
    }
  });
  if (!undamaged) sound_ = false;
}

void HeapPicture::add_root(uint32_t group, uint64_t value, bool weak, bool exact_only) {
  const graph::Target target = graph_->find(value);
  if (target.block == graph::kNone || (exact_only && target.offset != 0)) return;
  graph_->add_root(group, groups_.all()[group].kind, target.block, weak || target.weak);
}

void HeapPicture::add_registers() {
  for (uint32_t i = 0; i < picture_.threads.size(); ++i) {
    const replay::PictureThread& thread = picture_.threads[i];
    if (thread.kind == trace::PictureThreadRecord::kStackDead) continue;
    for (const uint64_t value : thread.registers) {
      if (graph_->find(value).block != graph::kNone) add_root(groups_.of_registers(i), value, false, false);
    }
  }
}

std::string HeapPicture::thread_name(uint32_t thread) const {
  if (thread >= picture_.threads.size()) return {};
  const uint64_t tid = picture_.threads[thread].tid;
  const auto found = thread_names_.find(tid);
  return found == thread_names_.end() ? std::to_string(tid) : fmt::format("{} ({})", found->second, tid);
}

std::string HeapPicture::ended_thread_name(uint32_t slot) const {
  const auto found = ended_threads_.find(slot);
  return found == ended_threads_.end() ? std::string() : found->second;
}

model::Reachability HeapPicture::sums() const {
  model::Reachability sums;
  for (uint32_t block = 0; block < graph_->block_count(); ++block) {
    if (!is_heap_block(block)) continue;
    const Reach reach = graph_->reach(block);
    model::BlockSum& sum = reach == Reach::kReachable ? sums.reachable
                           : reach == Reach::kWeak    ? sums.weak
                                                      : sums.unreachable;
    ++sum.blocks;
    sum.bytes += graph_->blocks()[block].size;
  }
  return sums;
}

uint64_t HeapPicture::vtable_of(uint32_t block) const noexcept {
  const auto found = std::lower_bound(vtables_.begin(), vtables_.end(), std::pair{block, uint64_t{0}});
  return found != vtables_.end() && found->first == block ? found->second : 0;
}

uint64_t HeapPicture::vtable_of_site(uint32_t site) const noexcept {
  const auto found = site_vtables_.find(site);
  return found == site_vtables_.end() ? 0 : found->second;
}

}  // namespace tidemark::holders
