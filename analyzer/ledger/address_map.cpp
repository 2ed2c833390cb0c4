#include "analyzer/ledger/address_map.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "analyzer/base/text.h"

namespace tidemark::ledger {
namespace {

using model::LedgerKind;
using replay::CutBlock;
using replay::CutHeap;
using replay::PictureRegion;
using replay::PictureThread;
using trace::RegionRecord;

constexpr std::string_view kRecorderName = "libtidemark_preload.so";
constexpr uint64_t kPage = 4096;
constexpr uint64_t kGuardMost = uint64_t{64} << 10;
// Static thread-local storage, where modules do not tell how much there is; a thread's control block above its pointer.
constexpr uint64_t kMostThreadLocal = uint64_t{64} << 10;
constexpr uint64_t kMostLoaderBytes = uint64_t{128} << 10;
constexpr uint64_t kControlBlock = uint64_t{4} << 10;

bool is_private_anonymous(const PictureRegion& region) {
  return (region.flags & RegionRecord::kShared) == 0 && (region.path.empty() || region.path.starts_with("[anon"));
}

constexpr uint64_t page_end(uint64_t address) { return (address + kPage - 1) / kPage * kPage; }

Area row(uint64_t start, uint64_t end, LedgerKind kind) { return {start, end, Use::kRow, kind}; }

// Puts `top` over `areas`, both ascending and disjoint.
std::vector<Area> overlay(const std::vector<Area>& areas, const std::vector<Area>& top) {
  std::vector<Area> result;
  result.reserve(areas.size() + 2 * top.size());
  auto over = top.begin();
  for (Area below : areas) {
    while (below.start < below.end) {
      while (over != top.end() && over->end <= below.start) result.push_back(*over++);
      if (over == top.end() || over->start >= below.end) {
        result.push_back(below);
        break;
      }
      if (below.start < over->start) {
        result.push_back(below);
        result.back().end = over->start;
      }
      below.start = over->end;
    }
  }
  // Those behind `over` are still to come; those that were stepped over while they covered several areas are not.
  result.insert(result.end(), over, top.end());
  return result;
}

// Ascending and disjoint: of two that overlap, the earlier one keeps what both want.
void make_disjoint(std::vector<Area>& areas) {
  std::stable_sort(areas.begin(), areas.end(), [](const Area& a, const Area& b) { return a.start < b.start; });
  uint64_t free_from = 0;
  for (Area& area : areas) {
    area.start = std::max(area.start, free_from);
    free_from = std::max(free_from, area.end);
  }
  std::erase_if(areas, [](const Area& area) { return area.start >= area.end; });
}

class Mapper {
 public:
  explicit Mapper(const CutHeap& cut) : cut_(cut), regions_(cut.picture.regions) {
    for (const replay::LoadedModule& module : cut.modules) module_paths_.insert(module.path);
    for (const PictureRegion& region : regions_) {
      if ((region.flags & RegionRecord::kExecute) != 0 && region.path.starts_with('/')) {
        module_paths_.insert(region.path);
      }
    }
  }

  std::vector<Area> map() {
    std::vector<Area> areas;
    areas.reserve(regions_.size());
    for (size_t i = 0; i < regions_.size(); ++i) areas.push_back(of_region(i));
    for (std::vector<Area> layer : {mappings(), threads(), modules(), own()}) {
      make_disjoint(layer);
      areas = overlay(areas, layer);
    }
    return areas;
  }

 private:
  bool has_live_block(uint64_t begin, uint64_t end) const {
    const auto at = std::lower_bound(cut_.blocks.begin(), cut_.blocks.end(), begin,
                                     [](const CutBlock& block, uint64_t address) { return block.address < address; });
    if (at != cut_.blocks.end() && at->address < end) return true;
    return at != cut_.blocks.begin() && std::prev(at)->address + std::prev(at)->size > begin;
  }

  bool held_blocks(const PictureRegion& region) const {
    return has_live_block(region.start, region.end) || cut_.heap.used_pages().any_used(region.start, region.end);
  }

  // Libc puts a page without rights below each stack that it maps.
  bool has_guard(size_t index) const {
    if (index == 0) return false;
    const PictureRegion& below = regions_[index - 1];
    constexpr uint64_t kRights = RegionRecord::kRead | RegionRecord::kWrite | RegionRecord::kExecute;
    return below.end == regions_[index].start && (below.flags & kRights) == 0 && is_private_anonymous(below) &&
           below.end - below.start <= kGuardMost;
  }

  Area of_region(size_t index) const {
    const PictureRegion& region = regions_[index];
    const std::string_view path = region.path;
    const bool shared = (region.flags & RegionRecord::kShared) != 0;
    Area area{region.start, region.end};
    const auto in_row = [&](LedgerKind kind) { return row(region.start, region.end, kind); };
    if ((region.flags & RegionRecord::kOwn) != 0) return in_row(LedgerKind::kRecorder);
    if (path == "[stack]") return in_row(LedgerKind::kThreadStacks);
    if (path.starts_with("[vvar") || path.starts_with("/anon_hugepage") || path.starts_with("/dev/hugepages")) {
      area.use = Use::kUncounted;
    } else if (path == "[heap]") {
      area.use = Use::kHeap;
    } else if (is_private_anonymous(region) || path.starts_with("/dev/zero")) {
      if (!shared && held_blocks(region)) {
        area.use = Use::kHeap;
      } else if (shared) {
        return in_row(LedgerKind::kSharedMemory);
      } else if (has_guard(index)) {
        return in_row(LedgerKind::kThreadStacks);
      } else if (cut_.forked) {
        return in_row(LedgerKind::kInherited);
      }
    } else if (shared && (path.empty() || path.starts_with("[anon_shmem") || path.starts_with("/dev/shm/") ||
                          path.starts_with("/memfd:") || path.starts_with("/SYSV"))) {
      return in_row(LedgerKind::kSharedMemory);
    } else if (path.starts_with("/dev/")) {
      area.use = Use::kUncounted;
    } else if (path.starts_with('/')) {
      if (base_name(path) == kRecorderName) return in_row(LedgerKind::kRecorder);
      if (shared || !module_paths_.contains(path)) return in_row(LedgerKind::kMappedFiles);
      if ((region.flags & RegionRecord::kWrite) != 0) return in_row(LedgerKind::kModuleData);
      area.use = Use::kModule;
    } else {
      return in_row(LedgerKind::kKernelProvided);
    }
    return area;
  }

  // Calls visit(index, start, end) for the parts of [start, end) that lie in regions.
  template <class Visitor>
  void in_regions(uint64_t start, uint64_t end, Visitor visit) const {
    auto region = std::upper_bound(regions_.begin(), regions_.end(), start,
                                   [](uint64_t at, const PictureRegion& one) { return at < one.end; });
    for (; region != regions_.end() && region->start < end; ++region) {
      visit(static_cast<size_t>(region - regions_.begin()), std::max(region->start, start), std::min(region->end, end));
    }
  }

  // Private memory that the program mapped itself. (Shared and file mappings have rows of their own whoever made them;
  // where blocks live, an allocator got its memory this way.)
  std::vector<Area> mappings() const {
    std::vector<Area> areas;
    for (const replay::CutMapping& mapping : cut_.mappings) {
      if (has_live_block(mapping.begin, mapping.end)) continue;
      in_regions(mapping.begin, mapping.end, [&](size_t index, uint64_t start, uint64_t end) {
        if (is_private_anonymous(regions_[index])) areas.push_back(row(start, end, LedgerKind::kProgramMappings));
      });
    }
    return areas;
  }

  // Stacks that libc or the program mapped. A stack in a block of the heap stays the block's.
  std::vector<Area> threads() const {
    std::vector<Area> areas;
    // Of ended threads libc keeps the stacks; of several that had the same one, any will do.
    std::unordered_map<uint64_t, uint64_t> bounds;
    for (const replay::ThreadTotals& thread : cut_.threads) {
      if (thread.stack_low < thread.stack_high) bounds[thread.stack_low] = thread.stack_high;
    }
    for (const auto& [low, high] : bounds) {
      const PictureRegion* const region = cut_.picture.region_at(high - 1);
      if (region == nullptr || !is_private_anonymous(*region) || has_live_block(low, high)) continue;
      // Above the bounds lie thread-local storage and the control block.
      const uint64_t end = held_blocks(*region) ? high + kControlBlock : region->end;
      areas.push_back(row(std::max(low, region->start), std::min(end, region->end), LedgerKind::kThreadStacks));
    }
    uint64_t thread_local_bytes = 0;
    for (const replay::LoadedModule& module : cut_.modules) {
      thread_local_bytes = std::max(thread_local_bytes, std::min(module.tls_offset, uint64_t{1} << 30));
    }
    if (thread_local_bytes == 0) thread_local_bytes = kMostThreadLocal;
    for (const PictureThread& thread : cut_.picture.threads) {
      const PictureRegion* region = cut_.picture.region_at(thread.sp);
      if (region != nullptr && is_private_anonymous(*region) && !held_blocks(*region)) {
        areas.push_back(row(region->start, region->end, LedgerKind::kThreadStacks));
        continue;
      }
      region = cut_.picture.region_at(thread.thread_pointer);
      if (region == nullptr || !is_private_anonymous(*region)) continue;
      uint64_t start = region->start, end = region->end;
      // The kernel merges neighbours: only a small region is the loader's as a whole.
      if (end - start > kMostLoaderBytes || held_blocks(*region)) {
        start = std::max(start, thread.thread_pointer - std::min(thread.thread_pointer, thread_local_bytes));
        end = std::min(end, thread.thread_pointer + kControlBlock);
        if (has_live_block(start, end)) continue;
      }
      areas.push_back(row(start / kPage * kPage, page_end(end), LedgerKind::kThreadLocal));
    }
    return areas;
  }

  // Variables that begin as zeros have no file behind them: what of a module's range is private memory.
  std::vector<Area> modules() const {
    std::vector<Area> areas;
    for (const replay::LoadedModule& module : cut_.modules) {
      const bool own = base_name(module.path) == kRecorderName;
      const uint64_t module_end = page_end(std::min(module.end, replay::kPictureAddressEnd));
      in_regions(module.start, module_end, [&](size_t index, uint64_t start, uint64_t end) {
        if (!is_private_anonymous(regions_[index])) return;
        areas.push_back(row(start, end, own ? LedgerKind::kRecorder : LedgerKind::kModuleData));
      });
    }
    return areas;
  }

  std::vector<Area> own() const {
    std::vector<Area> areas;
    const trace::FileHeader& header = cut_.file.header();
    in_regions(header.own_start, header.own_end,
               [&](size_t, uint64_t start, uint64_t end) { areas.push_back(row(start, end, LedgerKind::kRecorder)); });
    return areas;
  }

  const CutHeap& cut_;
  const std::vector<PictureRegion>& regions_;
  std::unordered_set<std::string_view> module_paths_;
};

}  // namespace

std::vector<Area> map_addresses(const CutHeap& cut) { return Mapper(cut).map(); }

}  // namespace tidemark::ledger
