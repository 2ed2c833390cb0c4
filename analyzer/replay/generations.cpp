#include "analyzer/replay/generations.h"

#include <algorithm>
#include <array>

namespace tidemark::replay {
namespace {

// The sizes of a damaged trace's blocks may add up to anything.
void add(int64_t& sum, int64_t value) noexcept {
  sum = static_cast<int64_t>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(value));
}

}  // namespace

Generations::History& Generations::history(uint32_t site) {
  if (site >= history_of_.size()) history_of_.resize(std::max<size_t>(size_t{site} + 1, history_of_.size() * 2));
  uint32_t& number = history_of_[site];
  if (number == 0) {
    histories_.emplace_back();
    number = static_cast<uint32_t>(histories_.size());
  }
  return histories_[number - 1];
}

void Generations::change(uint32_t site, uint16_t serial, int32_t blocks, int64_t bytes) {
  History& one = history(site);
  one.old_blocks += blocks;
  add(one.old_bytes, bytes);
  const auto born = static_cast<uint8_t>(slices_.index(serial));
  const auto slice = static_cast<uint8_t>(slices_.size());
  for (auto cell = one.cells.rbegin(); cell != one.cells.rend() && cell->slice == slice; ++cell) {
    if (cell->born != born) continue;
    cell->blocks += blocks;
    add(cell->bytes, bytes);
    return;
  }
  one.cells.push_back({born, slice, blocks, bytes});
}

void Generations::outlived(uint32_t site, uint8_t closed, uint64_t blocks, uint64_t bytes) {
  const bool known = site < history_of_.size() && history_of_[site] != 0;
  if (!known && blocks == 0) return;
  History& one = history(site);
  const int64_t new_blocks = static_cast<int64_t>(blocks) - one.old_blocks;
  const auto new_bytes = static_cast<int64_t>(bytes - static_cast<uint64_t>(one.old_bytes));
  one.old_blocks = static_cast<int64_t>(blocks);
  one.old_bytes = static_cast<int64_t>(bytes);
  if (new_blocks == 0 && new_bytes == 0) return;
  one.cells.push_back({closed, closed, static_cast<int32_t>(std::min<int64_t>(new_blocks, INT32_MAX)), new_bytes});
}

void Generations::compact() {
  const std::array<uint8_t, Slices::kMost> now = slices_.compact();
  for (History& one : histories_) {
    for (GenerationCell& cell : one.cells) {
      cell.born = now[cell.born];
      cell.slice = now[cell.slice];
    }
    std::sort(one.cells.begin(), one.cells.end(), [](const GenerationCell& a, const GenerationCell& b) {
      return a.slice != b.slice ? a.slice < b.slice : a.born < b.born;
    });
    size_t kept = 0;
    for (const GenerationCell& cell : one.cells) {
      if (kept != 0 && one.cells[kept - 1].born == cell.born && one.cells[kept - 1].slice == cell.slice) {
        one.cells[kept - 1].blocks += cell.blocks;
        add(one.cells[kept - 1].bytes, cell.bytes);
      } else {
        if (kept != 0 && one.cells[kept - 1].blocks == 0 && one.cells[kept - 1].bytes == 0) --kept;
        one.cells[kept++] = cell;
      }
    }
    if (kept != 0 && one.cells[kept - 1].blocks == 0 && one.cells[kept - 1].bytes == 0) --kept;
    one.cells.resize(kept);
    one.cells.shrink_to_fit();
  }
}

std::span<const GenerationCell> Generations::cells(uint32_t site) const noexcept {
  if (site >= history_of_.size() || history_of_[site] == 0) return {};
  return histories_[history_of_[site] - 1].cells;
}

}  // namespace tidemark::replay
