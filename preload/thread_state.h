// What the recorder keeps per thread: the stream that its events go to, and the memo of its stack.
//
// A state lives in a mapping of its own and is found by an initial-exec thread-local pointer. It is never freed but
// recycled: a thread's end runs no code of ours (destructors of others may still free after any of ours would), so a
// new thread takes over the state of a thread whose id the kernel no longer knows. The stream then goes on with a
// THREAD record.
//
// `busy_sp` is the stack pointer of the hook that is working on the state. An event that arrives while it is set comes
// from a signal handler that interrupted the hook; it is recorded through `nested`, a whole state of its own. A handler
// that leaves by longjmp leaves busy_sp behind: then the stack, followed outwards, has no such hook behind a signal
// frame.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/clock_x86_64.h"
#include "preload/globals.h"
#include "preload/samples_linux.h"
#include "preload/trace_output_linux.h"
#include "preload/unwind/memo_unwinder.h"
#include "trace/chunk_writer.h"

namespace tidemark {

struct ThreadState {
  // Hot: an event touches this cache line, the unwinder's first, the writer's first, and what they point to.
  uintptr_t busy_sp = 0;
  uint32_t code_epoch = 0;
  uint32_t until_timed = 1;  // events until the next one that carries its time, while this stream is active
  uint32_t stream = 0;
  bool read_contended = false;  // by the event under way
  // What the last event recorded, for hooks whose real function may call another hook for the same block.
  uint64_t allocations = 0;
  uintptr_t last_allocated = 0;
  uintptr_t deleting = 0;       // recorded by operator delete, which is passing it on to the allocator's own
  uint32_t timed_interval = 1;  // what until_timed starts from
  uint32_t quick_switches = 0;  // in a row
  uint64_t activated = 0;       // when this stream last became the active one
  unwind::MemoUnwinder unwinder;

  // Cold.
  uint32_t serial = 0;  // of the thread, within the trace
  uint32_t sequence = 0;
  uint8_t* chunk = nullptr;
  size_t chunk_bytes = 0;
  std::atomic<uint32_t> tid{0};
  ThreadState* nested = nullptr;
  ThreadState* next = nullptr;  // all states, newest first
  bool is_nested = false;
  char name[16] = {};

  alignas(64) trace::ChunkWriter writer;  // its tables are last

  // Blocks from this size on carry their time: they are rare, and a program may take long to fill them, while small
  // blocks before them were dense. A compare for all others (0.2 ns).
  static constexpr size_t kTimedBytes = size_t{32} << 10;

  // The time for the next event's record: 0 when it may go without (see ActiveStream). About 9 ns when it may not.
  uint64_t event_time() noexcept {
    if (active_stream.stream.load(std::memory_order_acquire) != stream) [[unlikely]]
      return contended_time();
    if (--until_timed != 0) [[likely]]
      return 0;
    return timed_event();
  }

  // After the event with the time that event_time() gave is written, before the hook goes on.
  void event_written(uint64_t time) noexcept {
    if (time != 0) [[unlikely]]
      timed_event_written(time);
  }

  // Makes sure that `bytes` (at most a chunk) can be written. False: recording has stopped.
  bool room(size_t bytes) noexcept { return writer.room(bytes) || next_chunk(bytes); }

  template <class Record>
  void write_sized(const Record& record, size_t text_bytes) noexcept {
    const size_t most = 2 * trace::kMaxTextBytes;  // records have at most two texts, each cut to kMaxTextBytes
    if (!room(trace::ChunkWriter::sized_room(text_bytes < most ? text_bytes : most))) return;
    // What other streams record from now on is later than this record, and is to say so.
    if (active_stream.stream.load(std::memory_order_relaxed) != ActiveStream::kContended)
      active_stream.stream.exchange(stream, std::memory_order_seq_cst);
    writer.sized(now_ticks(), record);
  }

  bool next_chunk(size_t bytes) noexcept;
  uint64_t timed_event() noexcept;     // of the active stream
  uint64_t contended_time() noexcept;  // of another
  void timed_event_written(uint64_t time) noexcept;
  // Writes a name record if the kernel's name of the thread is not the one last recorded.
  void update_name() noexcept;
};

extern thread_local constinit ThreadState* current_thread __attribute__((tls_model("initial-exec")));

// Bounds of the thread's stack, known for threads that pthread_create made while recording; 0 else.
struct StackBounds {
  uintptr_t low = 0, high = 0;
};
extern thread_local constinit StackBounds thread_stack __attribute__((tls_model("initial-exec")));

// The state that a hook at stack pointer `sp` may use, marked busy; nullptr if there is none (counted). The common path
// is enter() in recorder.h; this one makes, recycles, or goes to a nested state.
ThreadState* enter_slowly(uintptr_t sp) noexcept;

// In a forked child: all states but none of their threads exist; gives their memory back. True if one was left, since a
// hook that the forking signal handler has interrupted still uses it.
bool forget_threads_after_fork() noexcept;

// Bytes of all states, for the recorder's own row.
size_t thread_state_bytes() noexcept;

}  // namespace tidemark
