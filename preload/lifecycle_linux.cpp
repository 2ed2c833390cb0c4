// The life of a recording: it begins at the first event of a process (before any constructor of ours, if the program's
// libraries allocate earlier), again in a forked child, and ends with the process, or when something of ours fails.
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <cstring>

#include "preload/globals.h"
#include "preload/loader_linux.h"
#include "preload/modules_linux.h"
#include "preload/next_functions.h"
#include "preload/own_memory.h"
#include "preload/recorder.h"
#include "preload/samples_linux.h"
#include "preload/settings.h"
#include "preload/snapshot_linux.h"
#include "preload/thread_state.h"
#include "preload/unwind/row_table.h"
#include "preload/unwind/slow_unwind.h"
#include "system/syscalls_linux.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

namespace tidemark {
namespace {

// 2^26 nodes is 1 GiB of address space, of which only what is used costs memory.
constexpr size_t kMaxNodes = size_t{1} << 26;
constexpr size_t kMinNodes = size_t{1} << 16;

std::atomic<uint32_t> starting_tid{0};  // the thread that begins a recording; 0: none. Held like a lock
std::atomic<bool> life_ended{false};
std::atomic<bool> finished{false};

// Strings go behind the header's fields; what does not fit is cut.
class HeaderText {
 public:
  explicit HeaderText(trace::FileHeader* header) noexcept
      : base_(reinterpret_cast<char*>(header)), at_(sizeof(trace::FileHeader)) {}

  trace::StringRef add(const char* text, size_t bytes) noexcept {
    const size_t room = trace::kHeaderBytes - at_;
    const size_t size = bytes < room ? bytes : room;
    std::memcpy(base_ + at_, text, size);
    const trace::StringRef added{static_cast<uint32_t>(at_), static_cast<uint32_t>(size)};
    at_ += size;
    return added;
  }
  trace::StringRef add(const char* text) noexcept { return add(text, std::strlen(text)); }

 private:
  char* base_;
  size_t at_;
};

uint64_t process_start_time() noexcept {
  char text[1024];
  const long fd = sys::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (sys::failed(fd)) return 0;
  const long size = sys::pread(static_cast<int>(fd), text, sizeof(text) - 1, 0);
  sys::close(static_cast<int>(fd));
  if (size <= 0) return 0;
  text[size] = 0;
  const char* at = std::strrchr(text, ')');  // the name may contain anything
  for (int field = 2; at != nullptr && field < 22; ++field) at = std::strchr(at + 1, ' ');
  uint64_t value = 0;
  if (at != nullptr)
    for (++at; *at >= '0' && *at <= '9'; ++at) value = value * 10 + static_cast<uint64_t>(*at - '0');
  return value;
}

// Where a process comes from, as far as it was recorded.
struct Origin {
  uint64_t trace = 0;  // of the process that forked this one, or of the image before exec
  uint32_t pid = 0;    // of that process
  uint32_t image = 0;
  bool forked = false;
};

// What the image is called, taken once at its first start: later the program may have overwritten its arguments, and a
// forked child must not ask the loader.
struct Identity {
  char program[256] = "program";
  char executable[4096] = {};
  char command_line[8192] = {};
  size_t command_line_bytes = 0;
  const char* allocator = "";
  const char* operator_new = "";
};
constinit Identity identity;

void copy_text(char* to, size_t room, const char* from) noexcept {
  size_t i = 0;
  for (; i + 1 < room && from[i] != 0; ++i) to[i] = from[i];
  to[i] = 0;
}

void learn_identity(const StartVectors& vectors) noexcept {
  if (vectors.argument_count > 0 && vectors.arguments[0] != nullptr)
    copy_text(identity.program, sizeof(identity.program), base_name(vectors.arguments[0]));
  const long length = sys::readlink("/proc/self/exe", identity.executable, sizeof(identity.executable) - 1);
  if (sys::failed(length)) identity.executable[0] = 0;
  for (int i = 0; i < vectors.argument_count && vectors.arguments[i] != nullptr; ++i) {
    char* const at = identity.command_line + identity.command_line_bytes;
    const size_t room = sizeof(identity.command_line) - identity.command_line_bytes;
    if (room < 2) break;
    copy_text(at, room, vectors.arguments[i]);
    identity.command_line_bytes += std::strlen(at) + 1;
  }
  identity.allocator = module_path(reinterpret_cast<uintptr_t>(next.malloc));
  if (next.operator_new != nullptr) identity.operator_new = module_path(reinterpret_cast<uintptr_t>(next.operator_new));
}

void write_header(trace::Clock clock, const Origin& origin) noexcept {
  trace::FileHeader& header = *trace_output.header();
  header.version = trace::kFormatVersion;
  header.header_bytes = trace::kHeaderBytes;
  header.session_id = settings.session;
  header.parent_trace_id = origin.trace;
  header.pid = globals.pid;
  // The recorded parent where there is one: an orphan's parent is process 1 by now.
  header.parent_pid = origin.pid != 0 && origin.pid != globals.pid ? origin.pid : sys::getppid();
  header.image = origin.image;
  header.machine = EM_X86_64;
  header.process_start = process_start_time();
  header.start_realtime_ns = sys::clock_ns(CLOCK_REALTIME);
  header.start_monotonic_ns = sys::clock_ns(CLOCK_MONOTONIC);
  header.start_ticks = now_ticks();
  header.tick_hz_hint = stated_tick_hz();
  header.clock = clock;
  header.tick_shift = trace::kTickShift;
  header.address_shift = trace::kAddressShift;
  header.page_bytes = static_cast<uint32_t>(4096);
  header.flags =
      (origin.forked ? trace::kHeaderFlagForked : 0) | (globals.check_unwind ? trace::kHeaderFlagCheckUnwind : 0);
  header.max_rss_before_bytes = max_rss_bytes();
  header.own_start = kOwnStart;
  header.own_end = kOwnEnd;
  if (sys::get_random(&header.trace_id, sizeof(header.trace_id)) != sizeof(header.trace_id) || header.trace_id == 0)
    header.trace_id = header.start_ticks << 20 ^ globals.pid;

  HeaderText text(&header);
  header.executable = text.add(identity.executable);
  char path[4096];
  if (!sys::failed(sys::getcwd(path, sizeof(path)))) header.working_directory = text.add(path);
  header.allocator = text.add(identity.allocator);
  header.operator_new = text.add(identity.operator_new);
  header.command_line = text.add(identity.command_line, identity.command_line_bytes);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::atomic_ref<uint64_t>(header.magic).store(trace::kFileMagic, std::memory_order_release);
}

// Address ranges that hooks compare return addresses with.
void find_own_ranges() noexcept {
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void*) {
        const ModuleRange range = mapped_range(*info);
        if (range.covers(reinterpret_cast<uintptr_t>(&__ehdr_start)))
          globals.library_path = absolute_library_path(info->dlpi_name);
        if (range.covers(reinterpret_cast<uintptr_t>(&__libc_stack_end))) {
          globals.loader_start = range.start;
          globals.loader_bytes = range.end - range.start;
        }
        if (range.covers(reinterpret_cast<uintptr_t>(next.malloc))) {
          globals.allocator_start = range.start;
          globals.allocator_bytes = range.end - range.start;
        }
        return 0;
      },
      nullptr);
}

bool init_tables() noexcept {
  for (size_t nodes = kMaxNodes; nodes >= kMinNodes; nodes /= 4) {
    struct rlimit bound = {};
    const bool bounded = sys::get_limit(RLIMIT_AS, &bound) && bound.rlim_cur != RLIM_INFINITY;
    if (bounded && nodes * 16 > bound.rlim_cur / 16 && nodes > kMinNodes) continue;
    if (recorder.tree().init(nodes)) return unwind::init_rows() && (!globals.check_unwind || recorder.init_check());
  }
  return false;
}

// One thread, phase kStarting. Returns whether events are to be recorded.
bool start(bool forked, bool hook_goes_on) noexcept {
  globals.pid = sys::getpid();
  Origin origin;
  if (forked) {
    origin = {trace_output.header()->trace_id, trace_output.header()->pid, 0, true};
    trace_output.drop(hook_goes_on);
  } else {
    const StartVectors vectors = start_vectors();
    learn_stderr();
    read_settings(vectors.environment);
    origin = {settings.parent_trace, settings.parent_pid, 0, false};
    if (settings.parent_pid == globals.pid) origin.image = settings.parent_image + 1;
    globals.follow_fork = settings.follow_fork;
    globals.check_unwind = settings.check_unwind;
    find_own_ranges();
    if (settings.stay_off) return false;
    learn_identity(vectors);
    if (!init_tables()) {
      say("not recording: no memory for the recorder's tables");
      return false;
    }
  }
  const trace::Clock clock = detect_clock();
  const int error = trace_output.create(settings.output, identity.program, globals.pid, settings.max_trace_bytes);
  if (error != 0) {
    say(error == EFBIG ? "not recording: the largest trace size is too small"
                       : "not recording: the trace cannot be created",
        error == EFBIG ? 0 : error);
    return false;
  }
  write_header(clock, origin);
  publish_as_parent();
  life_ended.store(false, std::memory_order_relaxed);
  finished.store(false, std::memory_order_relaxed);
  globals.wipes_on_fork = sys::madvise(&gate, sizeof(gate), MADV_WIPEONFORK) == 0;
  sampler.start(now_ticks(), trace_output.header()->tick_hz_hint);
  snapshots.start(now_ticks());
  return true;
}

void first_records(uintptr_t sp, bool forked) noexcept {
  ThreadState* thread = enter(sp);
  if (thread == nullptr) return;
  if (forked)
    record_inherited_modules(*thread);
  else
    record_all_modules(*thread);
  sampler.sample_now(*thread);
  sampler.record_limits(*thread);
  leave(thread);
}

// A forked child: everything of the recorder was copied, nothing of it may be used as it is.
// True if a hook that was interrupted by the forking signal handler has not come to its end.
bool drop_parents_state() noexcept {
  const bool hook_goes_on = forget_threads_after_fork();
  recorder.tree().clear();
  unwind::reset_rows_after_fork();
  return hook_goes_on;
}

}  // namespace

void begin_recording() noexcept {
  if (globals.phase.load(std::memory_order_acquire) == Phase::kOff) return;
  const uint32_t tid = sys::gettid();
  uint32_t holder = 0;
  while (!starting_tid.compare_exchange_strong(holder, tid, std::memory_order_acq_rel)) {
    // The same thread (its own allocations while it sets up, or a signal handler) passes; another waits, so that no
    // event is lost.
    if (holder == tid) return;
    holder = 0;
    sys::yield();
  }
  const Phase phase = globals.phase.load(std::memory_order_acquire);
  const bool forked = phase == Phase::kOn;
  if (phase == Phase::kOff || recording()) return starting_tid.store(0, std::memory_order_release);
  const int saved_errno = errno;
  globals.phase.store(Phase::kStarting, std::memory_order_release);
  // Under a seccomp filter a child has no way to open a trace of its own.
  bool on = !forked || (globals.follow_fork && !globals.restricted.load(std::memory_order_relaxed));
  const bool hook_goes_on = forked && drop_parents_state();
  on = on && (forked || find_next_functions()) && start(forked, hook_goes_on);
  if (!on) trace_output.drop(hook_goes_on);
  if (on) gate.open.store(1, std::memory_order_release);
  globals.phase.store(on ? Phase::kOn : Phase::kOff, std::memory_order_release);
  starting_tid.store(0, std::memory_order_release);
  globals.forked = forked;
  if (on) first_records(TIDEMARK_CALLER().sp, forked);
  errno = saved_errno;
}

// Under a seccomp filter the pid cannot be asked for.
bool in_recorded_process() noexcept {
  return recording() && (globals.restricted.load(std::memory_order_relaxed) || sys::getpid() == globals.pid);
}

void life_ends(trace::LifeEndKind kind, int status, const SnapshotCaller* caller) noexcept {
  if (!in_recorded_process() || life_ended.exchange(true, std::memory_order_acq_rel)) return;
  ThreadState* thread = enter(TIDEMARK_CALLER().sp);
  if (thread == nullptr) return;
  sampler.sample_now(*thread);
  if (caller != nullptr) {
    const bool returned = kind == trace::LifeEndKind::kMainReturned;
    snapshots.take_at_end(*thread, returned ? trace::SnapshotReason::kMainReturned : trace::SnapshotReason::kExit,
                          *caller);
  }
  trace::LifeEndRecord record;
  record.kind = static_cast<uint64_t>(kind);
  record.status = static_cast<uint64_t>(status & 0xff);
  thread->write_sized(record, 0);
  leave(thread);
  trace::FileHeader& header = *trace_output.header();
  std::atomic_ref<int32_t>(header.end_code).store(status & 0xff, std::memory_order_relaxed);
}

void finish_recording(int status) noexcept {
  trace::FileHeader* const header = trace_output.header();
  // A recording that was stopped has an end, too.
  if (header == nullptr || (!globals.restricted.load(std::memory_order_relaxed) && sys::getpid() != globals.pid))
    return;
  life_ends(trace::LifeEndKind::kExit, status);
  if (finished.exchange(true, std::memory_order_acq_rel)) return;
  if (recording()) {
    if (ThreadState* thread = enter(TIDEMARK_CALLER().sp); thread != nullptr) {
      if (!globals.forked) record_all_modules(*thread);
      sampler.sample_now(*thread);
      leave(thread);
    }
  } else {
    std::atomic_ref<int32_t>(header->end_code).store(status & 0xff, std::memory_order_relaxed);
  }
  std::atomic_ref<uint32_t>(header->end_kind)
      .store(static_cast<uint32_t>(trace::EndKind::kExited), std::memory_order_release);
  if (globals.pid == 1) snapshots.wait_for_writers();
  trace_output.trim();
}

void seccomp_comes(bool strict) noexcept {
  if (!recording()) return;
  if (strict) {
    // Strict mode forbids everything, rdtsc included.
    stop_recording(trace::StopReason::kSeccompStrict, 0, true);
    return;
  }
  if (globals.restricted.load(std::memory_order_relaxed)) return;
  trace_output.reserve_before_seccomp();
  if (ThreadState* thread = enter(TIDEMARK_CALLER().sp); thread != nullptr) {
    sampler.sample_now(*thread);
    leave(thread);
  }
  globals.restricted.store(true, std::memory_order_release);
}

void stop_recording(trace::StopReason reason, int error, bool quiet) noexcept {
  if (gate.open.exchange(0, std::memory_order_acq_rel) == 0) return;
  globals.phase.store(Phase::kOff, std::memory_order_release);
  trace::FileHeader& header = *trace_output.header();
  header.stop_errno = error;
  header.stop_ticks = reason == trace::StopReason::kSeccompFilter ? 0 : now_ticks();
  std::atomic_ref<uint32_t>(header.stop_reason).store(static_cast<uint32_t>(reason), std::memory_order_release);
  if (quiet) return;
  say(reason == trace::StopReason::kTraceCap ? "recording stopped: the trace has reached its largest size"
                                             : "recording stopped: the trace cannot grow",
      error);
}

// Standard error as it was at the start: a program may have closed it and opened a file of its own in its place.
static constinit struct {
  uint64_t device, inode;
  bool known;
} first_stderr = {};

void learn_stderr() noexcept {
  struct stat status = {};
  first_stderr.known = sys::fstat(2, &status) == 0;
  first_stderr.device = status.st_dev;
  first_stderr.inode = status.st_ino;
}

// Whether a line can be written there now: it is still what it was, somebody reads it, and nobody would wait.
static bool stderr_is_ready() noexcept {
  struct stat status = {};
  if (!first_stderr.known || sys::fstat(2, &status) != 0 || status.st_dev != first_stderr.device ||
      status.st_ino != first_stderr.inode)
    return false;
  struct pollfd poll = {2, POLLOUT, 0};
  return sys::call(SYS_poll, &poll, 1, 0) == 1 && (poll.revents & (POLLERR | POLLNVAL | POLLOUT)) == POLLOUT;
}

void say(const char* message, int error) noexcept {
  if (!stderr_is_ready()) return;
  char line[512];
  char* at = line;
  const auto add = [&](const char* text) {
    while (*text != 0 && at < line + sizeof(line) - 2) *at++ = *text++;
  };
  add("tidemark: ");
  add(message);
  switch (error) {
    case 0:
      break;
    case ENOSPC:
      add(": no space left on device");
      break;
    case EACCES:
    case EPERM:
      add(": permission denied");
      break;
    case ENOENT:
      add(": no such folder");
      break;
    case EROFS:
      add(": read-only file system");
      break;
    case EMFILE:
    case ENFILE:
      add(": too many open files");
      break;
    case ENODEV:
      add(": its file system has no shared mappings");
      break;
    case ENOMEM:
      add(": out of memory");
      break;
    default: {
      add(": error ");
      const char digits[4] = {static_cast<char>('0' + error / 100 % 10), static_cast<char>('0' + error / 10 % 10),
                              static_cast<char>('0' + error % 10), 0};
      add(digits);
    }
  }
  *at++ = '\n';
  sys::write(2, line, static_cast<size_t>(at - line));
}

[[gnu::destructor]] static void process_ends() noexcept {
  if (trace_output.header() != nullptr) finish_recording(trace_output.header()->end_code);
}

// Linked with -z initfirst: the constructor runs before all others, the destructor after all others. The arguments are
// those of main, but the recording may have begun long before.
[[gnu::constructor]] static void process_starts() noexcept {
  if (!recording()) begin_recording();
  if (!recording()) return;
  // quick_exit runs no destructors, but handlers of its own, the first registered last.
  using Register = int (*)(void (*)(void*), void*);
  if (const auto at_quick_exit = reinterpret_cast<Register>(dlsym(RTLD_NEXT, "__cxa_at_quick_exit")))
    at_quick_exit([](void*) { process_ends(); }, nullptr);
  if (program_calls("malloc", reinterpret_cast<void*>(&::malloc))) return;
  // An executable, or a library preloaded before ours, defines malloc. It may wrap what is behind it, or be an
  // allocator of its own and never come to us: try.
  const auto program_malloc = reinterpret_cast<void* (*)(size_t)>(dlsym(RTLD_DEFAULT, "malloc"));
  const auto program_free = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_DEFAULT, "free"));
  if (program_malloc == nullptr || program_free == nullptr) return;
  const NestedAllocation nested;
  void* const block = program_malloc(1);
  const bool reached = nested.any_recorded();
  program_free(block);
  if (reached) return;
  trace_output.header()->flags |= trace::kHeaderFlagMallocBypassed;
  say("allocations are not recorded: the program has a malloc of its own");
}

}  // namespace tidemark
