#include "analyzer/launch/sampler.h"

#include <algorithm>
#include <utility>

#include "analyzer/launch/ticks.h"

namespace tidemark::launch {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
// The first look comes when a small program has just been loaded; then ever later, as long as nothing is found.
constexpr uint64_t kFirstSearch = 5 * kMillisecond;
constexpr uint64_t kLongestSearch = 1000 * kMillisecond;
// Every sample is about 40 bytes of trace and 30 us of work: at most 1/1000 of the time, and about 7 samples for each
// doubling of the run once it is longer than 100 s.
constexpr uint64_t kShortestInterval = 100 * kMillisecond;
constexpr uint64_t kIntervalsInRun = 1000;

}  // namespace

Sampler::Sampler(pid_t pid, uint64_t session) noexcept
    : pid_(pid),
      session_(session),
      start_(Moment::now().monotonic_ns),
      next_(start_ + kFirstSearch),
      search_interval_(kFirstSearch) {}

void Sampler::search(uint64_t now) {
  next_ = now + search_interval_;
  search_interval_ = std::min(kLongestSearch, search_interval_ * 2);
  const auto path = find_trace_of(pid_);
  if (!path) return;
  Result<OutsideTrace> trace = OutsideTrace::open(*path);
  if (!trace || trace->header().session_id != session_) return;
  trace_.emplace(std::move(*trace));
  seen_trace_ = true;
}

void Sampler::tick(uint64_t now) {
  if (now < next_) return;
  // After an exec another image writes another trace.
  if (trace_ && trace_->end_kind() != trace::EndKind::kNone) {
    trace_.reset();
    search_interval_ = kFirstSearch;
  }
  if (!trace_) search(now);
  if (!trace_) return;
  const Status sampled = trace_->sample(pid_);
  next_ = now + std::max(kShortestInterval, (now - start_) / kIntervalsInRun);
  // Disk full, size limit: the recorder's own samples go on as far as they can.
  if (!sampled) next_ = now + kLongestSearch;
}

}  // namespace tidemark::launch
