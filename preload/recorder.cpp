#include "preload/recorder.h"

#include "preload/modules_linux.h"
#include "preload/unwind/slow_unwind.h"

namespace tidemark {

constinit GatePage gate = {};
constinit Globals globals = {};
constinit ActiveStream active_stream = {};
constinit Recorder recorder;

bool Recorder::init_check() noexcept {
  parents_ = static_cast<uint32_t*>(map_own(tree_.capacity() * sizeof(uint32_t), true));
  return parents_ != nullptr;
}

uint32_t checked_stack(ThreadState& thread, const Caller& caller) noexcept {
  const uint32_t node = thread.unwinder.stack(thread, caller);
  if (thread.is_nested)
    trace_output.count(trace::UnwindCheck::kUnchecked);
  else
    unwind::check_stack(caller, node);
  return node;
}

void loader_event(ThreadState& thread) noexcept {
  const uint32_t epoch = globals.code_epoch.load(std::memory_order_acquire);
  check_for_unloads(thread);
  if (globals.code_epoch.load(std::memory_order_acquire) == epoch) return;
  // The rows of unloaded code are gone from the shared table; this thread's own memory of code goes here, the others'
  // when they see the epoch.
  thread.unwinder.forget_code();
  thread.code_epoch = globals.code_epoch.load(std::memory_order_acquire);
}

uint64_t realloc_begins() noexcept {
  const ThreadState* thread = current_thread;
  // A busy state is an interrupted hook's: the event will go to another stream.
  if (thread == nullptr || thread->busy_sp != 0 ||
      thread->stream != active_stream.stream.load(std::memory_order_acquire))
    return now_ticks();
  return 0;
}

void record_realloc(const Caller& caller, uint64_t before, const void* old_block, const void* block,
                    size_t size) noexcept {
  ThreadState* thread = enter(caller.sp);
  if (thread == nullptr) return;
  if (from_loader(caller.pc)) [[unlikely]]
    loader_event(*thread);
  const uint32_t node = stack_of(*thread, caller);
  if (thread->room(trace::kMaxEventBytes)) {
    // If this was the active stream at the beginning, the old block ended where an event without a time would stand.
    if (before == 0) before = thread->writer.last_time();
    const uint64_t after = thread->event_time();
    thread->writer.realloc(after == 0 ? 0 : before, after, reinterpret_cast<uintptr_t>(old_block),
                           reinterpret_cast<uintptr_t>(block), size, node);
    ++thread->allocations;
    thread->last_allocated = reinterpret_cast<uintptr_t>(block);
    thread->event_written(after);
  }
  leave(thread);
}

}  // namespace tidemark
