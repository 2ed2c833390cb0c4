#include "picture/freeze_linux.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cstring>
#include <initializer_list>

#include "picture/text_file_linux.h"

namespace tidemark::picture {
namespace {

constexpr int64_t kPatienceNs = 50'000'000;          // for threads to stop
constexpr int64_t kLongPatienceNs = 10'000'000'000;  // on a machine that is very busy
constexpr unsigned kMostPasses = 100;                // over threads that come while others are stopped

// An asleep thread's system call, from /proc/PID/task/TID/syscall.
struct SleepingCall {
  long number = -1;  // -1: asleep without a call (a page fault)
  uint64_t arguments[6] = {};
  uint64_t sp = 0, pc = 0;
};

PathText task_path(uint32_t pid, uint32_t tid, const char* file) noexcept {
  PathText path;
  path.process(pid).add("/task/").add(uint64_t{tid}).add(file);
  return path;
}

// "202 0x7f.. 0x80 0x0 0x0 0x0 0x0 0x7ffd.. 0x7f.."; "running"; "-1 0x7ffd.. 0x7f..".
bool read_call(uint32_t pid, uint32_t tid, SleepingCall& call) noexcept {
  char text[256];
  const long fd = sys::open(task_path(pid, tid, "/syscall").text(), O_RDONLY | O_CLOEXEC);
  if (sys::failed(fd)) return false;
  const long size = sys::read(static_cast<int>(fd), text, sizeof(text));
  sys::close(static_cast<int>(fd));
  if (size <= 0 || text[0] == 'r') return false;
  const char* at = text;
  const char* const end = text + size;
  const bool none = *at == '-';
  if (none) ++at;
  const uint64_t number = parse_number(at, end, 10);
  call.number = none ? -1 : static_cast<long>(number);
  const auto field = [&]() -> uint64_t {
    while (at != end && *at == ' ') ++at;
    if (end - at > 2 && at[0] == '0' && at[1] == 'x') at += 2;
    return parse_number(at, end, 16);
  };
  if (!none)
    for (uint64_t& argument : call.arguments) argument = field();
  call.sp = field();
  call.pc = field();
  return call.sp != 0;
}

uint64_t context_switches(uint32_t pid, uint32_t tid) noexcept {
  uint64_t sum = 0;
  for_each_line<2048>(task_path(pid, tid, "/status").text(), [&](const char* at, const char* end) {
    const auto* colon = static_cast<const char*>(std::memchr(at, ':', static_cast<size_t>(end - at)));
    if (colon == nullptr || colon - at < 20 || std::memcmp(colon - 13, "ctxt_switches", 13) != 0) return;
    for (at = colon + 1; at != end && (*at == '\t' || *at == ' ');) ++at;
    sum += parse_number(at, end, 10);
  });
  return sum;
}

// Whether the thread waits for a vfork child, in which case it cannot stop.
bool waits_for_child(const SleepingCall& call) noexcept {
  return call.number == SYS_vfork || call.number == SYS_clone || call.number == SYS_clone3;
}

// R, S, D, t, Z… as in /proc/PID/stat; X also when there is no such thread.
char state_of(uint32_t pid, uint32_t tid) noexcept {
  char text[512];
  const long fd = sys::open(task_path(pid, tid, "/stat").text(), O_RDONLY | O_CLOEXEC);
  if (sys::failed(fd)) return 'X';
  const long size = sys::read(static_cast<int>(fd), text, sizeof(text) - 1);
  sys::close(static_cast<int>(fd));
  if (size <= 0) return 'X';
  text[size] = 0;
  const char* const name_end = std::strrchr(text, ')');
  return name_end == nullptr || name_end[1] == 0 ? 'X' : name_end[2];
}

bool has_ended(uint32_t pid, uint32_t tid) noexcept {
  const char state = state_of(pid, tid);
  return state == 'Z' || state == 'X';
}

// Whether a call may have moved a part of its data, and would then answer so much if it were interrupted: something
// that a program without signal handlers never sees.
bool would_be_short(const SleepingCall& call) noexcept {
  const uint64_t* const a = call.arguments;
  switch (call.number) {
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_pwritev2:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_sendfile:
    case SYS_splice:
    case SYS_vmsplice:
    case SYS_tee:
    case SYS_copy_file_range:
    case SYS_recvmmsg:
      return true;
    case SYS_recvfrom:
      return (a[3] & MSG_WAITALL) != 0;
    case SYS_recvmsg:
      return (a[2] & MSG_WAITALL) != 0;
    default:
      return false;
  }
}

// Whether a call that sleeps answers EINTR to an interruption and has a limit of time, so that starting it again would
// prolong it.
bool would_last_longer(uint32_t pid, const SleepingCall& call) noexcept {
  const uint64_t* const a = call.arguments;
  switch (call.number) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
      return static_cast<int>(a[3]) >= 0;
    case SYS_epoll_pwait2:
    case SYS_semtimedop:
      return a[3] != 0;
    case SYS_rt_sigtimedwait:
      return a[2] != 0;
    case SYS_io_getevents:
    case SYS_io_pgetevents:
      return a[4] != 0;
    case SYS_io_uring_enter:
    case SYS_futex_waitv:
      return true;
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_connect: {
      // The process's descriptors are ours as well, as long as we are a copy of it; from outside nobody can ask.
      if (pid != sys::getppid()) return call.number != SYS_read && call.number != SYS_readv;
      for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
        int64_t limit[2] = {};
        unsigned size = sizeof(limit);
        if (sys::call(SYS_getsockopt, a[0], SOL_SOCKET, option, limit, &size) == 0 && (limit[0] | limit[1]) != 0)
          return true;
      }
      return false;
    }
    default:
      return false;
  }
}

bool has_stopped(int status) noexcept { return (status & 0xff) == 0x7f; }

}  // namespace

bool read_asleep(uint32_t pid, uint32_t tid, Thread& thread) noexcept {
  const uint64_t switches = context_switches(pid, tid);
  SleepingCall call;
  if (!read_call(pid, tid, call)) return false;
  thread.tid = tid;
  thread.kind = trace::PictureThreadRecord::kHalfRead;
  thread.sp = call.sp;
  thread.pc = call.pc;
  thread.switches = switches;
  std::memcpy(thread.registers, call.arguments, sizeof(call.arguments));
  thread.register_count = 6;
  return true;
}

Thread* Freezer::find(uint32_t tid) noexcept {
  for (size_t i = 0; i < threads_.count; ++i)
    if (threads_.items[i].tid == tid) return &threads_.items[i];
  return nullptr;
}

Thread* Freezer::add(uint32_t tid) noexcept {
  if (threads_.count == threads_.capacity) {
    const size_t capacity = threads_.capacity == 0 ? 64 : threads_.capacity * 4;
    auto* larger = static_cast<Thread*>(map_memory_(capacity * sizeof(Thread)));
    if (larger == nullptr) return nullptr;
    if (threads_.items != nullptr) {
      std::memcpy(larger, threads_.items, threads_.count * sizeof(Thread));
      sys::munmap(threads_.items, threads_.capacity * sizeof(Thread));
    }
    threads_.items = larger;
    threads_.capacity = capacity;
  }
  Thread& thread = threads_.items[threads_.count++];
  thread = Thread{};
  thread.tid = tid;
  return &thread;
}

// A thread that is not known yet: asks it to stop, or notes that it is to be left asleep.
int Freezer::look_at(uint32_t tid, bool hold_all) noexcept {
  Thread* const thread = add(tid);
  if (thread == nullptr) return ENOMEM;
  SleepingCall call;
  if (read_call(pid_, tid, call) &&
      (waits_for_child(call) || would_be_short(call) || (!hold_all && would_last_longer(pid_, call))) &&
      read_asleep(pid_, tid, *thread))
    return 0;
  long answer = sys::call(SYS_ptrace, PTRACE_SEIZE, tid, 0, 0);
  if (answer == 0) answer = sys::call(SYS_ptrace, PTRACE_INTERRUPT, tid, 0, 0);
  if (answer != 0) {
    --threads_.count;
    return answer == -ESRCH || has_ended(pid_, tid) ? 0 : static_cast<int>(-answer);
  }
  thread->held = true;
  return 0;
}

// Until a thread that was asked to has stopped.
int Freezer::wait_for(Thread& thread) noexcept {
  for (unsigned round = 0;; ++round) {
    int status = 0;
    const long answer = sys::call(SYS_wait4, thread.tid, &status, WNOHANG | __WALL, 0);
    if (answer == static_cast<long>(thread.tid) && has_stopped(status)) {
      // A stop before a signal is handed over: the thread is to get it when it goes on.
      if (status >> 16 == 0) thread.signal = status >> 8 & 0xff;
      learn_registers(thread);
      return 0;
    }
    if (answer == static_cast<long>(thread.tid) || answer == -ECHILD) {
      thread.held = false;
      thread.tid = 0;  // it has ended
      return 0;
    }
    if (round < 1000) {
      sys::yield();
      continue;
    }
    const int64_t now = sys::clock_ns(CLOCK_MONOTONIC);
    // One patience for all of them: they stop at the same time.
    if (give_up_ == 0) give_up_ = now + kPatienceNs;
    // Only one that does not listen in the kernel is given up: any other has been interrupted, and must be seen to stop
    // before it goes on, however busy the machine is.
    const bool deaf = now >= give_up_ && state_of(pid_, thread.tid) == 'D';
    if (!deaf && now < give_up_ + kLongPatienceNs) {
      const struct timespec pause = {0, 100'000};
      sys::call(SYS_nanosleep, &pause, nullptr);
      continue;
    }
    return read_asleep(pid_, thread.tid, thread) ? 0 : EBUSY;
  }
}

void Freezer::learn_registers(Thread& thread) noexcept {
  struct user_regs_struct registers = {};
  if (sys::call(SYS_ptrace, PTRACE_GETREGS, thread.tid, 0, &registers) != 0) return;
  thread.kind = trace::PictureThreadRecord::kStopped;
  thread.sp = registers.rsp;
  thread.pc = registers.rip;
  thread.bp = registers.rbp;
  thread.thread_pointer = registers.fs_base;
  const uint64_t general[] = {registers.rax, registers.rbx, registers.rcx, registers.rdx, registers.rsi,
                              registers.rdi, registers.rbp, registers.r8,  registers.r9,  registers.r10,
                              registers.r11, registers.r12, registers.r13, registers.r14, registers.r15};
  std::memcpy(thread.registers, general, sizeof(general));
  thread.register_count = sizeof(general) / sizeof(general[0]);
  struct user_fpregs_struct vectors = {};
  if (sys::call(SYS_ptrace, PTRACE_GETFPREGS, thread.tid, 0, &vectors) == 0) {
    static_assert(sizeof(vectors.xmm_space) / 8 + sizeof(general) / 8 <= kMaxRegisters);
    std::memcpy(thread.registers + thread.register_count, vectors.xmm_space, sizeof(vectors.xmm_space));
    thread.register_count += sizeof(vectors.xmm_space) / 8;
  }
  // A call that answers EINTR to any interruption shall answer what poll does: the kernel then starts it again if there
  // is no signal with a handler when the thread goes on, and makes it EINTR if there is one.
  constexpr auto kInterrupted = static_cast<uint64_t>(-EINTR);
  constexpr auto kRestartWithoutHandler = static_cast<uint64_t>(-514);  // the kernel's ERESTARTNOHAND
  if (registers.rax == kInterrupted && static_cast<int64_t>(registers.orig_rax) >= 0) {
    registers.rax = kRestartWithoutHandler;
    sys::call(SYS_ptrace, PTRACE_SETREGS, thread.tid, 0, &registers);
  }
}

int Freezer::freeze(bool hold_all) noexcept {
  int error = 0;
  threads_.count = 0;
  give_up_ = 0;
  // Threads that are not stopped yet may start others: until a pass finds no new one.
  bool found = true;
  for (unsigned pass = 0; found && error == 0 && pass < kMostPasses; ++pass) {
    found = false;
    PathText path;
    path.process(pid_).add("/task");
    const size_t known = threads_.count;
    bool listed = except_ == 0;
    const bool readable = for_each_number(path.text(), [&](uint32_t tid) {
      listed = listed || tid == except_;
      if (error != 0 || tid == except_ || (pass != 0 && find(tid) != nullptr)) return;
      error = look_at(tid, hold_all);
    });
    // No descriptor free, no /proc, or that of another namespace of processes.
    if (error == 0 && (!readable || !listed)) error = ESRCH;
    for (size_t i = known; i < threads_.count && error == 0; ++i) {
      if (!threads_.items[i].held) continue;
      found = true;
      error = wait_for(threads_.items[i]);
    }
  }
  if (error == 0 && found) error = EAGAIN;
  // Who was asked to stop is to have stopped before it goes on: only then is its call known.
  for (size_t i = 0; i < threads_.count && error != 0; ++i)
    if (threads_.items[i].held && threads_.items[i].sp == 0) wait_for(threads_.items[i]);
  // Those that have ended meanwhile.
  size_t kept = 0;
  for (size_t i = 0; i < threads_.count; ++i)
    if (threads_.items[i].tid != 0) threads_.items[kept++] = threads_.items[i];
  threads_.count = kept;
  if (error != 0) thaw();
  return error;
}

bool Freezer::any_woke() const noexcept {
  for (size_t i = 0; i < threads_.count; ++i) {
    const Thread& thread = threads_.items[i];
    if (thread.kind != trace::PictureThreadRecord::kHalfRead) continue;
    // The switches count when a thread goes off: one that is awake now has not been counted yet.
    SleepingCall call;
    if (!read_call(pid_, thread.tid, call) || call.sp != thread.sp ||
        context_switches(pid_, thread.tid) != thread.switches)
      return true;
  }
  return false;
}

void Freezer::thaw() noexcept {
  const auto let_go = [](Thread& thread) {
    if (!thread.held) return;
    thread.held = false;
    sys::call(SYS_ptrace, PTRACE_DETACH, thread.tid, 0, thread.signal);
  };
  // Signals for the process that came meanwhile go to whoever is there first; the kernel prefers the first thread.
  if (Thread* const first = find(pid_); first != nullptr) let_go(*first);
  for (size_t i = 0; i < threads_.count; ++i) let_go(threads_.items[i]);
}

}  // namespace tidemark::picture
