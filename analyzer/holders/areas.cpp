#include "analyzer/holders/areas.h"

#include <algorithm>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "analyzer/base/text.h"

namespace tidemark::holders {
namespace {

using replay::CutBlock;
using replay::CutMapping;
using replay::Picture;
using replay::PictureRegion;
using replay::PictureThread;
using trace::RegionRecord;
using Kind = trace::PictureThreadRecord::Kind;

// What is painted over what.
enum Priority : unsigned {
  kRest,
  kAllocator,
  kProgramMapping,
  kEnded,
  kModule,
  kStackBelow,
  kStackLive,
  kThreadLocal,
  kRecorder,
};

constexpr std::string_view kRecorderName = "libtidemark_preload.so";
// Static thread-local storage, where modules do not tell how much there is; a thread's control block above its pointer.
constexpr uint64_t kMostThreadLocal = 64 << 10;
constexpr uint64_t kControlBlock = 4 << 10;
// Leaf functions use what lies below their stack pointer (the ABI of x86-64).
constexpr uint64_t kRedZone = 128;
constexpr uint64_t kEndedThreadTop = 8 << 10;
// glibc: heaps of its secondary arenas are aligned to their largest size; blocks that have a mapping of their own begin
// 16 bytes behind a page's start, and are larger than this unless mallopt says otherwise.
constexpr uint64_t kArenaBytes = 64 << 20;
constexpr uint64_t kSmallestMappedBlock = 64 << 10;
constexpr uint64_t kPage = 4096;

bool is_private_anonymous(const PictureRegion& region) {
  return (region.flags & RegionRecord::kShared) == 0 && (region.path.empty() || region.path.starts_with("[anon"));
}

bool is_libc(std::string_view path) {
  const std::string_view name = base_name(path);
  return name.starts_with("libc.so") || name.starts_with("libc-") || name.starts_with("ld-musl") ||
         name.starts_with("libc.musl");
}

bool is_mapped_block(const CutBlock& block) {
  return block.size >= kSmallestMappedBlock && block.address % kPage == 16;
}

}  // namespace

Areas::Areas(const replay::CutHeap& cut, const Allocator& allocator) : cut_(cut) {
  for (const PictureThread& thread : cut.picture.threads) stack_pointers_.push_back(thread.sp);
  std::sort(stack_pointers_.begin(), stack_pointers_.end());
  add_regions();
  add_allocator_memory(allocator);
  add_mappings();
  add_ended_threads();
  add_modules(allocator);
  add_threads();
  paint();
}

void Areas::add(uint64_t start, uint64_t end, unsigned priority, AreaKind kind, uint32_t owner, bool exact_only) {
  if (start < end) spans_.push_back({{start, end, kind, exact_only, owner}, priority});
}

void Areas::add_regions() {
  const trace::FileHeader& header = cut_.file.header();
  add(header.own_start, header.own_end, kRecorder, AreaKind::kNothing);
  const std::vector<PictureRegion>& regions = cut_.picture.regions;
  for (uint32_t i = 0; i < regions.size(); ++i) {
    const bool own = (regions[i].flags & RegionRecord::kOwn) != 0;
    add(regions[i].start, regions[i].end, own ? kRecorder : kRest, own ? AreaKind::kNothing : AreaKind::kUnknown, i);
  }
}

// Where the allocator's memory lies, between the blocks and where there are none any more.
void Areas::add_allocator_memory(const Allocator& allocator) {
  const AreaKind kind = cut_.forked ? AreaKind::kInherited : AreaKind::kNothing;
  const std::vector<PictureRegion>& regions = cut_.picture.regions;
  const bool libc = is_libc(allocator.path);
  size_t next = 0;
  for (uint32_t i = 0; i < regions.size(); ++i) {
    const PictureRegion& region = regions[i];
    while (next < cut_.blocks.size() && cut_.blocks[next].address < region.start) ++next;
    if (region.path == "[heap]") {
      add(region.start, region.end, kAllocator, kind, i);
      continue;
    }
    if (!is_private_anonymous(region)) continue;
    // The kernel merges neighbouring mappings into one region, so a region with blocks may hold other things, too:
    // with glibc it is known where an arena ends.
    if (libc && region.start % kArenaBytes == 0 && i + 1 < regions.size() && regions[i + 1].start == region.end &&
        regions[i + 1].end == region.start + kArenaBytes && (regions[i + 1].flags & RegionRecord::kWrite) == 0) {
      add(region.start, region.end, kAllocator, kind, i);
      continue;
    }
    uint64_t covered = 0;
    for (; next < cut_.blocks.size() && cut_.blocks[next].address < region.end; ++next) {
      const CutBlock& block = cut_.blocks[next];
      if (block.address < covered) continue;
      uint64_t start = region.start, end = region.end;
      if (libc && is_mapped_block(block)) {
        start = block.address - 16;
        end = (block.address + block.size + kPage - 1) / kPage * kPage;
      } else if (libc) {
        start = block.address / kArenaBytes * kArenaBytes;
        end = start + kArenaBytes;
      }
      covered = std::min(end, region.end);
      add(std::max(start, region.start), covered, kAllocator, kind, i);
    }
  }
}

void Areas::add_mappings() {
  for (const CutMapping& mapping : cut_.mappings) {
    if (is_node(mapping)) continue;
    const PictureRegion* const region = cut_.picture.region_at(mapping.begin);
    if (region == nullptr || is_private_anonymous(*region)) continue;
    add(mapping.begin, mapping.end, kProgramMapping, AreaKind::kMapping,
        static_cast<uint32_t>(region - cut_.picture.regions.data()));
  }
}

bool Areas::is_node(const CutMapping& mapping) const noexcept {
  const PictureRegion* const region = cut_.picture.region_at(mapping.begin);
  if (region == nullptr || !is_private_anonymous(*region)) return false;
  const auto stack = std::lower_bound(stack_pointers_.begin(), stack_pointers_.end(), mapping.begin);
  return stack == stack_pointers_.end() || *stack >= mapping.end;
}

void Areas::add_ended_threads() {
  std::unordered_set<uint64_t> alive;
  for (const PictureThread& thread : cut_.picture.threads) alive.insert(thread.tid);
  // The last thread that had a stack is the one whose control block may be there.
  std::unordered_map<uint64_t, uint32_t> latest;
  for (uint32_t slot = 1; slot < cut_.threads.size(); ++slot) {
    const replay::ThreadTotals& thread = cut_.threads[slot];
    if (thread.stack_low < thread.stack_high && !alive.contains(thread.tid) && thread.tid != cut_.file.header().pid) {
      latest[thread.stack_low] = slot;
    }
  }
  for (const auto& [low, slot] : latest) {
    const uint64_t high = cut_.threads[slot].stack_high;
    const uint64_t top = std::max(low, high - std::min(high, kEndedThreadTop));
    add(low, top, kEnded, AreaKind::kNothing);
    add(top, high, kEnded, AreaKind::kEndedThread, slot);
  }
}

void Areas::add_modules(const Allocator& allocator) {
  const std::vector<PictureRegion>& regions = cut_.picture.regions;
  for (uint32_t i = 0; i < cut_.modules.size(); ++i) {
    const replay::LoadedModule& module = cut_.modules[i];
    const bool supplies_malloc = !allocator.path.empty() && module.path == allocator.path;
    const bool libc = is_libc(module.path);
    const bool nothing =
        base_name(module.path) == kRecorderName || (supplies_malloc && !libc && module.path != allocator.executable);
    // To the page's end: the loader uses what is left of its own last one.
    const uint64_t end = (std::min(module.end, replay::kPictureAddressEnd) + kPage - 1) / kPage * kPage;
    auto region = std::upper_bound(regions.begin(), regions.end(), module.start,
                                   [](uint64_t at, const PictureRegion& one) { return at < one.end; });
    for (; region != regions.end() && region->start < end; ++region) {
      if (region->path == "[heap]" || region->path == "[stack]") continue;
      add(std::max(region->start, module.start), std::min(region->end, end), kModule,
          nothing ? AreaKind::kNothing : AreaKind::kGlobal, i, supplies_malloc && libc);
    }
  }
  const auto in_module = [this](uint64_t address) {
    const auto behind =
        std::upper_bound(cut_.modules.begin(), cut_.modules.end(), address,
                         [](uint64_t at, const replay::LoadedModule& module) { return at < module.start; });
    return behind != cut_.modules.begin() && address < std::prev(behind)->end;
  };
  // A module whose load was not noticed yet: code of the same file is mapped, and what follows its data is its .bss.
  std::unordered_set<std::string_view> with_code;
  for (const PictureRegion& region : regions) {
    if ((region.flags & RegionRecord::kExecute) != 0 && region.path.starts_with('/')) with_code.insert(region.path);
  }
  for (size_t i = 0; i < regions.size(); ++i) {
    const PictureRegion& region = regions[i];
    if ((region.flags & (RegionRecord::kWrite | RegionRecord::kShared)) != RegionRecord::kWrite ||
        !with_code.contains(region.path) || base_name(region.path) == kRecorderName || in_module(region.start)) {
      continue;
    }
    const bool bss = i + 1 < regions.size() && regions[i + 1].start == region.end && regions[i + 1].path.empty();
    add(region.start, bss ? regions[i + 1].end : region.end, kModule, AreaKind::kGlobal);
  }
}

size_t Areas::block_around(uint64_t address) const noexcept {
  const auto behind = std::upper_bound(cut_.blocks.begin(), cut_.blocks.end(), address,
                                       [](uint64_t at, const CutBlock& block) { return at < block.address; });
  if (behind == cut_.blocks.begin()) return SIZE_MAX;
  const auto block = std::prev(behind);
  return address - block->address < block->size ? static_cast<size_t>(block - cut_.blocks.begin()) : SIZE_MAX;
}

void Areas::add_threads() {
  uint64_t thread_local_bytes = 0;
  for (const replay::LoadedModule& module : cut_.modules) {
    thread_local_bytes = std::max(thread_local_bytes, std::min(module.tls_offset, uint64_t{1} << 30));
  }
  if (thread_local_bytes == 0) thread_local_bytes = kMostThreadLocal;
  // Of several threads with one number the last: numbers are used again.
  std::unordered_map<uint64_t, Bounds> stacks;
  for (const replay::ThreadTotals& thread : cut_.threads) {
    if (thread.stack_low < thread.stack_high) stacks[thread.tid] = {thread.stack_low, thread.stack_high};
  }
  for (const PictureRegion& region : cut_.picture.regions) {
    if (region.path == "[stack]") stacks[cut_.file.header().pid] = {region.start, region.end};
  }
  const std::vector<PictureThread>& threads = cut_.picture.threads;
  for (uint32_t i = 0; i < threads.size(); ++i) {
    const auto own = stacks.find(threads[i].tid);
    add_stack(i, own == stacks.end() ? Bounds{} : own->second);
    const uint64_t pointer = threads[i].thread_pointer;
    const PictureRegion* const region = pointer == 0 ? nullptr : cut_.picture.region_at(pointer);
    if (region == nullptr) continue;
    uint64_t start = std::max(region->start, pointer - std::min(pointer, thread_local_bytes));
    // Above a stack in the same region: not below its live part, which begins lower by the red zone at most.
    if (threads[i].sp >= region->start && threads[i].sp < pointer) start = std::max(start, threads[i].sp);
    add(start, std::min(region->end, pointer + kControlBlock), kThreadLocal, AreaKind::kTls, i);
  }
}

void Areas::add_stack(uint32_t index, Bounds own) {
  const PictureThread& thread = cut_.picture.threads[index];
  const PictureRegion* const region = cut_.picture.region_at(thread.sp);
  const auto [low, high] = own;
  if (thread.kind == Kind::kStackDead) {
    add(low, high, kStackBelow, AreaKind::kNothing);
    if (region != nullptr) add(region->start, region->end, kStackBelow, AreaKind::kNothing);
    return;
  }
  const uint64_t live = thread.kind == Kind::kTaker ? thread.sp : thread.sp - std::min(thread.sp, kRedZone);
  if (thread.sp >= low && thread.sp < high) {
    add(low, live, kStackBelow, AreaKind::kNothing);
    add(live, high, kStackLive, AreaKind::kStack, index);
    return;
  }
  // Elsewhere: what lies on the stack that was left counts as a whole.
  add(low, high, kStackLive, AreaKind::kStack, index);
  const size_t block = block_around(thread.sp);
  if (block != SIZE_MAX) {
    stack_blocks_.push_back(block);
  } else if (region != nullptr && region->path != "[heap]") {
    if (low == high) {
      add(region->start, live, kStackBelow, AreaKind::kNothing);
      add(live, region->end, kStackLive, AreaKind::kStack, index);
    } else {
      add(region->start, region->end, kStackLive, AreaKind::kStack, index);
    }
  }
}

// Cuts the spans where they overlap: the one of the highest priority stays, and of equal ones the one added first.
void Areas::paint() {
  std::vector<uint32_t> order(spans_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [this](uint32_t a, uint32_t b) { return spans_[a].area.start < spans_[b].area.start; });
  const auto below = [this](uint32_t a, uint32_t b) {
    return spans_[a].priority != spans_[b].priority ? spans_[a].priority < spans_[b].priority : a > b;
  };
  std::priority_queue<uint32_t, std::vector<uint32_t>, decltype(below)> open(below);
  uint64_t at = 0;
  const auto emit = [&](uint64_t end, const Area& area) {
    if (at >= end) return;
    areas_.push_back(area);
    areas_.back().start = at;
    areas_.back().end = end;
    at = end;
  };
  // Paints up to `limit` with what is open.
  const auto advance = [&](uint64_t limit) {
    while (at < limit) {
      while (!open.empty() && spans_[open.top()].area.end <= at) open.pop();
      if (open.empty()) {
        emit(limit, Area{});
      } else {
        emit(std::min(limit, spans_[open.top()].area.end), spans_[open.top()].area);
      }
    }
  };
  for (const uint32_t index : order) {
    advance(spans_[index].area.start);
    open.push(index);
  }
  advance(UINT64_MAX);
  spans_ = {};
}

const Area& Areas::seek(uint64_t address) const noexcept {
  // Mostly the next one.
  if (last_ + 1 < areas_.size() && address >= areas_[last_ + 1].start && address < areas_[last_ + 1].end) {
    return areas_[++last_];
  }
  const auto behind = std::upper_bound(areas_.begin(), areas_.end(), address,
                                       [](uint64_t at, const Area& area) { return at < area.start; });
  last_ = static_cast<size_t>(behind - areas_.begin()) - 1;
  return areas_[last_];
}

}  // namespace tidemark::holders
