// Hooks on the life of the process: its end, forks, execs, seccomp. (Allocations are in hooks_malloc.cpp.)
//
// vfork has no hook: a vfork child shares this memory, records into its parent's trace through its parent's thread
// state, and is told from the parent by its pid where it matters (exec, _exit).
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "preload/export.h"
#include "preload/next_functions.h"
#include "preload/own_memory.h"
#include "preload/recorder.h"
#include "preload/samples_linux.h"
#include "preload/settings.h"
#include "preload/snapshot_linux.h"
#include "system/syscalls_linux.h"

using namespace tidemark;

// An array that lives until the calling function returns: no allocation, so that it is fit for a vfork child.
#define TIDEMARK_STACK_ARRAY(type, count) (static_cast<type*>(__builtin_alloca((count) * sizeof(type))))

namespace tidemark {
namespace {

using Main = int (*)(int, char**, char**);
constinit Main program_main = nullptr;

// `return` from main calls libc's own exit, not an interposed one: so the end is seen here.
int main_of_program(int argument_count, char** arguments, char** environment) {
  const int status = program_main(argument_count, arguments, environment);
  SnapshotCaller caller = {};
  caller.stack_dead = true;
  life_ends(trace::LifeEndKind::kMainReturned, status, &caller);
  return status;
}

// By the exec that is under way: there is one at a time, or the last one wins.
constinit std::atomic<bool> held_off{false};

void store_end(trace::EndKind kind) noexcept {
  std::atomic_ref<uint32_t>(trace_output.header()->end_kind)
      .store(static_cast<uint32_t>(kind), std::memory_order_release);
}

// A forked child that has had no event yet: it is to be recorded, but has no trace of its own so far.
bool unborn_child() noexcept { return !recording() && globals.phase.load(std::memory_order_relaxed) == Phase::kOn; }

// How exec finds the file.
enum class Found { kByPath, kOtherwise };
Found found_like_a_shell(const char* file) noexcept {
  return file != nullptr && std::strchr(file, '/') != nullptr ? Found::kByPath : Found::kOtherwise;
}

// Whether exec is sure to fail for want of a file that may be executed: shells try one folder of PATH after another
// like that. Kernels before 5.8 cannot say for the effective user; then nothing is sure.
bool cannot_be_executed(const char* path) noexcept {
  if (globals.restricted.load(std::memory_order_relaxed)) return false;
  const long answer = sys::call(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS);
  return answer == -ENOENT || answer == -ENOTDIR || answer == -EACCES;
}

// The image is about to be replaced. A vfork child's exec is its own, and only noted. Returns whether the record was
// closed, so that it has to be opened again if exec fails.
bool exec_begins(const char* path, Found found) noexcept {
  need_next_functions();
  if (!recording() || (found == Found::kByPath && cannot_be_executed(path))) return false;
  const bool vfork_child = !in_recorded_process();
  ThreadState* thread = enter(TIDEMARK_CALLER().sp);
  if (thread == nullptr) return false;
  if (vfork_child) {
    trace::SpawnRecord record;
    record.pid = sys::getpid();
    record.path = trace::Bytes::of(path);
    thread->write_sized(record, record.path.size);
    leave(thread);
    return false;
  }
  sampler.sample_now(*thread);
  trace::ExecRecord record;
  record.path = trace::Bytes::of(path);
  thread->write_sized(record, record.path.size);
  leave(thread);
  held_off = snapshots.hold_off();
  store_end(trace::EndKind::kReplaced);
  trace_output.trim();
  return true;
}

void exec_failed() noexcept {
  const int error = errno;
  if (held_off.exchange(false)) snapshots.go_on();
  store_end(trace::EndKind::kNone);
  trace_output.untrim();
  trace::ExecFailedRecord record;
  record.error = static_cast<uint64_t>(error);
  record_sized(TIDEMARK_CALLER().sp, record, 0);
  errno = error;
}

// Whether an environment of that size can be on this thread's stack. Small ones always, larger ones in a vfork child
// only, and if there is room: what it mapped would stay in its parent once it has become another image.
bool stack_holds(size_t bytes) noexcept {
  constexpr size_t kSmall = 4096, kLeftForTheCall = 8192;
  if (bytes <= kSmall || globals.restricted.load(std::memory_order_relaxed)) return true;
  const bool vfork_child = recording() && !in_recorded_process();
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  return vfork_child && (thread_stack.low == 0 || here - thread_stack.low >= bytes + kLeftForTheCall);
}

// Memory for an environment that the stack does not hold; get() is nullptr if it does.
class LargeMemory {
 public:
  explicit LargeMemory(size_t bytes) noexcept : memory_(stack_holds(bytes) ? nullptr : map_own(bytes)), bytes_(bytes) {}
  ~LargeMemory() {
    if (memory_ != nullptr) sys::munmap(memory_, bytes_);
  }
  LargeMemory(const LargeMemory&) = delete;
  LargeMemory& operator=(const LargeMemory&) = delete;
  void* get() const noexcept { return memory_; }

 private:
  void* memory_;
  size_t bytes_;
};

// Runs `exec(environment)` with what recording needs put back into the environment; comes back only if it fails. An
// environment that fits only without our additions goes without them.
template <class Exec>
inline int replace_image(const char* path, Found found, char* const* environment, Exec&& exec) {
  const bool closed = exec_begins(path, found);
  const EnvironmentNeeds needs = exec_environment_needs(environment);
  const LargeMemory large(needs.bytes());
  void* const memory = large.get() != nullptr ? large.get() : TIDEMARK_STACK_ARRAY(char, needs.bytes());
  char* const* const fixed = exec_environment(environment, needs, memory);
  int result = exec(fixed);
  if (errno == E2BIG && fixed != environment) result = exec(environment);
  if (closed) exec_failed();
  return result;
}

// The same for a spawn, which `spawn(&child, environment)` does.
template <class Spawn>
inline int spawn_image(pid_t* pid, const char* path, char* const* environment, Spawn&& spawn) {
  need_next_functions();
  const EnvironmentNeeds needs = exec_environment_needs(environment);
  const LargeMemory large(needs.bytes());
  void* const memory = large.get() != nullptr ? large.get() : TIDEMARK_STACK_ARRAY(char, needs.bytes());
  char* const* const fixed = exec_environment(environment, needs, memory);
  pid_t child = 0;
  int error = spawn(&child, fixed);
  if (error == E2BIG && fixed != environment) error = spawn(&child, environment);
  if (error != 0) return error;
  if (pid != nullptr) *pid = child;
  if (!recording()) return 0;
  trace::SpawnRecord record;
  record.pid = static_cast<uint64_t>(child);
  record.path = trace::Bytes::of(path);
  record_sized(TIDEMARK_CALLER().sp, record, record.path.size);
  return 0;
}

[[noreturn]] void end_immediately(int status) noexcept {
  // A forked child that did nothing worth recording but exist: its place in the tree of processes is worth a trace.
  if (unborn_child()) begin_recording();
  life_ends(trace::LifeEndKind::kImmediateExit, status);
  finish_recording(status);
  need_next_functions();
  next._exit(status);
  __builtin_unreachable();
}

}  // namespace
}  // namespace tidemark

TIDEMARK_EXPORT int __libc_start_main(Main main, int argument_count, char** arguments, void (*init)(), void (*fini)(),
                                      void (*loader_fini)(), void* stack_end) {
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  need_next_functions();
  program_main = main;
  const auto start = reinterpret_cast<Start>(next.start_main);
  return start(main_of_program, argument_count, arguments, init, fini, loader_fini, stack_end);
}

TIDEMARK_EXPORT void exit(int status) {
  need_next_functions();
  if (unborn_child()) begin_recording();
  const SnapshotCaller caller = TIDEMARK_SNAPSHOT_CALLER();
  life_ends(trace::LifeEndKind::kExit, status, &caller);
  next.exit(status);
  __builtin_unreachable();
}

TIDEMARK_EXPORT void _exit(int status) { end_immediately(status); }

TIDEMARK_EXPORT void _Exit(int status) { end_immediately(status); }

// The handlers of at_quick_exit are still to run, and after them the process is gone: the file stays untrimmed.
TIDEMARK_EXPORT void quick_exit(int status) {
  need_next_functions();
  if (unborn_child()) begin_recording();
  life_ends(trace::LifeEndKind::kQuickExit, status);
  next.quick_exit(status);
  __builtin_unreachable();
}

TIDEMARK_EXPORT pid_t fork() {
  need_next_functions();
  // A forked child that forks before anything else: its child is to name it, so it needs a trace now.
  if (unborn_child()) begin_recording();
  const pid_t pid = next.fork();
  if (pid == 0) {
    if (!globals.wipes_on_fork) gate.open.store(0, std::memory_order_relaxed);
    publish_no_parent();
    // If a signal handler forked that has interrupted a hook, the hook goes on here, too, in what was the parent's
    // chunk.
    trace_output.leave_chunks();
  } else if (pid > 0 && recording()) {
    trace::ForkRecord record;
    record.pid = static_cast<uint64_t>(pid);
    record_sized(TIDEMARK_CALLER().sp, record, 0);
  }
  return pid;
}

TIDEMARK_EXPORT int execve(const char* path, char* const* arguments, char* const* environment) {
  return replace_image(path, Found::kByPath, environment,
                       [=](char* const* fixed) { return next.execve(path, arguments, fixed); });
}

TIDEMARK_EXPORT int execv(const char* path, char* const* arguments) {
  return replace_image(path, Found::kByPath, environ,
                       [=](char* const* fixed) { return next.execve(path, arguments, fixed); });
}

TIDEMARK_EXPORT int execvpe(const char* file, char* const* arguments, char* const* environment) {
  return replace_image(file, found_like_a_shell(file), environment,
                       [=](char* const* fixed) { return next.execvpe(file, arguments, fixed); });
}

TIDEMARK_EXPORT int execvp(const char* file, char* const* arguments) {
  return replace_image(file, found_like_a_shell(file), environ,
                       [=](char* const* fixed) { return next.execvpe(file, arguments, fixed); });
}

TIDEMARK_EXPORT int fexecve(int fd, char* const* arguments, char* const* environment) {
  return replace_image("(descriptor)", Found::kOtherwise, environment,
                       [=](char* const* fixed) { return next.fexecve(fd, arguments, fixed); });
}

TIDEMARK_EXPORT int execveat(int folder, const char* path, char* const* arguments, char* const* environment,
                             int flags) {
  return replace_image(path, Found::kOtherwise, environment, [=](char* const* fixed) {
    return next.execveat != nullptr ? next.execveat(folder, path, arguments, fixed, flags)
                                    : static_cast<int>(::syscall(SYS_execveat, folder, path, arguments, fixed, flags));
  });
}

// The list forms: arguments up to a null pointer become a vector on the stack.
#define TIDEMARK_COLLECT(first, arguments, list)                   \
  size_t count = 1;                                                \
  va_list list;                                                    \
  va_start(list, first);                                           \
  while (va_arg(list, const char*) != nullptr) ++count;            \
  va_end(list);                                                    \
  char** const arguments = TIDEMARK_STACK_ARRAY(char*, count + 1); \
  va_start(list, first);                                           \
  arguments[0] = const_cast<char*>(first);                         \
  for (size_t i = 1; i <= count; ++i) arguments[i] = va_arg(list, char*)

TIDEMARK_EXPORT int execl(const char* path, const char* first, ...) {
  TIDEMARK_COLLECT(first, arguments, list);
  va_end(list);
  return replace_image(path, Found::kByPath, environ,
                       [path, arguments](char* const* fixed) { return next.execve(path, arguments, fixed); });
}

TIDEMARK_EXPORT int execlp(const char* file, const char* first, ...) {
  TIDEMARK_COLLECT(first, arguments, list);
  va_end(list);
  return replace_image(file, found_like_a_shell(file), environ,
                       [file, arguments](char* const* fixed) { return next.execvpe(file, arguments, fixed); });
}

TIDEMARK_EXPORT int execle(const char* path, const char* first, ...) {
  TIDEMARK_COLLECT(first, arguments, list);
  char* const* environment = va_arg(list, char* const*);
  va_end(list);
  return replace_image(path, Found::kByPath, environment,
                       [path, arguments](char* const* fixed) { return next.execve(path, arguments, fixed); });
}

TIDEMARK_EXPORT int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                                const posix_spawnattr_t* attributes, char* const* arguments, char* const* environment) {
  return spawn_image(pid, path, environment, [=](pid_t* child, char* const* fixed) {
    return next.posix_spawn(child, path, actions, attributes, arguments, fixed);
  });
}

TIDEMARK_EXPORT int posix_spawnp(pid_t* pid, const char* file, const posix_spawn_file_actions_t* actions,
                                 const posix_spawnattr_t* attributes, char* const* arguments,
                                 char* const* environment) {
  return spawn_image(pid, file, environment, [=](pid_t* child, char* const* fixed) {
    return next.posix_spawnp(child, file, actions, attributes, arguments, fixed);
  });
}

TIDEMARK_EXPORT int prctl(int option, ...) {
  need_next_functions();
  va_list list;
  va_start(list, option);
  const unsigned long a = va_arg(list, unsigned long), b = va_arg(list, unsigned long), c = va_arg(list, unsigned long),
                      d = va_arg(list, unsigned long);
  va_end(list);
  // A filter that is a null pointer only asks whether the kernel has filters.
  if (option == PR_SET_SECCOMP && (a == SECCOMP_MODE_STRICT || b != 0)) seccomp_comes(a == SECCOMP_MODE_STRICT);
  const int result = next.prctl(option, a, b, c, d);
  if (option == PR_SET_PTRACER && result == 0) program_tracer.store(a, std::memory_order_relaxed);
  if (option == PR_SET_NAME && result == 0 && recording()) {
    if (ThreadState* thread = enter(TIDEMARK_CALLER().sp); thread != nullptr) {
      thread->update_name();
      leave(thread);
    }
  }
  return result;
}

// Called by tidemark_snapshot() of tidemark.h.
TIDEMARK_EXPORT void tidemark_client_snapshot() {
  if (!recording()) begin_recording();
  if (!recording()) return;
  const SnapshotCaller caller = TIDEMARK_SNAPSHOT_CALLER();
  ThreadState* thread = enter(caller.caller.sp);
  if (thread == nullptr) return;
  sampler.sample_now(*thread);
  snapshots.take(*thread, trace::SnapshotReason::kClient, caller);
  leave(thread);
}

// Called by tidemark_mark() of tidemark.h.
TIDEMARK_EXPORT void tidemark_client_mark(const char* text) {
  if (!recording()) begin_recording();
  if (text == nullptr || !recording()) return;
  ThreadState* thread = enter(TIDEMARK_CALLER().sp);
  if (thread == nullptr) return;
  sampler.sample_now(*thread);
  trace::MarkRecord record;
  record.text = trace::Bytes::of(text);
  thread->write_sized(record, record.text.size < trace::kMaxTextBytes ? record.text.size : trace::kMaxTextBytes);
  leave(thread);
}
