#include "preload/snapshot_linux.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cstring>

#include "picture/freeze_linux.h"
#include "picture/picture.h"
#include "picture/text_file_linux.h"
#include "preload/globals.h"
#include "preload/loader_linux.h"
#include "preload/memory_limits_linux.h"
#include "preload/own_memory.h"
#include "preload/recorder.h"
#include "preload/samples_linux.h"
#include "preload/settings.h"
#include "preload/thread_state.h"
#include "preload/unwind/memo_unwinder.h"
#include "system/syscalls_linux.h"

namespace tidemark {

constinit Snapshots snapshots;
constinit PendingArguments pending_arguments;
constinit std::atomic<unsigned long> program_tracer{0};

namespace {

constexpr uint64_t kLeastGrown = uint64_t{16} << 20;   // resident bytes before growth is worth a snapshot
constexpr uint64_t kBudget = 100;                      // of the time, one part is for growth and period snapshots
constexpr uint64_t kSpareMemory = uint64_t{32} << 20;  // that must be left beside what the copy may take
constexpr size_t kHelperStack = size_t{64} << 10;
constexpr int64_t kRoomPatienceNs = 1'000'000'000;   // for an earlier picture to be finished
constexpr int64_t kCountPatienceNs = 1'000'000'000;  // on a machine that is busy; commonly two milliseconds
constexpr size_t kPage = 4096;
constexpr unsigned kMostAttempts = 4;                 // to find the threads that were left asleep still asleep
constexpr size_t kMostKernelWords = size_t{1} << 20;  // address space only, until they are there

}  // namespace

// What a snapshot in the making is; the helper and the copy work on it.
struct Taking {
  picture::Thread taker;
  picture::Threads others;
  uint32_t pid = 0;
  uint32_t tid = 0;
  uint64_t id = 0;
  trace::SnapshotReason reason = {};
  uint64_t cut = 0;
  uint64_t frozen = 0, thawed = 0;  // ticks
  uint32_t stream = 0;              // the taking thread's
  long writer = 0;                  // the copy's pid, or -errno
  int error = 0;                    // why the threads could not be held
  picture::Resident resident;       // at the cut
  uint64_t memory_needed = 0;       // bytes
  bool memory_short = false;
  // In memory that the copy shares: set when it has seen which of the process's pages of files are there. May be
  // nullptr.
  std::atomic<uint32_t>* counted = nullptr;
  long spoiled[kMostAttempts] = {};  // earlier copies, of attempts during which a thread woke up
};

namespace {

void* map_for_picture(size_t bytes) noexcept { return map_own(bytes); }

size_t frames_of(const picture::Thread& thread, uint64_t* pairs, size_t most) noexcept {
#ifdef TIDEMARK_HAVE_FIND_OBJECT
  // Without it, looking for unwind tables needs the loader's lock, which may be held for ever here.
  if (_dl_find_object == nullptr || thread.kind == trace::PictureThreadRecord::kStackDead || thread.pc == 0) return 0;
  const bool exact = thread.kind != trace::PictureThreadRecord::kTaker;
  return unwind::list_frames({thread.pc, thread.sp, thread.bp}, exact, pairs, most);
#else
  return 0;
#endif
}

// The copy must hold nothing of the program's: pipes would stay open, ports and locks held.
void leave_program() noexcept {
  if (sys::failed(sys::call(SYS_close_range, 0, ~0u, 0))) {
    for (int fd = 0; fd < 4096; ++fd) sys::close(fd);  // kernels before 5.9
  }
  sys::call(SYS_setsid);
  // Not with the program's priority, nor only on the processors that it keeps to.
  const struct sched_param no_priority = {};
  sys::call(SYS_sched_setscheduler, 0, SCHED_OTHER, &no_priority);
  const uint64_t all_processors[16] = {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0},
                                       ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}};
  sys::call(SYS_sched_setaffinity, 0, sizeof(all_processors), all_processors);
  const struct rlimit none = {0, 0};
  sys::call(SYS_prlimit64, 0, RLIMIT_CORE, &none, nullptr);
  const long fd = sys::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (!sys::failed(fd)) {
    sys::write(static_cast<int>(fd), "1000", 4);
    sys::close(static_cast<int>(fd));
  }
}

// Chunks are filled in memory of the copy's own and written to the file.
struct PictureFile {
  int fd = -1;
  uint8_t* memory = nullptr;
  uint64_t offset = 0;
  std::atomic<uint32_t>* counted = nullptr;  // Taking::counted

  // Until then the process may be waiting; from now on there is time.
  static void pages_counted(void* self) noexcept {
    sys::call(SYS_setpriority, 0, 0, 5);
    std::atomic<uint32_t>* const counted = static_cast<PictureFile*>(self)->counted;
    if (counted != nullptr) counted->store(1, std::memory_order_release);
  }
  static uint8_t* claim(void* self, size_t bytes) noexcept {
    auto* const file = static_cast<PictureFile*>(self);
    file->offset = trace_output.claim_for_picture(bytes);
    if (file->offset == 0) return nullptr;
    return file->fd >= 0 ? file->memory : trace_output.map_for_picture(file->offset, bytes);
  }
  // The header first: what is cut behind it, when the copy is killed, reads as the chunk's end or as damage in it.
  static int done(void* self, size_t used) noexcept {
    auto* const file = static_cast<PictureFile*>(self);
    if (file->fd < 0) return 0;
    constexpr size_t kHeader = sizeof(trace::ChunkHeader);
    const int error = write_all(file->fd, file->memory, kHeader, file->offset);
    return error != 0 ? error : write_all(file->fd, file->memory + kHeader, used - kHeader, file->offset + kHeader);
  }
  static int write_all(int fd, const uint8_t* from, size_t bytes, uint64_t offset) noexcept {
    while (bytes != 0) {
      const long written = sys::call(SYS_pwrite64, fd, from, bytes, offset);
      if (written <= 0) return written == 0 ? ENOSPC : static_cast<int>(-written);
      from += written;
      bytes -= static_cast<size_t>(written);
      offset += static_cast<uint64_t>(written);
    }
    return 0;
  }
};

// The copy's life. All signals are blocked, as they were in the thread that was copied.
[[noreturn]] void write_picture(const Taking& taking) noexcept {
  sys::call(SYS_prctl, PR_SET_NAME, "tidemark-snap");
  const uintptr_t own_used = next_own_address.load(std::memory_order_relaxed);
  std::atomic_ref<uint32_t>(trace_output.header()->picture_pid).store(sys::getpid(), std::memory_order_relaxed);
  // Descriptors may be used up; the copy needs none of these.
  for (int fd = 0; fd < 3; ++fd) sys::close(fd);
  uint64_t* const kernel_words = static_cast<uint64_t*>(map_own(kMostKernelWords * sizeof(uint64_t)));
  size_t kernel_word_count = 0;
  if (kernel_words != nullptr) {
    // What libc would have put into the control blocks of threads that have not begun.
    kernel_word_count = pending_arguments.copy(kernel_words, kMostKernelWords);
    kernel_word_count +=
        picture::read_epoll_words(0, kernel_words + kernel_word_count, kMostKernelWords - kernel_word_count);
  }
  leave_program();
  const size_t count = taking.others.count + 1;
  auto* const threads = static_cast<picture::Thread*>(map_own(count * sizeof(picture::Thread)));
  PictureFile file;
  const long fd = trace_output.reopen();
  file.fd = static_cast<int>(fd);
  file.memory = static_cast<uint8_t*>(map_own(trace::kMaxChunkBytes));
  if (threads != nullptr && file.memory != nullptr) {
    threads[0] = taking.taker;
    if (taking.others.count != 0)
      std::memcpy(threads + 1, taking.others.items, taking.others.count * sizeof(picture::Thread));
    picture::Job job;
    job.id = taking.id;
    job.reason = taking.reason;
    job.cut = taking.cut;
    job.files_of = taking.pid;
    job.own_start = kOwnStart;
    job.own_end = kOwnEnd;
    job.own_used = own_used;
    job.trace_resident = trace_output.resident_bytes();
    job.trace_claimed = trace_output.claiming_bytes();
    job.resident = taking.resident;
    job.threads = threads;
    job.thread_count = count;
    job.frames_of = frames_of;
    job.kernel_words = kernel_words;
    job.kernel_word_count = kernel_word_count;
    job.chunks = {&file, PictureFile::claim, PictureFile::done};
    file.counted = taking.counted;
    job.pages_counted = PictureFile::pages_counted;
    job.now_ticks = []() noexcept { return now_ticks(); };
    job.map_memory = map_for_picture;
    picture::write_picture(job);
  }
  trace_output.picture_ends();
  sys::call(SYS_exit_group, 0);
  __builtin_unreachable();
}

// How large a process may be for its resident set to be counted exactly, which doubles the pause of small ones. Pauses
// for growth and on a period have a budget; at its end the program does nothing more of note.
constexpr uint64_t exact_below(trace::SnapshotReason reason) noexcept {
  switch (reason) {
    case trace::SnapshotReason::kMainReturned:
    case trace::SnapshotReason::kExit:
      return UINT64_MAX;
    case trace::SnapshotReason::kGrowth:
    case trace::SnapshotReason::kPeriod:
      return 0;
    default:
      return uint64_t{64} << 20;
  }
}

// Everything is still: the copy is made. It is a child of the process, not of the helper: orphans would get an exit
// signal, and perhaps the program as parent.
void copy_process(Taking& taking) noexcept {
  // What other streams record from now on has its time, which is later than the cut.
  if (active_stream.stream.load(std::memory_order_relaxed) != ActiveStream::kContended)
    active_stream.stream.exchange(taking.stream, std::memory_order_seq_cst);
  taking.cut = now_ticks();
  if (taking.counted != nullptr) taking.counted->store(0, std::memory_order_relaxed);
  const long copy = sys::call(SYS_clone, CLONE_PARENT | CLONE_UNTRACED, 0, 0, 0, 0);
  if (copy == 0) write_picture(taking);
  taking.writer = copy;
}

// The helper: shares the memory, and so the thread pointer, of the taking thread, which sleeps. Nothing here may touch
// thread-local storage.
void help(Taking& taking) noexcept {
  // The helper's own table of descriptors, which may be used up.
  for (int fd = 0; fd < 3; ++fd) sys::close(fd);
  taking.memory_short = memory_headroom() < taking.memory_needed;
  if (taking.memory_short) return;
  picture::Freezer freezer(taking.pid, taking.tid, taking.others, map_for_picture);
  for (unsigned attempt = 1;; ++attempt) {
    taking.frozen = now_ticks();
    taking.error = freezer.freeze(attempt == kMostAttempts);
    if (taking.error != 0) return;
    // This process shares the memory, so it may ask for its own.
    taking.resident = picture::read_resident(0, exact_below(taking.reason));
    copy_process(taking);
    const bool again = attempt < kMostAttempts && taking.writer > 0 && freezer.any_woke();
    freezer.thaw();
    taking.thawed = now_ticks();
    if (!again) return;
    // A thread ran while the copy was made: it is worth nothing. (If it is quick enough to finish: no record names it.)
    sys::call(SYS_kill, taking.writer, 9);
    taking.spoiled[attempt] = taking.writer;
    trace::FileHeader& header = *trace_output.header();
    taking.id = std::atomic_ref<uint32_t>(header.next_picture).fetch_add(1, std::memory_order_relaxed);
  }
}

extern "C" [[gnu::visibility("hidden"), gnu::used]] void tidemark_snapshot_helper(Taking* taking) noexcept {
  help(*taking);
  sys::call(SYS_exit, 0);
}

// clone(CLONE_VM | CLONE_VFORK | CLONE_UNTRACED) onto a stack of its own: returns the helper's pid when it is gone.
long run_helper(Taking* taking, void* stack_top) noexcept {
  long result = 0;
  register Taking* argument asm("r12") = taking;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r12, %%rdi\n\t"
      "call tidemark_snapshot_helper\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "a"(SYS_clone), "D"(CLONE_VM | CLONE_VFORK | CLONE_UNTRACED), "S"(stack_top), "d"(0), "r"(argument)
      : "rcx", "r11", "memory");
  return result;
}

bool died(int status) noexcept { return (status & 0x7f) != 0; }

void count_pictures(int more) noexcept {
  std::atomic_ref<uint32_t>(trace_output.header()->pictures_open)
      .fetch_add(static_cast<uint32_t>(more), std::memory_order_seq_cst);
}

// Whether /proc is there and shows this process under its own number, and not another namespace's.
bool proc_is_ours(uint32_t pid) noexcept {
  char text[16] = {};
  const long length = sys::readlink("/proc/self", text, sizeof(text) - 1);
  const char* at = text;
  return length > 0 && picture::parse_number(at, text + length, 10) == pid;
}

}  // namespace

std::atomic<uintptr_t>* PendingArguments::keep(const void* argument) noexcept {
  if (argument == nullptr) return nullptr;
  for (std::atomic<uintptr_t>& place : places_) {
    uintptr_t none = 0;
    if (place.compare_exchange_strong(none, reinterpret_cast<uintptr_t>(argument), std::memory_order_acq_rel))
      return &place;
  }
  return nullptr;
}

size_t PendingArguments::copy(uint64_t* to, size_t most) const noexcept {
  size_t count = 0;
  for (const std::atomic<uintptr_t>& place : places_) {
    const uintptr_t argument = place.load(std::memory_order_acquire);
    if (argument != 0 && count < most) to[count++] = argument;
  }
  return count;
}

void Snapshots::start(uint64_t now) noexcept {
  taking_.store(false, std::memory_order_relaxed);
  started_ = now;
  paused_ticks_.store(0, std::memory_order_relaxed);
  last_pause_ = last_resident_ = 0;
  for (std::atomic<pid_t>& writer : writers_) writer.store(0, std::memory_order_relaxed);
  void* const page = sys::mmap(own_address(kPage), kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  counted_ = sys::failed(page) ? nullptr : static_cast<std::atomic<uint32_t>*>(page);
  const SnapshotSettings& wanted = settings.snapshot;
  next_period_.store(wanted.period_ns == 0 ? UINT64_MAX : now, std::memory_order_relaxed);
  next_growth_.store(wanted.growth_percent == 0 ? UINT64_MAX : kLeastGrown, std::memory_order_relaxed);
}

bool Snapshots::asked() const noexcept {
  const trace::FileHeader* const header = trace_output.header();
  return std::atomic_ref<const uint32_t>(header->snapshots_wanted).load(std::memory_order_relaxed) !=
         std::atomic_ref<const uint32_t>(header->snapshots_answered).load(std::memory_order_relaxed);
}

uint64_t Snapshots::ticks_until_due(uint64_t now) const noexcept {
  const uint64_t next = next_period_.load(std::memory_order_relaxed);
  if (next == UINT64_MAX) return UINT64_MAX;
  return next > now ? next - now : 0;
}

void Snapshots::consider(ThreadState& thread, uint64_t now, uint64_t resident) noexcept {
  reap(WNOHANG);
  const bool asked_for = asked();
  const bool grown = resident >= next_growth_.load(std::memory_order_relaxed);
  const bool period = now >= next_period_.load(std::memory_order_relaxed);
  if (!asked_for && !grown && !period) return;
  const SnapshotCaller caller = TIDEMARK_SNAPSHOT_CALLER();
  if (asked_for) {
    trace::FileHeader& header = *trace_output.header();
    const uint32_t wanted = std::atomic_ref<uint32_t>(header.snapshots_wanted).load(std::memory_order_acquire);
    const bool taken = take(thread, trace::SnapshotReason::kCommand, caller);
    if (!taken) std::atomic_ref<uint32_t>(header.snapshots_refused).fetch_add(1, std::memory_order_relaxed);
    std::atomic_ref<uint32_t>(header.snapshots_answered).store(wanted, std::memory_order_release);
    return;
  }
  if (period) {
    const uint64_t ticks = settings.snapshot.period_ns / 1000 * sampler.ticks_per_20_us() / 20;
    next_period_.store(now + ticks, std::memory_order_relaxed);
    take(thread, trace::SnapshotReason::kPeriod, caller);
    return;
  }
  // As long as the pause before, scaled by what has to be copied; 1 ms per 100 MB before there was one.
  const uint64_t pause = last_resident_ != 0 ? last_pause_ * (resident / 4096) / (last_resident_ / 4096 + 1)
                                             : (resident >> 20) * sampler.ticks_per_20_us() / 2;
  if (paused_ticks_.load(std::memory_order_relaxed) + pause > (now - started_) / kBudget) return;
  next_growth_.store(resident / 100 * settings.snapshot.growth_percent, std::memory_order_relaxed);
  last_resident_ = resident;
  take(thread, trace::SnapshotReason::kGrowth, caller);
}

void Snapshots::take_at_end(ThreadState& thread, trace::SnapshotReason reason, const SnapshotCaller& caller) noexcept {
  if (settings.snapshot.at_exit) take(thread, reason, caller);
  wait_until_counted();
}

// The process is about to end, and with it all that copies can learn of its pages.
void Snapshots::wait_until_counted() noexcept {
  if (counted_ == nullptr || globals.restricted.load(std::memory_order_relaxed)) return;
  const int64_t begun = sys::clock_ns(CLOCK_MONOTONIC);
  const struct timespec pause = {0, 50'000};
  for (size_t i = 0; i < kMostOpen; ++i) {
    while (writers_[i].load(std::memory_order_acquire) != 0 && counted_[i].load(std::memory_order_acquire) == 0) {
      reap(WNOHANG);
      if (sys::clock_ns(CLOCK_MONOTONIC) - begun > kCountPatienceNs) return;
      sys::call(SYS_nanosleep, &pause, nullptr);
    }
  }
}

void Snapshots::skip(ThreadState& thread, trace::SnapshotReason reason, trace::SkipReason why, long error) noexcept {
  trace::SnapshotSkippedRecord record;
  record.reason = static_cast<uint64_t>(reason);
  record.why = static_cast<uint64_t>(why);
  record.error = error < 0 ? static_cast<uint64_t>(-error) : static_cast<uint64_t>(error);
  thread.write_sized(record, 0);
}

// Copies that have ended: nobody else may wait for them.
void Snapshots::reap(int options) noexcept {
  if (globals.restricted.load(std::memory_order_relaxed)) return;
  for (std::atomic<pid_t>& place : writers_) {
    pid_t writer = place.load(std::memory_order_acquire);
    if (writer == 0) continue;
    int status = 0;
    const long answer = sys::call(SYS_wait4, writer, &status, options | __WCLONE, 0);
    if (answer == 0 || !place.compare_exchange_strong(writer, 0, std::memory_order_acq_rel)) continue;
    if (answer == writer && died(status)) count_pictures(-1);  // it could not do so itself
  }
}

// Pictures of a process that asks for one after the other would pile up.
bool Snapshots::make_room(ThreadState& thread, trace::SnapshotReason reason) noexcept {
  const int64_t begun = sys::clock_ns(CLOCK_MONOTONIC);
  for (;;) {
    reap(WNOHANG);
    size_t open = 0;
    for (const std::atomic<pid_t>& writer : writers_) open += writer.load(std::memory_order_relaxed) != 0 ? 1 : 0;
    if (open < kMostOpen) return true;
    const bool patient = reason != trace::SnapshotReason::kGrowth && reason != trace::SnapshotReason::kPeriod;
    if (!patient || sys::clock_ns(CLOCK_MONOTONIC) - begun > kRoomPatienceNs) {
      skip(thread, reason, trace::SkipReason::kBusy, 0);
      return false;
    }
    const struct timespec pause = {0, 1'000'000};
    sys::call(SYS_nanosleep, &pause, nullptr);
  }
}

// One at a time. Exec and exit wait, too: exec would wait for threads that the helper holds, with a lock of the
// kernel's that the helper needs to hold them.
bool Snapshots::begin(bool patient) noexcept {
  const int64_t begun = sys::clock_ns(CLOCK_MONOTONIC);
  while (taking_.exchange(true, std::memory_order_acq_rel)) {
    if (!patient || sys::clock_ns(CLOCK_MONOTONIC) - begun > kRoomPatienceNs) return false;
    const struct timespec pause = {0, 100'000};
    sys::call(SYS_nanosleep, &pause, nullptr);
  }
  return true;
}

bool Snapshots::hold_off() noexcept { return !globals.restricted.load(std::memory_order_relaxed) && begin(true); }

void Snapshots::go_on() noexcept { taking_.store(false, std::memory_order_release); }

void Snapshots::wait_for_writers() noexcept { reap(0); }

// The helper, with all that it does: the copy is made, or `taking` says why not.
void Snapshots::run(Taking& taking) noexcept {
  auto* const stack = static_cast<uint8_t*>(map_own(kHelperStack));
  const long helper = stack == nullptr ? -ENOMEM : run_helper(&taking, stack + kHelperStack);
  if (sys::failed(helper)) {
    taking.writer = helper;
  } else {
    sys::call(SYS_wait4, helper, nullptr, __WCLONE, 0);
    for (long& copy : taking.spoiled) {
      int status = 0;
      const bool finished = copy != 0 && sys::call(SYS_wait4, copy, &status, __WCLONE, 0) == copy && !died(status);
      if (finished) count_pictures(1);  // it has taken itself off, and the next one will
      copy = 0;
    }
  }
  if (stack != nullptr) sys::munmap(stack, kHelperStack);
}

bool Snapshots::take(ThreadState& thread, trace::SnapshotReason reason, const SnapshotCaller& caller) noexcept {
  const auto not_taken = [&](trace::SkipReason why, long error) {
    skip(thread, reason, why, error);
    return false;
  };
  if (globals.restricted.load(std::memory_order_relaxed)) return not_taken(trace::SkipReason::kRestricted, 0);
  // A vfork child shares everything; its parent's threads are not its own.
  if (sys::getpid() != globals.pid) return false;
  if (!proc_is_ours(globals.pid)) return not_taken(trace::SkipReason::kThreads, ESRCH);
  uint64_t all_signals = ~uint64_t{0}, signals_before = 0;
  sys::call(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, &signals_before, 8);
  const bool patient = reason != trace::SnapshotReason::kGrowth && reason != trace::SnapshotReason::kPeriod;
  bool taken = false;
  if (!begin(patient)) {
    skip(thread, reason, trace::SkipReason::kBusy, 0);
  } else {
    if (make_room(thread, reason)) taken = take_alone(thread, reason, caller);
    go_on();
  }
  sys::call(SYS_rt_sigprocmask, SIG_SETMASK, &signals_before, nullptr, 8);
  return taken;
}

// With signals blocked and nobody else taking one.
bool Snapshots::take_alone(ThreadState& thread, trace::SnapshotReason reason, const SnapshotCaller& caller) noexcept {
  const OwnWaits own;
  Taking taking;
  taking.pid = globals.pid;
  taking.tid = sys::gettid();
  taking.reason = reason;
  taking.memory_needed = kSpareMemory + sampler.resident_anonymous() / 8;
  taking.stream = thread.stream;
  picture::Thread& taker = taking.taker;
  taker.tid = taking.tid;
  taker.kind = caller.stack_dead ? trace::PictureThreadRecord::kStackDead : trace::PictureThreadRecord::kTaker;
  taker.pc = caller.caller.pc;
  taker.sp = caller.caller.sp;
  taker.bp = caller.caller.bp;
  taker.thread_pointer = thread_pointer();
  // From inside a hook of malloc: its block is about to be given to the program.
  const bool in_hook = reason == trace::SnapshotReason::kGrowth || reason == trace::SnapshotReason::kPeriod ||
                       reason == trace::SnapshotReason::kCommand;
  if (in_hook) taker.registers[taker.register_count++] = thread.last_allocated;
  if (!caller.stack_dead) {
    taker.registers[taker.register_count++] = caller.caller.bp;
    for (size_t i = 0; i < kSavedRegisters && caller.saved != nullptr; ++i)
      taker.registers[taker.register_count++] = caller.saved[i];
  }

  trace::FileHeader& header = *trace_output.header();
  taking.id = std::atomic_ref<uint32_t>(header.next_picture).fetch_add(1, std::memory_order_relaxed);
  count_pictures(1);
  // Only one is taken at a time, and there is room for it.
  size_t place = 0;
  while (place < kMostOpen && writers_[place].load(std::memory_order_relaxed) != 0) ++place;
  if (place == kMostOpen) place = 0;
  if (counted_ != nullptr) taking.counted = &counted_[place];
  run(taking);
  if (taking.error == EPERM) {
    // Yama lets descendants trace nobody but who allows it, which a process can at any time.
    if (sys::call(SYS_prctl, PR_SET_PTRACER, taking.pid, 0, 0, 0) == 0) {
      taking.error = 0;
      run(taking);
      sys::call(SYS_prctl, PR_SET_PTRACER, program_tracer.load(std::memory_order_relaxed), 0, 0, 0);
    }
  }
  const bool taken = taking.error == 0 && taking.writer > 0;
  if (!taken) {
    count_pictures(-1);
    if (taking.memory_short)
      skip(thread, reason, trace::SkipReason::kMemory, 0);
    else if (taking.error != 0)
      skip(thread, reason, trace::SkipReason::kThreads, taking.error);
    else
      skip(thread, reason, trace::SkipReason::kFork, taking.writer);
  } else {
    writers_[place].store(static_cast<pid_t>(taking.writer), std::memory_order_release);
    last_pause_ = taking.thawed - taking.frozen;
    paused_ticks_.fetch_add(last_pause_, std::memory_order_relaxed);
    trace::SnapshotRecord record;
    record.id = taking.id;
    record.reason = static_cast<uint64_t>(reason);
    record.cut = taking.cut;
    record.pause_ns = last_pause_ * 20'000 / sampler.ticks_per_20_us();
    record.threads = taking.others.count;
    for (size_t i = 0; i < taking.others.count; ++i)
      record.half_read += taking.others.items[i].kind == trace::PictureThreadRecord::kHalfRead ? 1 : 0;
    thread.write_sized(record, 0);
  }
  if (taking.others.items != nullptr)
    sys::munmap(taking.others.items, taking.others.capacity * sizeof(picture::Thread));
  return taken;
}

}  // namespace tidemark
