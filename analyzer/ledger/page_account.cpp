#include "analyzer/ledger/page_account.h"

#include <algorithm>

namespace tidemark::ledger {

using model::LedgerKind;
using replay::CutBlock;
using replay::PageRun;
using trace::PageState;

void PageAccount::run(const std::vector<Area>& areas, const std::vector<PageRun>& pages) {
  auto run = pages.begin();
  size_t block = 0;
  for (const Area& area : areas) {
    if (area.use == Use::kHeap) {
      while (block < blocks_.size() && blocks_[block].address < area.start) ++block;
      for (; block < blocks_.size() && blocks_[block].address < area.end; ++block) {
        live_ += std::min(blocks_[block].size, area.end - blocks_[block].address);
      }
    }
    while (run != pages.end() && run->start + run->pages * kPage <= area.start) ++run;
    for (auto at = run; at != pages.end() && at->start < area.end; ++at) {
      const uint64_t start = std::max(at->start, area.start);
      const uint64_t end = std::min(at->start + at->pages * kPage, area.end);
      if (at->state == PageState::kSwapped) swapped_ += end - start;
      if (at->state == PageState::kPresentFile && area.use != Use::kUncounted) file_bytes_ += end - start;
      if (area.use == Use::kHeap) {
        heap_pages(start, end, at->state);
        continue;
      }
      if (at->state == PageState::kSwapped) continue;
      if (area.use == Use::kRow) {
        add(area.row, end - start);
      } else if (area.use == Use::kModule) {
        add(at->state == PageState::kPresentFile ? LedgerKind::kModuleCode : LedgerKind::kModuleData, end - start);
      }
    }
  }
}

void PageAccount::heap_pages(uint64_t start, uint64_t end, PageState state) {
  for (uint64_t page = start; page < end;) {
    while (next_ < blocks_.size() && place_end(next_) <= page) ++next_;
    if (const uint64_t bytes = uniform_pages(page, end, state); bytes != 0) {
      page += bytes;
      continue;
    }
    heap_page(page, state);
    page += kPage;
  }
}

// Pages that one block covers, or without any block, are added up at once: there may be very many. The answer: their
// bytes.
uint64_t PageAccount::uniform_pages(uint64_t start, uint64_t end, PageState state) {
  end = start + (end - start) / kPage * kPage;
  if (next_ < blocks_.size() && blocks_[next_].address <= start) {
    const CutBlock& block = blocks_[next_];
    const uint64_t bytes = (std::min(place_end(next_), end) - start) / kPage * kPage;
    const uint64_t live = std::clamp(block.address + block.size, start, start + bytes) - start;
    if (state == PageState::kSwapped) {
      live_swapped_ += live;
    } else {
      add(LedgerKind::kLive, live);
      add(LedgerKind::kRounding, bytes - live);
    }
    return bytes;
  }
  if (next_ < blocks_.size()) end = std::min(end, start + (blocks_[next_].address - start) / kPage * kPage);
  const uint64_t bytes = end - start;
  if (state == PageState::kSwapped) return bytes;
  if (forked_) {
    add(LedgerKind::kInherited, bytes);
  } else {
    const uint64_t used = used_.count_used(start / kPage, end / kPage) * kPage;
    add(LedgerKind::kFreePages, used);
    add(LedgerKind::kAllocatorMetadata, bytes - used);
  }
  return bytes;
}

// What belongs to a block ends at the next one.
uint64_t PageAccount::place_end(size_t index) const noexcept {
  const CutBlock& block = blocks_[index];
  const uint64_t end = block.address + classes_.place_of(block.address, block.size);
  return index + 1 < blocks_.size() ? std::min(end, blocks_[index + 1].address) : end;
}

void PageAccount::heap_page(uint64_t page, PageState state) {
  const uint64_t page_end = page + kPage;
  uint64_t live = 0, placed = 0;
  size_t at = next_;
  for (; at < blocks_.size() && blocks_[at].address < page_end; ++at) {
    const CutBlock& block = blocks_[at];
    const uint64_t start = std::max(block.address, page);
    const uint64_t place = std::min(place_end(at), page_end);
    if (place <= start) continue;
    const uint64_t end = std::clamp(block.address + block.size, start, place);
    live += end - start;
    placed += place - start;
  }
  if (state == PageState::kSwapped) {
    live_swapped_ += live;
    return;
  }
  add(LedgerKind::kLive, live);
  add(LedgerKind::kRounding, placed - live);
  const uint64_t free = kPage - placed;
  if (forked_) {
    add(LedgerKind::kInherited, free);
  } else if (placed == 0) {
    add(used_.used(page) ? LedgerKind::kFreePages : LedgerKind::kAllocatorMetadata, free);
  } else if (2 * placed >= kPage) {
    add(LedgerKind::kFreeBetweenBlocks, free);
  } else {
    add(LedgerKind::kPinnedPages, free);
    pinned_page(page, next_, at);
  }
}

void PageAccount::pinned_page(uint64_t page, size_t first, size_t behind) {
  ++pinned_pages_;
  Pinner* only = nullptr;
  bool several = false;
  for (size_t i = first; i < behind; ++i) {
    if (place_end(i) <= std::max(blocks_[i].address, page)) continue;
    Pinner& pinner = pinners_[blocks_[i].node];
    several = several || (only != nullptr && only != &pinner);
    only = &pinner;
    // A block across two pinned pages is one block.
    if (i >= counted_until_) {
      ++pinner.blocks;
      pinner.bytes += blocks_[i].size;
      counted_until_ = i + 1;
    }
    if (pinner.last_page == page) continue;
    pinner.last_page = page;
    ++pinner.pages;
  }
  if (!several && only != nullptr) only->released += kPage;
}

void PageAccount::fill(model::Ledger& ledger) const {
  uint64_t sum = 0;
  for (size_t kind = 0; kind < model::kLedgerKinds; ++kind) {
    sum += rows_[kind];
    if (rows_[kind] != 0) ledger.rows.push_back({static_cast<LedgerKind>(kind), rows_[kind]});
  }
  ledger.unexplained_bytes = static_cast<int64_t>(ledger.rss_bytes - sum);
  const uint64_t there = rows_[static_cast<size_t>(LedgerKind::kLive)] + live_swapped_;
  ledger.live_absent_bytes = live_ - std::min(live_, there);
  ledger.live_swapped_bytes = live_swapped_;
  ledger.swapped_bytes = swapped_;
  ledger.pinned_pages = pinned_pages_;
  ledger.pinning_sites = pinners_.size();
  for (const auto& [site, pinner] : pinners_) {
    ledger.pinned_by.push_back({site, pinner.blocks, pinner.bytes, pinner.pages, pinner.released, {}});
  }
  const auto more = [](const model::PinningSite& a, const model::PinningSite& b) {
    if (a.released_bytes != b.released_bytes) return a.released_bytes > b.released_bytes;
    return a.pages != b.pages ? a.pages > b.pages : a.site < b.site;
  };
  const size_t listed = std::min(kPinnersListed, ledger.pinned_by.size());
  std::partial_sort(ledger.pinned_by.begin(), ledger.pinned_by.begin() + static_cast<ptrdiff_t>(listed),
                    ledger.pinned_by.end(), more);
  ledger.pinned_by.resize(listed);
}

}  // namespace tidemark::ledger
