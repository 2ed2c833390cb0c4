// A progress bar on stderr: only when stderr is a terminal, and only for work that takes more than a second. Erases
// itself when it is done. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tidemark {

class Progress {
 public:
  // `what` is shown before the bar; `wanted` false: never shown.
  explicit Progress(std::string what, bool wanted = true);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `total`. Cheap enough for every chunk read; draws at most ten times a second.
  void update(uint64_t done, uint64_t total);

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  bool wanted_;
  bool drawn_ = false;
  Clock::time_point next_draw_;
};

}  // namespace tidemark
