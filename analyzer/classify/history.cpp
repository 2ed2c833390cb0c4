#include "analyzer/classify/history.h"

#include <algorithm>

namespace tidemark::classify {

void History::add(std::span<const replay::GenerationCell> cells, int times) noexcept {
  for (const replay::GenerationCell& cell : cells) {
    if (cell.slice >= slices_ || cell.born > cell.slice) continue;
    const size_t at = cell.born * slices_ + cell.slice;
    bytes_[at] += static_cast<double>(cell.bytes) * times;
    blocks_[at] += static_cast<double>(cell.blocks) * times;
  }
}

void History::finish() noexcept {
  for (size_t born = 0; born < slices_; ++born) {
    for (size_t at = born + 1; at < slices_; ++at) {
      bytes_[born * slices_ + at] += bytes_[born * slices_ + at - 1];
      blocks_[born * slices_ + at] += blocks_[born * slices_ + at - 1];
    }
  }
}

std::vector<double> History::live(const std::vector<double>& of, size_t age) const {
  std::vector<double> series(slices_);
  for (size_t at = 0; at < slices_; ++at) {
    for (size_t born = 0; born + age <= at; ++born) series[at] += of[born * slices_ + at];
  }
  return series;
}

double most_live(std::span<const replay::GenerationCell> cells, size_t end) noexcept {
  double live = 0, most = 0;
  for (size_t i = 0; i < cells.size() && cells[i].slice < end; ++i) {
    live += static_cast<double>(cells[i].bytes);
    if (i + 1 == cells.size() || cells[i + 1].slice != cells[i].slice) most = std::max(most, live);
  }
  return most;
}

}  // namespace tidemark::classify
