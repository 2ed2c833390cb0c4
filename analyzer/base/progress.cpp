#include "analyzer/base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tidemark {
namespace {
constexpr auto kDelay = std::chrono::seconds(1);
constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr size_t kWidth = 40;
}  // namespace

Progress::Progress(std::string what, bool wanted)
    : what_(std::move(what)), wanted_(wanted && ::isatty(STDERR_FILENO) == 1), next_draw_(Clock::now() + kDelay) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void Progress::update(uint64_t done, uint64_t total) {
  if (!wanted_ || total == 0) return;
  const auto now = Clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + kInterval;
  drawn_ = true;
  const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
  const auto filled = static_cast<size_t>(share * kWidth);
  fmt::print(stderr, "\r{} [{:#<{}}{:<{}}] {:3.0f}%\033[K", what_, "", filled, "", kWidth - filled, share * 100);
  std::fflush(stderr);
}

}  // namespace tidemark
