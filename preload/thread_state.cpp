#include "preload/thread_state.h"

#include <errno.h>

#include <cstring>
#include <new>

#include "preload/caller_x86_64.h"
#include "preload/loader_linux.h"
#include "preload/own_memory.h"
#include "preload/snapshot_linux.h"
#include "system/syscalls_linux.h"

namespace tidemark {

thread_local constinit ThreadState* current_thread __attribute__((tls_model("initial-exec"))) = nullptr;

thread_local constinit StackBounds thread_stack __attribute__((tls_model("initial-exec"))) = {};

namespace {

constexpr size_t kFirstChunkBytes = size_t{64} << 10;  // so that a thread that does little costs little
constexpr unsigned kMaxTimedInterval = 64;
constexpr unsigned kRecycleProbes = 8;
constexpr unsigned kMaxQuickSwitches = 16;
constexpr unsigned kContentionIn20Us = 250;  // 5 ms
constexpr unsigned kMaxNesting = 8;
constexpr size_t kMainStackBytes = size_t{8} << 20;  // the kernel keeps other mappings much further away

std::atomic<ThreadState*> all_threads{nullptr};
std::atomic<ThreadState*> next_probe{nullptr};
std::atomic<uint32_t> next_serial{1};
std::atomic<uint32_t> next_stream{0};
std::atomic<uint32_t> state_count{0};

constexpr size_t state_bytes() noexcept { return (sizeof(ThreadState) + 4095) & ~size_t{4095}; }

// Looks at a few states in turn for one whose thread is gone: bounded, so that a program with thousands of threads does
// not pay for all of them at each new one.
ThreadState* recycle(uint32_t tid) noexcept {
  if (globals.restricted.load(std::memory_order_relaxed)) return nullptr;
  for (unsigned probe = 0; probe < kRecycleProbes; ++probe) {
    ThreadState* state = next_probe.load(std::memory_order_acquire);
    if (state == nullptr && (state = all_threads.load(std::memory_order_acquire)) == nullptr) return nullptr;
    next_probe.store(state->next, std::memory_order_release);
    uint32_t owner = state->tid.load(std::memory_order_acquire);
    if (owner == 0 || owner == tid || state->is_nested) continue;
    if (sys::tgkill(globals.pid, owner, 0) != -ESRCH) continue;
    if (state->tid.compare_exchange_strong(owner, tid, std::memory_order_acq_rel)) return state;
  }
  return nullptr;
}

ThreadState* make(uint32_t tid) noexcept {
  void* memory = map_own(state_bytes());
  if (memory == nullptr) return nullptr;
  auto* state = new (memory) ThreadState;
  state->tid.store(tid, std::memory_order_relaxed);
  state->stream = next_stream.fetch_add(1, std::memory_order_relaxed);
  state_count.fetch_add(1, std::memory_order_relaxed);
  state->next = all_threads.load(std::memory_order_relaxed);
  while (!all_threads.compare_exchange_weak(state->next, state, std::memory_order_acq_rel)) {
  }
  return state;
}

uint32_t current_tid() noexcept { return globals.restricted.load(std::memory_order_relaxed) ? 0 : sys::gettid(); }

// A hook was left for good in the middle of an event: neither the memo nor the record under way can be trusted.
void drop_unfinished(ThreadState& state) noexcept {
  state.unwinder.forget_unfinished();
  state.writer.abandon();
  // next_chunk() may have been left between beginning a chunk and counting it.
  trace::ChunkHeader header = {};
  if (state.chunk != nullptr) std::memcpy(&header, state.chunk, sizeof(header));
  if (header.magic == trace::kChunkMagic && header.sequence == state.sequence) ++state.sequence;
  state.busy_sp = 0;
}

// What of the thread's own stack is mapped for certain (as far as it has been used): unlike a coroutine's, it stays.
StackBounds own_stack(uint32_t tid) noexcept {
  if (thread_stack.high != 0 || tid != globals.pid) return thread_stack;
  const auto high = reinterpret_cast<uintptr_t>(__libc_stack_end);
  return {high - kMainStackBytes, high};
}

// The state becomes this thread's: a THREAD record opens its part of the stream.
void take_over(ThreadState& state, uint32_t tid, uint32_t serial, uintptr_t sp) noexcept {
  if (state.busy_sp != 0) drop_unfinished(state);
  state.unwinder.forget_code();
  const StackBounds bounds = own_stack(tid);
  state.unwinder.set_stack_bounds(bounds.low, bounds.high);
  state.busy_sp = sp;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (!state.is_nested) current_thread = &state;
  state.serial = serial;
  state.code_epoch = globals.code_epoch.load(std::memory_order_acquire);
  std::memset(state.name, 0, sizeof(state.name));
  if (!globals.restricted.load(std::memory_order_relaxed)) sys::get_thread_name(state.name);
  trace::ThreadRecord record;
  record.serial = serial;
  record.tid = tid;
  record.stack_low = thread_stack.low;
  record.stack_high = thread_stack.high;
  record.name = trace::Bytes::of(state.name);
  state.write_sized(record, record.name.size);
}

// A state for a thread that has none; marked busy before a signal handler can find it.
ThreadState* acquire(uintptr_t sp) noexcept {
  const uint32_t tid = current_tid();
  ThreadState* state = recycle(tid);
  if (state == nullptr) state = make(tid);
  if (state == nullptr) return nullptr;
  take_over(*state, tid, next_serial.fetch_add(1, std::memory_order_relaxed), sp);
  return state;
}

}  // namespace

bool ThreadState::next_chunk(size_t bytes) noexcept {
  if (!recording()) return false;
  size_t wanted = chunk == nullptr ? kFirstChunkBytes : chunk_bytes * 4;
  if (wanted > trace::kMaxChunkBytes) wanted = trace::kMaxChunkBytes;
  wanted = trace_output.chunk_bytes(wanted, bytes + sizeof(trace::ChunkHeader) + 16);
  uint8_t* const fresh = trace_output.claim(wanted);
  if (fresh == nullptr) {
    writer.detach();
    chunk = nullptr;
    trace_output.count(trace::Lost::kEventsAfterStop);
    return false;
  }
  if (chunk != nullptr) trace_output.release(chunk, chunk_bytes);
  const uint64_t time = writer.last_time() != 0 ? writer.last_time() : now_ticks();
  chunk = fresh;
  chunk_bytes = wanted;
  writer.begin(fresh, static_cast<uint32_t>(wanted), stream, sequence, serial, time, 0);
  ++sequence;
  until_timed = 1;
  return true;
}

uint64_t ThreadState::timed_event() noexcept {
  const uint64_t now = now_ticks();
  const uint64_t gap = now - writer.last_time();
  // While events come densely few of them carry their time; after a pause the next ones do.
  const uint64_t dense = sampler.ticks_per_20_us();
  if (gap < dense)
    timed_interval = timed_interval < kMaxTimedInterval ? timed_interval * 2 : kMaxTimedInterval;
  else
    timed_interval = gap > 50 * dense || timed_interval < 2 ? 1 : timed_interval / 2;
  until_timed = timed_interval;
  return now;
}

uint64_t ThreadState::contended_time() noexcept {
  uint32_t seen = active_stream.stream.load(std::memory_order_acquire);
  uint64_t now = now_ticks();
  if (seen == ActiveStream::kContended) {
    read_contended = true;
    if (now < active_stream.contended_until.load(std::memory_order_relaxed)) [[likely]]
      return now;
    // Whoever comes first ends it.
    active_stream.stream.compare_exchange_strong(seen, stream, std::memory_order_seq_cst);
    return now_ticks();
  }
  active_stream.stream.exchange(stream, std::memory_order_seq_cst);
  now = now_ticks();
  quick_switches = now - activated < 2 * sampler.ticks_per_20_us() ? quick_switches + 1 : 0;
  activated = now;
  until_timed = timed_interval = 1;
  if (quick_switches > kMaxQuickSwitches) {
    quick_switches = 0;
    active_stream.contended_until.store(now + kContentionIn20Us * sampler.ticks_per_20_us(), std::memory_order_relaxed);
    active_stream.stream.store(ActiveStream::kContended, std::memory_order_release);
  }
  return now;
}

void ThreadState::timed_event_written(uint64_t time) noexcept {
  if (read_contended) {
    read_contended = false;
    const uint32_t seen = active_stream.stream.load(std::memory_order_seq_cst);
    if (seen != ActiveStream::kContended && seen != stream) {
      // That stream learns of us; and we have to go by it: our next event is after what it has recorded since.
      active_stream.stream.exchange(stream, std::memory_order_seq_cst);
      until_timed = timed_interval = 1;
    }
  }
  if (sampler.due(time) || snapshots.asked()) [[unlikely]]
    sampler.sample(*this, time);
}

void ThreadState::update_name() noexcept {
  char now[16] = {};
  if (is_nested || globals.restricted.load(std::memory_order_relaxed) || sys::failed(sys::get_thread_name(now)) ||
      std::memcmp(now, name, sizeof(now)) == 0)
    return;
  std::memcpy(name, now, sizeof(now));
  trace::ThreadNameRecord record;
  record.serial = serial;
  record.name = trace::Bytes::of(name);
  write_sized(record, record.name.size);
}

ThreadState* enter_slowly(uintptr_t sp) noexcept {
  ThreadState* state = current_thread;
  if (state == nullptr) {
    state = acquire(sp);
    if (state == nullptr) trace_output.count(trace::Lost::kNoThreadState);
    return state;
  }
  for (unsigned depth = 0; state->busy_sp != 0; ++depth) {
    // Left by longjmp?
    if (!globals.restricted.load(std::memory_order_relaxed) &&
        !unwind::still_interrupted(TIDEMARK_CALLER(), state->busy_sp)) {
      drop_unfinished(*state);
      break;
    }
    if (state->nested == nullptr) {
      ThreadState* nested = depth < kMaxNesting ? make(state->tid.load(std::memory_order_relaxed)) : nullptr;
      if (nested == nullptr) {
        trace_output.count(trace::Lost::kNoThreadState);
        return nullptr;
      }
      nested->is_nested = true;
      nested->serial = state->serial;
      nested->code_epoch = globals.code_epoch.load(std::memory_order_acquire);
      state->nested = nested;
    } else if (state->nested->serial != state->serial) {
      take_over(*state->nested, state->tid.load(std::memory_order_relaxed), state->serial, sp);
      return state->nested;
    }
    state = state->nested;
  }
  const uint32_t epoch = globals.code_epoch.load(std::memory_order_acquire);
  if (state->code_epoch != epoch) {
    state->unwinder.forget_code();
    state->code_epoch = epoch;
  }
  state->busy_sp = sp;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return state;
}

bool forget_threads_after_fork() noexcept {
  bool left = false;
  ThreadState* state = all_threads.exchange(nullptr, std::memory_order_acq_rel);
  next_probe.store(nullptr, std::memory_order_relaxed);
  while (state != nullptr) {
    ThreadState* const next = state->next;
    // One that another thread was using is not distinguished: its memory is left, too, which is little.
    if (state->busy_sp == 0) {
      state->unwinder.release();
      sys::munmap(state, state_bytes());
    } else {
      left = left || state == current_thread;
    }
    state = next;
  }
  current_thread = nullptr;
  next_serial.store(1, std::memory_order_relaxed);
  next_stream.store(0, std::memory_order_relaxed);
  state_count.store(0, std::memory_order_relaxed);
  active_stream.stream.store(0, std::memory_order_relaxed);
  return left;
}

size_t thread_state_bytes() noexcept {
  // The unwinder's 140 KiB of stacks seen, and of the memo's arrays, mapped by need, what ordinary stacks touch.
  return size_t{state_count.load(std::memory_order_relaxed)} * (state_bytes() + (size_t{192} << 10));
}

}  // namespace tidemark
