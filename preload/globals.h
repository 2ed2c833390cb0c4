// What every hook looks at, read-mostly, and the life of a recording.
//
// `gate` decides everything with one load: while it is open the process records. Its page is wiped in forked children
// (MADV_WIPEONFORK), so a child finds it closed at its first event, however it was forked, and begins a trace of its
// own; a vfork child shares the page and goes on recording for its parent.
//
// What the states mean together:
//
//   gate    phase       pid is globals.pid   a process that
//   open    kOn         yes                  records
//   open    kOn         no                   is a vfork child, and records for its parent
//   closed  kUnstarted  -                    has had no event yet
//   closed  kStarting   -                    is beginning (in one thread; others wait)
//   closed  kOn         no                   was forked and has not begun its own trace (unborn)
//   closed  kOff        -                    does not record, or no more; with a header: its trace was stopped
#pragma once

#include <atomic>
#include <cstdint>

#include "trace/format.h"
#include "trace/records.h"

namespace tidemark {

enum class Phase : uint32_t {
  kUnstarted = 0,
  kStarting = 1,  // one thread sets up; events of the same thread pass unrecorded
  kOn = 2,
  kOff = 3,  // stopped for good
};

struct alignas(4096) GatePage {
  std::atomic<uint32_t> open;
  char rest[4092];
};
extern constinit GatePage gate;

inline bool recording() noexcept { return gate.open.load(std::memory_order_relaxed) != 0; }

struct alignas(64) Globals {
  std::atomic<Phase> phase;
  // Code may have changed at some address (a module was unloaded): memos of another epoch are void.
  std::atomic<uint32_t> code_epoch;
  uint32_t pid;
  // The loader's text: an allocation or a free from here may mean that a module comes or goes.
  uintptr_t loader_start, loader_bytes;
  // The module that supplies malloc.
  uintptr_t allocator_start, allocator_bytes;
  // Path of the recorder's library as the loader has it, for LD_PRELOAD of exec'd images.
  const char* library_path;
  bool check_unwind;
  bool follow_fork;
  bool wipes_on_fork;
  bool forked;  // the process was forked from a recorded one
  // After a seccomp filter was installed: no system call of ours that could be forbidden.
  std::atomic<bool> restricted;
};
extern constinit Globals globals;

// Which stream may write events without their time.
//
// An event needs a time only if another stream's events may have to be ordered with it. So each stream looks here at
// each event: as long as it finds itself, nobody else has recorded since its last timed event, and the next may go
// without (a load of a line that nobody writes, instead of 9 ns for the clock and 1 to 2 bytes). A stream that finds
// another one puts itself here and writes the time; the other will find that. Both happen before the real free or after
// the real malloc, so that whatever the allocator or the program orders between two threads is ordered here too.
//
// Threads that alternate quickly would throw this line to and fro: they set kContended for some milliseconds, during
// which every event has its time and nobody writes here. An event that read kContended looks again after it is written:
// if a stream has ended the contention meanwhile, that stream must learn of it.
struct alignas(64) ActiveStream {
  static constexpr uint32_t kContended = UINT32_MAX;
  std::atomic<uint32_t> stream;
  std::atomic<uint64_t> contended_until;  // ticks
};
extern constinit ActiveStream active_stream;

// Before the first event of a process (or of a forked child), from the slow path of a hook. After it, recording() tells
// whether there is anything to record.
void begin_recording() noexcept;

// The moment after which everything is teardown (main returned, exit was called…); only the first call counts. With
// `caller`, the heap snapshot of the end is taken, if settings want it.
struct SnapshotCaller;
void life_ends(trace::LifeEndKind kind, int status, const SnapshotCaller* caller = nullptr) noexcept;

// The process is about to be gone (its destructors and exit handlers have run, or _exit was called): last sample, and
// the file is trimmed. Events may still follow, in the chunks that are there.
void finish_recording(int status) noexcept;

// A seccomp filter, or strict mode, is about to be installed.
void seccomp_comes(bool strict) noexcept;

// False when nothing is recorded, and in a vfork child, which shares everything with its parent but the pid.
bool in_recorded_process() noexcept;

// Turns recording off for good: the header says why, and one line on stderr (unless `quiet`).
void stop_recording(trace::StopReason reason, int error, bool quiet = false) noexcept;

// Remembers what standard error is, for say().
void learn_stderr() noexcept;

// One line on stderr: "tidemark: MESSAGE", with the error's number in words where it is one that users meet.
void say(const char* message, int error = 0) noexcept;

}  // namespace tidemark
