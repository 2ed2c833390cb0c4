// The program's heap at a moment of the replay, and the figures that are exact to the event: live bytes, the peak with
// each site's share of it, totals by site and thread, lifetimes.
//
// The peak by site without copying all sites at each new peak: while the heap is at a peak nothing is saved. The first
// change of a site after a peak saves what the site held (at_peak_*) and stamps it with the epoch; a new peak makes all
// stamps of the epoch worthless by counting it up. So at the end a site held at_peak_* at the peak if its stamp is
// current, and otherwise what it holds still. Cost: a compare and, once per site and epoch, a store.
//
// Cost of an event: about 20 ns with prefetched blocks. Not thread-safe.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "analyzer/replay/call_tree.h"
#include "analyzer/replay/generations.h"
#include "analyzer/replay/live_map.h"
#include "analyzer/replay/order_repair.h"
#include "analyzer/replay/thread_table.h"
#include "analyzer/replay/timeline.h"
#include "analyzer/replay/used_pages.h"

namespace tidemark::replay {

struct HeapTotals {
  uint64_t live_bytes = 0, live_blocks = 0;
  uint64_t peak_bytes = 0, peak_blocks = 0, peak_time = 0;
  uint64_t allocations = 0, allocated_bytes = 0;
  uint64_t frees = 0, freed_bytes = 0;
  uint64_t temporary = 0;
  uint64_t unknown_frees = 0;
  uint64_t overwritten = 0;  // blocks whose address was allocated again without a free in between
};

struct LifetimeTotals {
  uint64_t count = 0, bytes = 0;
};

// Blocks of a site that a picture of the heap showed to be unreachable.
struct JudgedSite {
  uint64_t blocks = 0;       // each counts once, in however many pictures
  uint64_t repeatedly = 0;   // of these, in two pictures or more
  uint64_t freed_later = 0;  // of `blocks`: something did lead to them
};

// Who does something: the writer of the events, and its thread of the moment.
struct Actor {
  uint32_t stream;
  uint32_t thread;  // slot
};

class Heap {
 public:
  // Lifetimes by power of two of nanoseconds: bin i counts 1 << i to 2 << i, and bin 0 also 0.
  static constexpr size_t kLifetimeBins = 64;

  // `ns_per_tick` as the header states it: what the samples teach later differs by parts in a thousand.
  Heap(uint64_t start_ticks, double ns_per_tick, unsigned timeline_shift)
      : ns_per_tick_(ns_per_tick),
        timeline_(start_ticks, timeline_shift),
        generations_(start_ticks, uint64_t{1} << timeline_shift) {}

  // Events that will come soon; `address_of` tells their addresses.
  template <class Iterator, class AddressOf>
  void prefetch(Iterator begin, Iterator end, AddressOf address_of) const noexcept {
    live_.prefetch(begin, end, address_of);
  }

  // A new block.
  void allocate(uint64_t time, uint64_t address, uint64_t size, uint32_t node, Actor by) {
    begin_event(time);
    if (size >= LastGrown::kLeastBytes) threads_[by.thread].last_grown = {address, size, node};
    put(time, {size, generations_.serial(), time, node, by.thread & kThreadMask, 0}, address, by);
  }

  // The second half of a realloc: what `from` became. Its birth stays.
  void allocate_moved(uint64_t time, const LiveBlock& from, uint64_t address, uint64_t size, uint32_t node, Actor by) {
    begin_event(time);
    if (!generations_.ended() && from.slice != generations_.serial()) {
      generations_.change(node, from.slice, 1, static_cast<int64_t>(size));
    }
    put(time, {size, from.slice, from.birth, node, by.thread & kThreadMask, 0}, address, by);
  }

  // A block ends. False: it was never seen.
  bool free(uint64_t time, uint64_t address, Actor by) {
    begin_event(time);
    LiveBlock block;
    if (!take(time, address, by, false, block)) [[unlikely]]
      return false;
    ThreadTotals& thread = threads_[by.thread];
    if (thread.last_grown.grew_from(block.size, block.node) && thread.last_grown.address != address) [[unlikely]]
      pass_on_birth(block, thread.last_grown);
    count_lifetime(time, address, block, thread);
    return true;
  }

  // The first half of a realloc: the old block, which is given back, ends; its birth passes on. False: it was never
  // seen.
  bool free_for_realloc(uint64_t time, uint64_t address, Actor by, LiveBlock& block) {
    begin_event(time);
    if (!take(time, address, by, true, block)) [[unlikely]]
      return false;
    if (threads_[by.thread].last_allocation == address) threads_[by.thread].last_allocation = 0;
    return true;
  }

  const HeapTotals& totals() const noexcept { return totals_; }
  const std::array<LifetimeTotals, kLifetimeBins>& lifetimes() const noexcept { return lifetimes_; }
  CallTree& tree() noexcept { return tree_; }
  ThreadTable& threads() noexcept { return threads_; }
  Timeline& timeline() noexcept { return timeline_; }
  const LiveMap& live() const noexcept { return live_; }
  const UsedPages& used_pages() const noexcept { return used_pages_; }

  // Nothing led to this block in a picture of the heap, whose events were those up to the tick `cut`. The block may
  // have been freed since. `before`: in how many earlier pictures it was so. Counted by site: sites_judged().
  void judge_unreachable(uint64_t cut, uint64_t address, uint64_t size, uint32_t node, uint32_t before) {
    JudgedSite& site = judged_[node];
    LiveBlock* const block = live_.find(address);
    if (before == 0) ++site.blocks;
    if (before == 1) ++site.repeatedly;
    // Freed, and perhaps followed by another one, between the cut and now? If it was judged before, that was counted.
    if (block == nullptr || block->node != node || block->size != size || block->birth > cut) {
      if (before == 0) ++site.freed_later;
    } else if (block->unreachable_in < LiveBlock::kMostPictures) {
      ++block->unreachable_in;
    }
  }

  // A mark of the program ends a slice.
  void mark(uint64_t time) {
    if (generations_.ended()) return;
    ++slice_.marks;
    if (!generations_.due_at_mark(time)) return;
    slice_.ends_at_mark = true;
    close_slice(time);
  }

  // A sample of the process; whether it has waited for anything since the last one.
  void sample(bool waited) noexcept {
    ++slice_.samples;
    slice_.waits += waited ? 1 : 0;
  }

  // The program's life ends; what follows is no generation's. Later calls change nothing.
  void end_life(uint64_t time) {
    if (generations_.ended()) return;
    close_slice(time);
    generations_.end();
  }

  Generations& generations() noexcept { return generations_; }

  // By call-tree node.
  std::unordered_map<uint32_t, JudgedSite>& sites_judged() noexcept { return judged_; }

  // Makes every site's at_peak_* valid; call once, at the end.
  void finish_peak() noexcept {
    for (uint32_t id = 0; id < tree_.size(); ++id) save_peak(tree_.totals(id));
  }

 private:
  // Before an allocation or a free, while the figures are still those before it.
  void begin_event(uint64_t time) {
    if (generations_.due(time)) [[unlikely]] {
      if (generations_.paused(time)) close_slice(generations_.slices().due_time());
      close_slice(time);
    }
    generations_.count_event();
  }

  void close_slice(uint64_t time) {
    slice_.allocations = totals_.allocations - allocations_before_;
    slice_.frees = totals_.frees - frees_before_;
    slice_.live_bytes = totals_.live_bytes;
    slice_.live_blocks = totals_.live_blocks;
    generations_.close(time, slice_, [this](uint32_t site) {
      const SiteTotals& totals = tree_.totals(site);
      return std::pair<uint64_t, uint64_t>(totals.live_blocks, totals.live_bytes);
    });
    allocations_before_ = totals_.allocations;
    frees_before_ = totals_.frees;
    slice_ = {};
    slice_.least_live_bytes = slice_.most_live_bytes = totals_.live_bytes;
  }

  // `old` was freed, and what it grew into lives: one growing object.
  void pass_on_birth(const LiveBlock& old, LastGrown& grown) {
    LiveBlock* const larger = live_.find(grown.address);
    const bool same = larger != nullptr && larger->node == old.node && larger->size == grown.size;
    grown = {};
    if (!same || larger->slice <= old.slice) return;  // what was there before `old` did not grow out of it
    larger->birth = old.birth;
    if (!generations_.ended()) {
      const auto bytes = static_cast<int64_t>(larger->size);
      if (larger->slice != generations_.serial()) generations_.change(larger->node, larger->slice, -1, -bytes);
      generations_.change(larger->node, old.slice, 1, bytes);
    }
    larger->slice = old.slice;
  }

  static constexpr uint32_t kThreadMask = (uint32_t{1} << LiveBlock::kThreadBits) - 1;
  static_assert(ThreadTable::kMaxThreads <= kThreadMask);

  void put(uint64_t time, const LiveBlock& block, uint64_t address, Actor by) {
    const uint64_t size = block.size;
    const uint32_t node = block.node;
    LiveBlock before;
    if (live_.put(address, block, before)) [[unlikely]] {
      ++totals_.overwritten;
      leave_site(before);
      repair_.add(OrderRepair::Overwritten{time, address, by.stream, before});
    }

    used_pages_.note(address, size);
    ++totals_.allocations;
    totals_.allocated_bytes += size;
    ++totals_.live_blocks;
    totals_.live_bytes += size;
    if (totals_.live_bytes > slice_.most_live_bytes) slice_.most_live_bytes = totals_.live_bytes;
    SiteTotals& site = tree_.totals(node);
    if (totals_.live_bytes > totals_.peak_bytes) {
      totals_.peak_bytes = totals_.live_bytes;
      totals_.peak_blocks = totals_.live_blocks;
      totals_.peak_time = time;
      if (saved_in_epoch_) next_epoch();
    } else {
      save_peak(site);
    }
    site.live_bytes += size;
    ++site.live_blocks;
    if (site.live_bytes > site.most_bytes) site.most_bytes = site.live_bytes;
    site.allocated_bytes += size;
    if (site.allocations++ == 0) {
      tree_.node(node).first_birth = time;
      ++slice_.new_sites;
    }
    if (site.last_slice != generations_.serial()) {
      site.last_slice = generations_.serial();
      generations_.touch(node);
    }

    ThreadTotals& owner = threads_[by.thread];
    ++owner.allocations;
    owner.allocated_bytes += size;
    owner.live_bytes += size;
    owner.last_allocation = address;
    timeline_.live(time, totals_.live_bytes);
    if (!repair_.empty()) [[unlikely]]
      free_early(time, address, by.stream);
  }

  void save_peak(SiteTotals& site) noexcept {
    if (site.epoch == epoch_) return;
    site.at_peak_bytes = site.live_bytes;
    site.at_peak_blocks = site.live_blocks;
    site.epoch = epoch_;
    saved_in_epoch_ = true;
  }

  void next_epoch() noexcept {
    saved_in_epoch_ = false;
    if (++epoch_ != 0) return;
    // The stamps wrapped around: forget them all.
    epoch_ = 1;
    for (uint32_t id = 0; id < tree_.size(); ++id) tree_.totals(id).epoch = 0;
  }

  void leave_site(const LiveBlock& block) {
    if (block.slice != generations_.serial() && !generations_.ended()) {
      generations_.change(block.node, block.slice, -1, -static_cast<int64_t>(block.size));
    }
    SiteTotals& site = tree_.totals(block.node);
    save_peak(site);
    site.live_bytes -= block.size;
    --site.live_blocks;
    threads_[block.thread].live_bytes -= block.size;
    totals_.live_bytes -= block.size;
    --totals_.live_blocks;
    if (totals_.live_bytes < slice_.least_live_bytes) slice_.least_live_bytes = totals_.live_bytes;
  }

  // Ends the block at `address` and counts that, whoever ends it.
  bool take(uint64_t time, uint64_t address, Actor by, bool by_realloc, LiveBlock& block) {
    if (!repair_.empty()) [[unlikely]] {
      if (const auto overwritten = repair_.take_overwritten(time, address, by.stream)) {
        // It has left its site already, when the allocation came that should have come later.
        --totals_.overwritten;
        block = overwritten->block;
        count_free(block, threads_[by.thread]);
        return true;
      }
    }
    if (!live_.take(address, block)) [[unlikely]] {
      ++totals_.unknown_frees;
      repair_.add(OrderRepair::EarlyFree{time, address, by.stream, by.thread, by_realloc});
      return false;
    }
    count_free(block, threads_[by.thread]);
    leave_site(block);
    timeline_.live(time, totals_.live_bytes);
    return true;
  }

  // A free that came too early is made up for, now that its block is there.
  void free_early(uint64_t time, uint64_t address, uint32_t stream) {
    const auto early = repair_.take_early_free(time, address, stream);
    LiveBlock block;
    if (!early || !live_.take(address, block)) return;
    --totals_.unknown_frees;
    count_free(block, threads_[early->thread]);
    leave_site(block);
    timeline_.live(time, totals_.live_bytes);
    if (!early->by_realloc) count_lifetime(time, address, block, threads_[early->thread]);
  }

  void count_free(const LiveBlock& block, ThreadTotals& by) {
    if (block.unreachable_in != 0) [[unlikely]]
      ++judged_[block.node].freed_later;
    ++totals_.frees;
    totals_.freed_bytes += block.size;
    ++by.frees;
  }

  void count_lifetime(uint64_t time, uint64_t address, const LiveBlock& block, ThreadTotals& by) noexcept {
    LifetimeTotals& lifetime = lifetimes_[lifetime_bin(time, block.birth)];
    ++lifetime.count;
    lifetime.bytes += block.size;
    if (by.last_allocation != address) return;
    by.last_allocation = 0;
    if (&threads_[block.thread] != &by) return;
    ++totals_.temporary;
    ++tree_.totals(block.node).temporary;
  }

  size_t lifetime_bin(uint64_t time, uint64_t birth) const noexcept {
    const double ns = time > birth ? static_cast<double>(time - birth) * ns_per_tick_ : 0;
    const uint64_t whole = ns < 9e18 ? static_cast<uint64_t>(static_cast<int64_t>(ns)) : UINT64_MAX;
    return static_cast<size_t>(std::bit_width(whole | 1)) - 1;
  }

  double ns_per_tick_;
  uint32_t epoch_ = 1;
  bool saved_in_epoch_ = false;
  HeapTotals totals_;
  LiveMap live_;
  UsedPages used_pages_;
  OrderRepair repair_;
  CallTree tree_;
  ThreadTable threads_;
  Timeline timeline_;
  Generations generations_;
  RunSlice slice_;                                      // the one under way
  uint64_t allocations_before_ = 0, frees_before_ = 0;  // it
  std::array<LifetimeTotals, kLifetimeBins> lifetimes_{};
  std::unordered_map<uint32_t, JudgedSite> judged_;
};

}  // namespace tidemark::replay
