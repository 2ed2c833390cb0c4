// The births x survivors matrix of one or more sites, and the series that are drawn from it. 64 KB each.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "analyzer/classify/life.h"
#include "analyzer/replay/generations.h"

namespace tidemark::classify {

class History {
 public:
  explicit History(size_t slices) : slices_(slices), bytes_(slices * slices), blocks_(slices * slices) {}

  // `times`: 1, or -1 to take them out.
  void add(std::span<const replay::GenerationCell> cells, int times) noexcept;
  // Turns changes into what is live; once, behind the last add().
  void finish() noexcept;

  size_t slices() const noexcept { return slices_; }
  // Of what was born in one slice and outlived it, what is live at the end of a slice.
  double bytes(size_t born, size_t at) const noexcept { return bytes_[born * slices_ + at]; }
  double blocks(size_t born, size_t at) const noexcept { return blocks_[born * slices_ + at]; }

  // At the end of each slice.
  std::vector<double> live_bytes() const { return live(bytes_, 0); }
  std::vector<double> live_blocks() const { return live(blocks_, 0); }
  // Of blocks from at least one slice before: what stays, without what comes and goes.
  std::vector<double> lasting_bytes() const { return live(bytes_, 1); }

 private:
  std::vector<double> live(const std::vector<double>& of, size_t age) const;

  size_t slices_;
  std::vector<double> bytes_, blocks_;
};

// The highest of the live bytes at the ends of the slices before `end`.
double most_live(std::span<const replay::GenerationCell> cells, size_t end) noexcept;

}  // namespace tidemark::classify
