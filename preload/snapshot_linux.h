// Heap snapshots: when one is due, and how it is taken.
//
// The thread that takes one starts a helper, a process that shares its memory for a moment, and sleeps. The helper
// holds all other threads still (picture/freeze_linux.h; only another process may trace them), has the kernel copy the
// process, and lets them go on: the pause is that of a fork. The copy, a child that nobody waits for, writes the
// picture (picture/picture.h) and is gone.
//
// Copies are made by raw clone with no exit signal: no atfork handler, no SIGCHLD, and wait() does not see them.
// docs/snapshots.md has all of it, and the costs.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "preload/caller_x86_64.h"
#include "trace/records.h"

namespace tidemark {

struct Taking;
struct ThreadState;

// The program's state where it called what takes the snapshot.
struct SnapshotCaller {
  Caller caller;
  const uint64_t* saved = nullptr;  // where the callee-saved registers lie, kSavedRegisters of them; nullptr: none
  bool stack_dead = false;          // main has returned
};

inline constexpr size_t kSavedRegisters = 5;

// In a function that the program calls, or that a hook calls: its caller, and the callee-saved registers, which
// __builtin_unwind_init has the compiler push below the frame pointer.
#define TIDEMARK_SNAPSHOT_CALLER()                                                                                    \
  (__builtin_unwind_init(),                                                                                           \
   ::tidemark::SnapshotCaller{TIDEMARK_CALLER(),                                                                      \
                              static_cast<const uint64_t*>(__builtin_frame_address(0)) - ::tidemark::kSavedRegisters, \
                              false})

class Snapshots {
 public:
  // A recording begins, in a fresh image or a forked child.
  void start(uint64_t now) noexcept;

  // Whether `tidemark snapshot` waits for one: two loads of a line that is rarely written.
  bool asked() const noexcept;

  // Ticks until the next one on a period, to look again by then; UINT64_MAX without.
  uint64_t ticks_until_due(uint64_t now) const noexcept;

  // After a process sample: takes one if it is due. `resident` is what the program itself has of anonymous memory.
  void consider(ThreadState& thread, uint64_t now, uint64_t resident) noexcept;

  // Takes one now, if memory suffices; waits for one under way, but not for growth or a period. False: not taken, and
  // recorded why. `thread` is the calling thread's state, marked busy.
  bool take(ThreadState& thread, trace::SnapshotReason reason, const SnapshotCaller& caller) noexcept;

  // Before main's return or exit(): if the settings want it.
  void take_at_end(ThreadState& thread, trace::SnapshotReason reason, const SnapshotCaller& caller) noexcept;

  // Around exec: no snapshot is under way from the first on, which waits for one, up to a second, until the second,
  // which is for an exec that failed. False: go_on() is not due.
  bool hold_off() noexcept;
  void go_on() noexcept;

  // Until all pictures are written: process 1 of a container takes them along when it ends.
  void wait_for_writers() noexcept;

 private:
  bool begin(bool patient) noexcept;
  bool take_alone(ThreadState& thread, trace::SnapshotReason reason, const SnapshotCaller& caller) noexcept;
  void run(Taking& taking) noexcept;
  void skip(ThreadState& thread, trace::SnapshotReason reason, trace::SkipReason why, long error) noexcept;
  bool make_room(ThreadState& thread, trace::SnapshotReason reason) noexcept;
  void reap(int options) noexcept;
  void wait_until_counted() noexcept;

  static constexpr size_t kMostOpen = 4;

  std::atomic<bool> taking_{false};
  std::atomic<uint64_t> next_period_{UINT64_MAX};
  std::atomic<uint64_t> next_growth_{0};  // resident bytes
  uint64_t started_ = 0;                  // ticks
  std::atomic<uint64_t> paused_ticks_{0};
  uint64_t last_pause_ = 0, last_resident_ = 0;
  std::atomic<pid_t> writers_[kMostOpen] = {};
  // For each of them, in memory that it shares: not 0 when it needs the process no more. A forked child leaves its
  // parent's to the parent. nullptr: there is no memory.
  std::atomic<uint32_t>* counted_ = nullptr;
};

extern constinit Snapshots snapshots;

// Whom the program has allowed to trace it (prctl PR_SET_PTRACER).
extern constinit std::atomic<unsigned long> program_tracer;

// Arguments of threads that were created and have not begun: they are only in the recorder's memory meanwhile.
class PendingArguments {
 public:
  // A place for `argument` until release(); nullptr if all are taken.
  std::atomic<uintptr_t>* keep(const void* argument) noexcept;
  static void release(std::atomic<uintptr_t>* place) noexcept {
    if (place != nullptr) place->store(0, std::memory_order_release);
  }
  size_t copy(uint64_t* to, size_t most) const noexcept;

 private:
  static constexpr size_t kPlaces = 64;
  std::atomic<uintptr_t> places_[kPlaces] = {};
};

extern constinit PendingArguments pending_arguments;

}  // namespace tidemark
