// Holds the threads of a process still for as long as a copy of it takes, so that none of them ever notices.
//
// ptrace, from a process of its own (threads of one process cannot trace each other). Signals were rejected: threads
// may block them, handlers are the program's, and poll, nanosleep and sem_timedwait end with EINTR for them even with
// SA_RESTART. /proc alone tells the stack pointer of sleeping threads, but not their registers, and stops no running
// one. ptrace stops both; the kernel restarts a call that it interrupted, but for a few that answer EINTR to any
// interruption:
//
// - without a time limit (epoll_wait(-1), semop, sigwaitinfo) they are made to answer what the kernel starts again;
// - with one (epoll_wait(100), recv with SO_RCVTIMEO), starting again would prolong the wait; and a write or a send
// that
//   has moved a part of its data would answer so much. A thread that sleeps in such a call is left asleep and read
//   through /proc: its stack pointer and the call's arguments. If it has been awake meanwhile, the caller tries again,
//   and at last holds those with a time limit, too.
//
// A thread in a call that cannot be interrupted (disk, vfork) is read like that, too. Cost: about 10 microseconds a
// thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "picture/picture.h"

namespace tidemark::picture {

struct Threads {
  Thread* items = nullptr;
  size_t count = 0, capacity = 0;
};

class Freezer {
 public:
  // `pid`'s threads but `except` (0: none). `threads` gets them; its items are mapped by `map_memory`.
  Freezer(uint32_t pid, uint32_t except, Threads& threads, void* (*map_memory)(size_t) noexcept) noexcept
      : pid_(pid), except_(except), threads_(threads), map_memory_(map_memory) {}

  // 0, or an errno: EPERM when ptrace is forbidden (or a debugger has a thread), ENOMEM. On an error everything goes
  // on. `hold_all`: also those asleep in calls with a time limit.
  int freeze(bool hold_all) noexcept;

  // Whether a thread that was left asleep has been awake since.
  bool any_woke() const noexcept;

  // Everything goes on.
  void thaw() noexcept;

 private:
  int look_at(uint32_t tid, bool hold_all) noexcept;
  int wait_for(Thread& thread) noexcept;
  void learn_registers(Thread& thread) noexcept;
  Thread* find(uint32_t tid) noexcept;
  Thread* add(uint32_t tid) noexcept;

  uint32_t pid_, except_;
  int64_t give_up_ = 0;
  Threads& threads_;
  void* (*map_memory_)(size_t) noexcept;
};

// Reads a sleeping thread through /proc. False: it is awake, or gone.
bool read_asleep(uint32_t pid, uint32_t tid, Thread& thread) noexcept;

}  // namespace tidemark::picture
