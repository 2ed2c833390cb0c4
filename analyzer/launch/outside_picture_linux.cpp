#include <sys/mman.h>

#include <cerrno>
#include <set>

#include "analyzer/base/file.h"
#include "analyzer/launch/outside_picture.h"
#include "analyzer/launch/ticks.h"
#include "picture/freeze_linux.h"
#include "picture/picture.h"
#include "picture/text_file_linux.h"

namespace tidemark::launch {
namespace {

constexpr size_t kMostKernelWords = 4096;

void* map_memory(size_t bytes) noexcept {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

// The clock of the trace that a picture is written to.
thread_local trace::FileHeader clock_of;
uint64_t now_ticks() noexcept { return Moment::now().ticks(clock_of); }

// Chunks are filled in memory and written when they are done.
class Chunks {
 public:
  explicit Chunks(OutsideTrace& trace) : trace_(trace), memory_(trace::kMaxChunkBytes) {}

  picture::ChunkSource source() noexcept {
    return {this, [](void* self, size_t bytes) noexcept { return static_cast<Chunks*>(self)->claim(bytes); },
            [](void* self, size_t used) noexcept { return static_cast<Chunks*>(self)->done(used); }};
  }

 private:
  uint8_t* claim(size_t bytes) noexcept {
    offset_ = trace_.claim_for_picture(bytes);
    return offset_ == 0 ? nullptr : memory_.data();
  }
  int done(size_t used) noexcept { return trace_.write_chunk(offset_, memory_.data(), used) ? 0 : EIO; }

  OutsideTrace& trace_;
  std::vector<uint8_t> memory_;
  uint64_t offset_ = 0;
};

// All threads as they sleep. False: one is awake.
bool read_all_asleep(uint32_t pid, std::vector<picture::Thread>& threads) {
  threads.clear();
  picture::PathText path;
  path.process(pid).add("/task");
  bool asleep = true;
  picture::for_each_number(path.text(), [&](uint32_t tid) {
    picture::Thread thread;
    if (asleep && picture::read_asleep(pid, tid, thread))
      threads.push_back(thread);
    else
      asleep = false;
  });
  return asleep && !threads.empty();
}

// Whether they are the same threads, and none has run since.
bool still_asleep(uint32_t pid, const std::vector<picture::Thread>& before) {
  std::vector<picture::Thread> now;
  if (!read_all_asleep(pid, now) || now.size() != before.size()) return false;
  std::set<std::pair<uint32_t, uint64_t>> seen;
  for (const picture::Thread& thread : before) seen.emplace(thread.tid, thread.switches);
  for (const picture::Thread& thread : now) {
    if (seen.count({thread.tid, thread.switches}) == 0) return false;
  }
  return true;
}

}  // namespace

OutsidePicture take_outside_picture(OutsideTrace& trace, pid_t pid,
                                    const std::vector<trace::StreamCutRecord>& stream_cuts, bool hold) {
  OutsidePicture result;
  const auto process = static_cast<uint32_t>(pid);
  clock_of = trace.header();
  std::vector<picture::Thread> threads;
  picture::Threads held;
  picture::Freezer freezer(process, 0, held, map_memory);
  if (hold) {
    if (const int error = freezer.freeze(true); error != 0) {
      result.outcome = OutsidePicture::Outcome::kNotAllowed;
      result.problem = "its threads cannot be held: " + error_text(error);
      return result;
    }
    threads.assign(held.items, held.items + held.count);
    result.held = true;
  } else if (!read_all_asleep(process, threads)) {
    return result;
  }

  std::vector<uint64_t> kernel_words(kMostKernelWords);
  Chunks chunks(trace);
  picture::Job job;
  job.id = trace.next_picture_id();
  job.reason = trace::SnapshotReason::kCommand;
  job.cut = now_ticks();
  job.memory_of = job.files_of = process;
  job.own_start = clock_of.own_start;
  job.own_end = clock_of.own_end;
  job.own_used = job.own_end;
  job.trace_bytes = trace.header().claimed_bytes;
  job.resident = picture::read_resident(process, UINT64_MAX);
  job.threads = threads.data();
  job.thread_count = threads.size();
  job.kernel_words = kernel_words.data();
  job.kernel_word_count = picture::read_epoll_words(process, kernel_words.data(), kernel_words.size());
  job.stream_cuts = stream_cuts.data();
  job.stream_cut_count = stream_cuts.size();
  job.chunks = chunks.source();
  job.now_ticks = now_ticks;
  job.map_memory = map_memory;
  const uint64_t begun = Moment::now().monotonic_ns;
  const int error = picture::write_picture(job);
  result.seconds = static_cast<double>(Moment::now().monotonic_ns - begun) * 1e-9;
  const bool good = hold || still_asleep(process, threads);
  freezer.thaw();
  if (held.items != nullptr) ::munmap(held.items, held.capacity * sizeof(picture::Thread));
  if (error != 0) {
    result.outcome = OutsidePicture::Outcome::kNotAllowed;
    result.problem = error == EACCES ? "its memory cannot be read" : error_text(error);
    return result;
  }
  if (!good) return result;
  // Only now does the picture count.
  trace::SnapshotRecord record;
  record.id = job.id;
  record.reason = static_cast<uint64_t>(job.reason);
  record.cut = job.cut;
  record.pause_ns = hold ? static_cast<uint64_t>(result.seconds * 1e9) : 0;
  record.threads = threads.size();
  for (const picture::Thread& thread : threads)
    record.half_read += thread.kind == trace::PictureThreadRecord::kHalfRead ? 1 : 0;
  if (!trace.snapshot_taken(record)) return result;
  result.outcome = OutsidePicture::Outcome::kTaken;
  return result;
}

}  // namespace tidemark::launch
