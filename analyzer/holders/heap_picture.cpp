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
// A damaged picture may hold any number of samples. The recorder writes 8,192 of each kind at most; what is concluded
// from them takes time in proportion (hidden_pointers.cpp).
constexpr size_t kMaxVtables = 4 << 20;
constexpr size_t kMaxSamples = 8192;
// Of a stack, frames that are looked at: the allocator's own are few, but a damaged trace has any number.
constexpr unsigned kMostFrames = 32;

bool is_loader(std::string_view path) {
  const std::string_view name = base_name(path);
  return name.starts_with("ld-linux") || name.starts_with("ld64.so") || name.starts_with("ld.so") ||
         (name.starts_with("ld-") && name.ends_with(".so"));
}

bool is_input_output_buffer(std::string_view function) {
  if (function.starts_with("__GI_")) function.remove_prefix(5);  // glibc's name for its own use
  return function == "_IO_file_doallocate" || function == "_IO_wfile_doallocate" ||
         function == "_IO_wdefault_doallocate" || function.ends_with("_M_allocate_internal_buffer");
}

// What the library that allocates makes of a site's blocks.
enum class SiteRole : uint8_t {
  kNotAsked,
  kOrdinary,
  kLoader,  // the loader's own tables, which it alone knows: they count as reachable
  kBuffer,  // of files: they hold text, and what was in that memory before
};

class SiteRoles {
 public:
  SiteRoles(const replay::CutHeap& cut, const Areas::Allocator& allocator, const std::string& operator_new,
            RootGroups& groups)
      : cut_(cut), allocator_(allocator), operator_new_(operator_new), groups_(groups) {}

  SiteRole of(uint32_t site) {
    if (site >= known_.size()) known_.resize(std::max<size_t>(site + 1, cut_.tree.size()));
    if (known_[site] == SiteRole::kNotAsked) known_[site] = ask(site);
    return known_[site];
  }

 private:
  // Frames are innermost first; those of the allocator's modules are looked through.
  SiteRole ask(uint32_t site) const {
    unsigned left = kMostFrames;
    for (uint32_t node = site; node != 0 && left != 0; node = cut_.tree.node(node).parent, --left) {
      const CallTreeNode& frame = cut_.tree.node(node);
      const uint64_t pc = frame.exact != 0 ? frame.pc : frame.pc - 1;
      const uint32_t module = module_at(pc);
      if (module == Area::kNoOwner) break;
      const std::string& path = cut_.modules[module].path;
      if (is_loader(path)) return SiteRole::kLoader;
      if (base_name(path) == kRecorderName) continue;
      if ((path != allocator_.path && path != operator_new_) || path == allocator_.executable) break;
      const std::vector<symbols::SourceFrame> frames = groups_.symbols(module)->resolve(pc - cut_.modules[module].bias);
      if (is_input_output_buffer(frames.back().function)) return SiteRole::kBuffer;
    }
    return SiteRole::kOrdinary;
  }
  uint32_t module_at(uint64_t address) const {
    const auto behind =
        std::upper_bound(cut_.modules.begin(), cut_.modules.end(), address,
                         [](uint64_t at, const replay::LoadedModule& module) { return at < module.start; });
    if (behind == cut_.modules.begin() || address >= std::prev(behind)->end) return Area::kNoOwner;
    return static_cast<uint32_t>(std::prev(behind) - cut_.modules.begin());
  }

  const replay::CutHeap& cut_;
  const Areas::Allocator& allocator_;
  const std::string& operator_new_;
  RootGroups& groups_;
  std::vector<SiteRole> known_;
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
  count_unseen(cut.mappings);
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

// Memory that the picture does not show: pages that were swapped out or could not be read, and mappings that a copy of
// the process does not get (MADV_DONTFORK).
void HeapPicture::count_unseen(const std::vector<replay::CutMapping>& mappings) {
  unseen_bytes_ = picture_.head.end.swapped_bytes + picture_.head.end.unreadable_bytes;
  const std::vector<replay::PictureRegion>& regions = picture_.regions;
  for (const replay::CutMapping& mapping : mappings) {
    uint64_t seen = 0;
    auto region = std::upper_bound(regions.begin(), regions.end(), mapping.begin,
                                   [](uint64_t at, const replay::PictureRegion& one) { return at < one.end; });
    for (; region != regions.end() && region->start < mapping.end; ++region) {
      seen += std::min(region->end, mapping.end) - std::max(region->start, mapping.begin);
    }
    unseen_bytes_ += mapping.end - mapping.begin - seen;
  }
}

void HeapPicture::make_graph(replay::CutHeap& cut, const Areas& areas, const Areas::Allocator& allocator,
                             const std::string& operator_new) {
  SiteRoles roles(cut, allocator, operator_new, groups_);
  std::vector<Block> blocks;
  blocks.reserve(cut.blocks.size() + cut.mappings.size());
  for (const replay::CutBlock& block : cut.blocks) {
    uint32_t flags = uint32_t{block.unreachable_in} << kPicturesShift;
    if (block.in_flight != 0) flags |= graph::kInFlight;
    const SiteRole role = roles.of(block.node);
    if (role == SiteRole::kLoader) flags |= graph::kRootBlock;
    if (role == SiteRole::kBuffer) buffers_.emplace_back(block.address, block.address + block.size);
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
  size_t buffers[replay::WordReader::kKinds] = {};  // the first one that may still come, by kind
  const auto in_buffer = [&](Words::Kind kind, uint64_t source) {
    size_t& next = buffers[kind];
    while (next < buffers_.size() && buffers_[next].second <= source) ++next;
    return next < buffers_.size() && source >= buffers_[next].first;
  };
  replay::WordReader reader(file_, picture_.head);
  const bool undamaged = reader.run([&](Words::Kind kind, uint64_t source, uint64_t value) {
    switch (kind) {
      case Words::kPlain:
      case Words::kTagged: {
        const bool weak = kind == Words::kTagged;
        if (in_buffer(kind, source)) return;
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
  const bool at_exit = picture_.head.reason == static_cast<uint64_t>(trace::SnapshotReason::kExit);
  for (uint32_t i = 0; i < picture_.threads.size(); ++i) {
    const replay::PictureThread& thread = picture_.threads[i];
    if (thread.kind == trace::PictureThreadRecord::kStackDead) continue;
    // exit() does not return: what its caller had in registers is of no use any more.
    if (at_exit && thread.kind == trace::PictureThreadRecord::kTaker) continue;
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
