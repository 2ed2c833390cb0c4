// The recorder: what hooks call. The common path of an event is inline here; everything else is behind it.
//
// Order of one allocation: the real allocator first, then the stack, then the record with its time. Of one free: the
// record first, then the real allocator; so a block that another thread gets is recorded there after it was freed here.
// Cost of the common path, beside the unwinder's (memo_unwinder.h) and the writer's (3 ns): about 2 ns, and 9 ns for
// the time where it is needed. All of it is inlined into the hooks. No cache line that threads share is written.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/call_tree.h"
#include "preload/caller_x86_64.h"
#include "preload/globals.h"
#include "preload/thread_state.h"

namespace tidemark {

// Marks a call-tree key whose pc was interrupted by a signal.
inline constexpr uint64_t kExactKey = uint64_t{1} << 63;

class Recorder {
 public:
  // The child of `parent` in the call tree; 0 if there is no room for it.
  uint32_t child(ThreadState& thread, uint32_t parent, uint64_t key) noexcept {
    return tree_.child(parent, key, [&](uint32_t id) {
      if (!thread.room(trace::kMaxEventBytes)) return false;
      thread.writer.node(id, parent, key & ~kExactKey, (key & kExactKey) != 0);
      note_parent_for_check(id, parent);
      return true;
    });
  }

  CallTree& tree() noexcept { return tree_; }

  // The checking mode needs the tree upwards, too; nobody else does.
  bool init_check() noexcept;
  uint32_t parent_for_check(uint32_t id) const noexcept { return parents_ == nullptr ? 0 : parents_[id]; }
  uint64_t key_for_check(uint32_t id) const noexcept { return tree_.key(id); }

 private:
  void note_parent_for_check(uint32_t id, uint32_t parent) noexcept {
    if (parents_ != nullptr) parents_[id] = parent;
  }

  CallTree tree_;
  uint32_t* parents_ = nullptr;
};

extern constinit Recorder recorder;

// The calling thread's state, marked busy until leave(). nullptr: not to be recorded (counted where it is a loss).
inline ThreadState* enter(uintptr_t sp) noexcept {
  ThreadState* thread = current_thread;
  if (thread == nullptr || thread->busy_sp != 0 ||
      thread->code_epoch != globals.code_epoch.load(std::memory_order_relaxed)) [[unlikely]]
    return enter_slowly(sp);
  thread->busy_sp = sp;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return thread;
}

inline void leave(ThreadState* thread) noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread->busy_sp = 0;
}

// The node of the caller's stack; in checking mode unwound a second time and compared.
uint32_t checked_stack(ThreadState& thread, const Caller& caller) noexcept;
inline uint32_t stack_of(ThreadState& thread, const Caller& caller) noexcept {
  if (globals.check_unwind) [[unlikely]]
    return checked_stack(thread, caller);
  return thread.unwinder.stack(thread, caller);
}

// An allocation or a free from inside the loader: modules may have come or gone.
void loader_event(ThreadState& thread) noexcept;
inline bool from_loader(uintptr_t pc) noexcept { return pc - globals.loader_start < globals.loader_bytes; }

[[gnu::always_inline]] inline void record_alloc(const Caller& caller, const void* block, size_t size) noexcept {
  ThreadState* thread = enter(caller.sp);
  if (thread == nullptr) [[unlikely]]
    return;
  if (from_loader(caller.pc)) [[unlikely]]
    loader_event(*thread);
  const uint32_t node = stack_of(*thread, caller);
  if (thread->room(trace::kMaxEventBytes)) [[likely]] {
    if (size >= ThreadState::kTimedBytes) [[unlikely]]
      thread->until_timed = 1;
    const uint64_t time = thread->event_time();
    thread->writer.alloc(time, reinterpret_cast<uintptr_t>(block), size, node);
    ++thread->allocations;
    thread->last_allocated = reinterpret_cast<uintptr_t>(block);
    thread->event_written(time);
  }
  leave(thread);
}

// `block` is not null.
[[gnu::always_inline]] inline void record_free(const Caller& caller, const void* block) noexcept {
  ThreadState* thread = enter(caller.sp);
  if (thread == nullptr) [[unlikely]]
    return;
  if (thread->deleting == reinterpret_cast<uintptr_t>(block)) [[unlikely]] {
    thread->deleting = 0;
    return leave(thread);
  }
  if (thread->room(trace::kMaxEventBytes)) [[likely]] {
    const uint64_t time = thread->event_time();
    thread->writer.free(time, reinterpret_cast<uintptr_t>(block));
    thread->event_written(time);
  }
  if (from_loader(caller.pc)) [[unlikely]]
    loader_event(*thread);
  leave(thread);
}

// For functions whose definition behind us may reach another hook of ours for the same block: recorded once.
class NestedAllocation {
 public:
  NestedAllocation() noexcept : thread_(current_thread), before_(thread_ == nullptr ? 0 : thread_->allocations) {}
  bool any_recorded() const noexcept { return thread_ != nullptr && thread_->allocations != before_; }
  bool recorded(const void* block) const noexcept {
    return any_recorded() && thread_->last_allocated == reinterpret_cast<uintptr_t>(block);
  }

 private:
  const ThreadState* thread_;
  uint64_t before_;
};

// Before the real realloc: the time, if the event needs one; 0 else.
uint64_t realloc_begins() noexcept;
void record_realloc(const Caller& caller, uint64_t before, const void* old_block, const void* block,
                    size_t size) noexcept;

// A sized record to the calling thread's stream, from a hook at `sp`. The record's texts must have `text_bytes` in all.
template <class Record>
inline void record_sized(uintptr_t sp, const Record& record, size_t text_bytes) noexcept {
  ThreadState* thread = enter(sp);
  if (thread == nullptr) return;
  thread->write_sized(record, text_bytes);
  leave(thread);
}

}  // namespace tidemark
