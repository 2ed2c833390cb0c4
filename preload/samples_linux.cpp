#include "preload/samples_linux.h"

#include <cstring>

#include "preload/memory_limits_linux.h"
#include "preload/recorder.h"
#include "preload/snapshot_linux.h"
#include "preload/thread_state.h"
#include "preload/unwind/row_table.h"
#include "system/syscalls_linux.h"

namespace tidemark {

constinit Sampler sampler;

namespace {

constexpr uint64_t kTrustedNs = 1'000'000;  // from a millisecond on the rate is right to some hundredths of a percent

// The value in bytes of a line "Name:   123 kB" of /proc/PID/status; 0 if there is none.
uint64_t status_field(const char* text, const char* name) noexcept {
  const char* line = std::strstr(text, name);
  if (line == nullptr) return 0;
  const char* digit = line + std::strlen(name);
  while (*digit == ' ' || *digit == '\t') ++digit;
  uint64_t value = 0;
  while (*digit >= '0' && *digit <= '9') value = value * 10 + static_cast<uint64_t>(*digit++ - '0');
  return value * 1024;
}

bool read_status(trace::SampleRecord& record) noexcept {
  // The calling thread's: the process's own is empty after pthread_exit in main.
  const long fd = sys::open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
  if (sys::failed(fd)) return false;
  char text[4096];
  const long size = sys::pread(static_cast<int>(fd), text, sizeof(text) - 1, 0);
  sys::close(static_cast<int>(fd));
  if (size <= 0) return false;
  text[size] = 0;
  const char* memory = std::strstr(text, "\nVmHWM:");
  if (memory == nullptr) return false;
  record.high_water = status_field(memory, "VmHWM:");
  record.rss = status_field(memory, "VmRSS:");
  record.rss_anon = status_field(memory, "RssAnon:");
  record.rss_file = status_field(memory, "RssFile:");
  record.rss_shmem = status_field(memory, "RssShmem:");
  record.swap = status_field(memory, "VmSwap:");
  return true;
}

}  // namespace

uint64_t max_rss_bytes() noexcept {
  struct rusage usage = {};
  sys::getrusage(&usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

void Sampler::start(uint64_t now, uint64_t tick_hz) noexcept {
  start_ = now;
  limits_recorded_ = false;
  OwnWaits::forget();  // of the parent's, in a forked child
  if (tick_hz != 0) ticks_per_20_us_ = tick_hz / 50000;
  next_.store(now + 500 * ticks_per_20_us_, std::memory_order_relaxed);
}

void Sampler::sample(ThreadState& thread, uint64_t now) noexcept {
  uint64_t next = next_.load(std::memory_order_relaxed);
  if (now < next && !snapshots.asked()) return;
  const uint64_t shortest = 500 * ticks_per_20_us_;  // 10 ms
  uint64_t interval = (now - start_) / 4096 > shortest ? (now - start_) / 4096 : shortest;
  if (const uint64_t due = snapshots.ticks_until_due(now); due != 0 && due < interval) interval = due;
  if (!next_.compare_exchange_strong(next, now + interval, std::memory_order_relaxed)) return;
  sample_now(thread);
  snapshots.consider(thread, now, resident_anonymous());
}

// The processor often does not state how fast its counter runs; two readings do.
void Sampler::learn_tick_rate(uint64_t monotonic_ns) noexcept {
  trace::FileHeader& header = *trace_output.header();
  const uint64_t ns = monotonic_ns - static_cast<uint64_t>(header.start_monotonic_ns);
  const uint64_t ticks = now_ticks() - header.start_ticks;
  if (ns < kTrustedNs || ns > uint64_t{1} << 62) return;
  const auto hz = static_cast<uint64_t>(static_cast<double>(ticks) * 1e9 / static_cast<double>(ns));
  std::atomic_ref<uint64_t>(header.tick_hz_hint).store(hz, std::memory_order_relaxed);
  if (hz > 50000) ticks_per_20_us_ = hz / 50000;
}

void Sampler::sample_now(ThreadState& thread) noexcept {
  if (globals.restricted.load(std::memory_order_relaxed)) {
    trace_output.count(trace::Lost::kSampleFailed);
    return;
  }
  trace::SampleRecord record;
  if (!read_status(record)) trace_output.count(trace::Lost::kSampleFailed);
  struct rusage usage = {};
  sys::getrusage(&usage);
  record.max_rss = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  const auto waits = static_cast<uint64_t>(usage.ru_nvcsw);
  const uint64_t own_waits = OwnWaits::sum();
  record.waits = waits > own_waits ? waits - own_waits : 1;  // 0 would say that it is not known
  record.monotonic_ns = static_cast<uint64_t>(sys::clock_ns(CLOCK_MONOTONIC));
  learn_tick_rate(record.monotonic_ns);
  record.recorder_trace_bytes = trace_output.resident_bytes();
  record.recorder_bytes =
      record.recorder_trace_bytes + recorder.tree().bytes() + unwind::rows_bytes() + thread_state_bytes();
  const uint64_t own = record.recorder_bytes - record.recorder_trace_bytes;
  resident_anonymous_.store(record.rss_anon > own ? record.rss_anon - own : 0, std::memory_order_relaxed);
  thread.write_sized(record, 0);
  thread.update_name();
}

void Sampler::record_limits(ThreadState& thread) noexcept {
  if (globals.restricted.load(std::memory_order_relaxed)) return;
  const trace::LimitsRecord record = memory_limits();
  if (record.cgroup == 0 && record.address_space == 0 && record.data == 0 && !limits_recorded_) return;
  limits_recorded_ = true;
  thread.write_sized(record, 0);
}

}  // namespace tidemark
