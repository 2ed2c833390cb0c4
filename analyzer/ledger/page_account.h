// Adds up the pages of a picture by what they are for. On the heap's pages, which blocks lie on them says how much is
// live, how much rounds blocks up, and how much is free; pages that blocks fill less than half are pinned, and who owns
// those blocks is counted.
//
// O(pages in memory + blocks): about 10 ns each. Blocks need not be sound: what overlaps counts once.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "analyzer/ledger/address_map.h"
#include "analyzer/ledger/size_classes.h"
#include "analyzer/model/ledger.h"
#include "analyzer/replay/cut.h"
#include "analyzer/replay/used_pages.h"

namespace tidemark::ledger {

class PageAccount {
 public:
  // All must outlive it. In a forked process (`forked`) what is free cannot be told from its parent's blocks.
  PageAccount(const std::vector<replay::CutBlock>& blocks, const SizeClasses& classes, const replay::UsedPages& used,
              bool forked) noexcept
      : blocks_(blocks), classes_(classes), used_(used), forked_(forked) {}

  // Areas and pages ascend, as map_addresses() and read_pages() give them. Once.
  void run(const std::vector<Area>& areas, const std::vector<replay::PageRun>& pages);

  // What is known otherwise.
  void add(model::LedgerKind kind, uint64_t bytes) noexcept { rows_[static_cast<size_t>(kind)] += bytes; }

  // Of what was counted, pages of files and shared memory.
  uint64_t file_bytes() const noexcept { return file_bytes_; }

  // Rows, what of live bytes is not there, and who pins pages; the rest of the ledger is left alone.
  void fill(model::Ledger& ledger) const;

 private:
  static constexpr uint64_t kPage = 4096;
  static constexpr size_t kPinnersListed = 20;

  struct Pinner {
    uint64_t blocks = 0, bytes = 0, pages = 0, released = 0;
    uint64_t last_page = UINT64_MAX;
  };

  void heap_pages(uint64_t start, uint64_t end, trace::PageState state);
  uint64_t uniform_pages(uint64_t start, uint64_t end, trace::PageState state);
  void heap_page(uint64_t page, trace::PageState state);
  void pinned_page(uint64_t page, size_t first, size_t behind);
  uint64_t place_end(size_t index) const noexcept;

  const std::vector<replay::CutBlock>& blocks_;
  const SizeClasses& classes_;
  const replay::UsedPages& used_;
  const bool forked_;
  uint64_t rows_[model::kLedgerKinds] = {};
  uint64_t swapped_ = 0, file_bytes_ = 0;
  uint64_t live_ = 0, live_swapped_ = 0;  // requested bytes of blocks in heap areas; of these, swapped out
  uint64_t pinned_pages_ = 0;
  size_t next_ = 0;           // the first block whose place may reach the page under way
  size_t counted_until_ = 0;  // blocks before it were counted as pinners, if they are any
  std::unordered_map<uint32_t, Pinner> pinners_;
};

}  // namespace tidemark::ledger
