// The sized records: their fields, once, for writer and reader alike. Each record lists its fields in `visit`; a
// PayloadWriter or a PayloadReader walks the list, so the two sides cannot drift apart. Fields are added at the end
// only: a reader of a shorter (older) payload leaves the rest at its defaults, and steps over what a longer one adds.
//
// `time` is the event's time in ticks; it travels as a delta and is filled in by the chunk writer and decoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "trace/format.h"
#include "trace/varint.h"

namespace tidemark::trace {

// Bytes that live elsewhere: in the chunk while decoding, in the recorder's memory while encoding.
struct Bytes {
  const uint8_t* data = nullptr;
  size_t size = 0;

  static Bytes of(const char* text) noexcept {
    return {reinterpret_cast<const uint8_t*>(text), text == nullptr ? 0 : std::strlen(text)};
  }
};

// From here on the stream records this thread. `tid` is the kernel's; `serial` counts threads within the trace, from 1.
struct ThreadRecord {
  static constexpr Tag kTag = Tag::kThread;
  uint64_t serial = 0, tid = 0;
  uint64_t stack_low = 0, stack_high = 0;  // bounds of the stack if known, else 0
  Bytes name;
  template <class V>
  void visit(V& v) {
    v(serial), v(tid), v(stack_low), v(stack_high), v(name);
  }
};

// The current thread of the stream is called so from now on.
struct ThreadNameRecord {
  static constexpr Tag kTag = Tag::kThreadName;
  uint64_t serial = 0;
  Bytes name;
  template <class V>
  void visit(V& v) {
    v(serial), v(name);
  }
};

// A module (executable, library, vdso) is mapped at [start, end); file addresses are pc - bias.
struct ModuleLoadRecord {
  static constexpr Tag kTag = Tag::kModuleLoad;
  uint64_t index = 0;  // counts modules within the trace, from 0
  uint64_t start = 0, end = 0, bias = 0;
  Bytes build_id, path;
  // The module's thread-local block begins that many bytes below each thread's thread pointer; 0: it has none, or it is
  // not known.
  uint64_t tls_offset = 0;
  template <class V>
  void visit(V& v) {
    v(index), v(start), v(end), v(bias), v(build_id), v(path), v(tls_offset);
  }
};

struct ModuleUnloadRecord {
  static constexpr Tag kTag = Tag::kModuleUnload;
  uint64_t index = 0;
  template <class V>
  void visit(V& v) {
    v(index);
  }
};

// The process as the kernel sees it; bytes, from /proc/PID/status and getrusage. Fields that were not read are 0.
struct SampleRecord {
  static constexpr Tag kTag = Tag::kSample;
  uint64_t monotonic_ns = 0;  // CLOCK_MONOTONIC at `time`: ties ticks to seconds
  uint64_t rss = 0, rss_anon = 0, rss_file = 0, rss_shmem = 0, swap = 0;
  uint64_t high_water = 0;            // VmHWM: since this image began
  uint64_t max_rss = 0;               // ru_maxrss: survives exec, and a child starts with its parent's
  uint64_t recorder_bytes = 0;        // of rss: the recorder's trace pages and tables (estimate from above)
  uint64_t recorder_trace_bytes = 0;  // of recorder_bytes: trace pages (in rss_file; in rss_shmem on tmpfs)
  // ru_nvcsw: how often threads have given up the processor to wait for something; 0: not known.
  uint64_t waits = 0;
  template <class V>
  void visit(V& v) {
    v(monotonic_ns), v(rss), v(rss_anon), v(rss_file), v(rss_shmem), v(swap), v(high_water), v(max_rss);
    v(recorder_bytes), v(recorder_trace_bytes), v(waits);
  }
};

struct MarkRecord {
  static constexpr Tag kTag = Tag::kMark;
  Bytes text;
  template <class V>
  void visit(V& v) {
    v(text);
  }
};

// The process forked; `pid` is the child's.
struct ForkRecord {
  static constexpr Tag kTag = Tag::kFork;
  uint64_t pid = 0;
  template <class V>
  void visit(V& v) {
    v(pid);
  }
};

// The process is about to become another image. If exec fails, kExecFailed follows and the record goes on.
struct ExecRecord {
  static constexpr Tag kTag = Tag::kExec;
  Bytes path;
  template <class V>
  void visit(V& v) {
    v(path);
  }
};

struct ExecFailedRecord {
  static constexpr Tag kTag = Tag::kExecFailed;
  uint64_t error = 0;
  template <class V>
  void visit(V& v) {
    v(error);
  }
};

// A vfork child (it shares this heap and this trace) becomes another image; `pid` is the child's.
struct SpawnRecord {
  static constexpr Tag kTag = Tag::kSpawn;
  uint64_t pid = 0;
  Bytes path;
  template <class V>
  void visit(V& v) {
    v(pid), v(path);
  }
};

// The program itself (not its allocator) mapped memory.
struct MapRecord {
  static constexpr Tag kTag = Tag::kMap;
  uint64_t address = 0, size = 0, protection = 0, flags = 0, node = 0;
  template <class V>
  void visit(V& v) {
    v(address), v(size), v(protection), v(flags), v(node);
  }
};

struct UnmapRecord {
  static constexpr Tag kTag = Tag::kUnmap;
  uint64_t address = 0, size = 0;
  template <class V>
  void visit(V& v) {
    v(address), v(size);
  }
};

struct RemapRecord {
  static constexpr Tag kTag = Tag::kRemap;
  uint64_t old_address = 0, old_size = 0, new_address = 0, new_size = 0, node = 0;
  template <class V>
  void visit(V& v) {
    v(old_address), v(old_size), v(new_address), v(new_size), v(node);
  }
};

enum class LifeEndKind : uint64_t { kMainReturned = 1, kExit = 2, kImmediateExit = 3, kQuickExit = 4 };

// The end of the program's life: what follows is teardown.
struct LifeEndRecord {
  static constexpr Tag kTag = Tag::kLifeEnd;
  uint64_t kind = 0;    // LifeEndKind
  uint64_t status = 0;  // exit status, low 8 bits count
  template <class V>
  void visit(V& v) {
    v(kind), v(status);
  }
};

// Limits on the process's memory, and what counts against each; bytes, 0 for a limit that is not there. At the start,
// and when the program sets itself one: a later record replaces an earlier one.
struct LimitsRecord {
  static constexpr Tag kTag = Tag::kLimits;
  uint64_t resident = 0;                 // of this process
  uint64_t cgroup = 0, cgroup_used = 0;  // of the group that leaves least, without page cache; by all in it
  uint64_t address_space = 0, address_space_used = 0;  // RLIMIT_AS; the recorder's window of the trace counts as well
  uint64_t data = 0, data_used = 0;                    // RLIMIT_DATA
  template <class V>
  void visit(V& v) {
    v(resident), v(cgroup), v(cgroup_used), v(address_space), v(address_space_used), v(data), v(data_used);
  }
};

// Why a snapshot was taken.
enum class SnapshotReason : uint64_t {
  kMainReturned = 1,
  kExit = 2,
  kGrowth = 3,
  kPeriod = 4,
  kClient = 5,
  kCommand = 6
};

// The threads were stopped for a snapshot. Written by the thread that took it, after they go on; the picture follows
// in a stream of its own, by a copy of the process, and may never be finished.
struct SnapshotRecord {
  static constexpr Tag kTag = Tag::kSnapshot;
  uint64_t id = 0;
  uint64_t reason = 0;     // SnapshotReason
  uint64_t cut = 0;        // ticks: events up to then are in the picture
  uint64_t pause_ns = 0;   // from the first thread stopped to the last one going on
  uint64_t threads = 0;    // besides the one that took it
  uint64_t half_read = 0;  // of these, asleep in calls that are not to be interrupted: registers are not known
  template <class V>
  void visit(V& v) {
    v(id), v(reason), v(cut), v(pause_ns), v(threads), v(half_read);
  }
};

enum class SkipReason : uint64_t {
  kMemory = 1,      // a memory limit is too near
  kThreads = 2,     // threads could not be stopped: ptrace is forbidden, or a debugger has them
  kFork = 3,        // the process could not be copied
  kRestricted = 4,  // a seccomp filter
  kBusy = 5,        // the picture before was not finished
};

// A snapshot was due and was not taken.
struct SnapshotSkippedRecord {
  static constexpr Tag kTag = Tag::kSnapshotSkipped;
  uint64_t reason = 0;  // SnapshotReason
  uint64_t why = 0;     // SkipReason
  uint64_t error = 0;   // errno, 0 without
  template <class V>
  void visit(V& v) {
    v(reason), v(why), v(error);
  }
};

// The first record of a picture.
struct PictureRecord {
  static constexpr Tag kTag = Tag::kPicture;
  uint64_t id = 0;
  uint64_t reason = 0;   // SnapshotReason
  uint64_t cut = 0;      // ticks
  uint64_t outside = 0;  // 1: read by another process while this one slept
  template <class V>
  void visit(V& v) {
    v(id), v(reason), v(cut), v(outside);
  }
};

// Only in pictures read from outside, behind kPicture: where the stream ended then. (A copy of the process sees to it
// that the next event of every stream has its time; from outside nobody can.) Records of the stream from this place on
// come after the cut, whatever their time.
struct StreamCutRecord {
  static constexpr Tag kTag = Tag::kStreamCut;
  uint64_t stream = 0, sequence = 0;  // of the stream's last chunk
  uint64_t offset = 0;                // in that chunk
  template <class V>
  void visit(V& v) {
    v(stream), v(sequence), v(offset);
  }
};

// A line of the memory map, in order of addresses; all of it comes before the words.
struct RegionRecord {
  static constexpr Tag kTag = Tag::kRegion;
  static constexpr uint64_t kRead = 1, kWrite = 2, kExecute = 4, kShared = 8;
  static constexpr uint64_t kOwn = 16;      // the recorder's
  static constexpr uint64_t kScanned = 32;  // its words are in the picture
  uint64_t start = 0, end = 0, flags = 0, offset = 0;
  Bytes path;  // as /proc/PID/maps has it: a path, [heap], [stack], [anon:…], empty
  template <class V>
  void visit(V& v) {
    v(start), v(end), v(flags), v(offset), v(path);
  }
};

// A thread of the picture.
struct PictureThreadRecord {
  static constexpr Tag kTag = Tag::kPictureThread;
  // kTaker: the thread that took the snapshot (its stack counts from `sp`, its registers are those of the program's
  // call). kHalfRead: asleep in a system call; only `sp`, `pc` and the call's arguments are known. kStackDead: main has
  // returned, so nothing on the stack counts.
  enum Kind : uint64_t { kStopped = 0, kTaker = 1, kHalfRead = 2, kStackDead = 3 };
  uint64_t tid = 0, kind = 0;
  uint64_t sp = 0, pc = 0;
  uint64_t thread_pointer = 0;  // 0: not known
  Bytes registers;              // 8 bytes each
  Bytes frames;                 // innermost first: 8 bytes of pc, 8 bytes of the frame's end (its caller's sp)
  template <class V>
  void visit(V& v) {
    v(tid), v(kind), v(sp), v(pc), v(thread_pointer), v(registers), v(frames);
  }
};

// Which pages from `start` on are in memory, the recorder's own tables included: `runs` are prefix-coded numbers, page
// count
// << 2 | PageState, one for each run of equal pages. Regions without a page in memory have no record.
enum class PageState : uint64_t { kAbsent = 0, kPresent = 1, kSwapped = 2, kPresentFile = 3 };
struct ResidencyRecord {
  static constexpr Tag kTag = Tag::kResidency;
  uint64_t start = 0;
  Bytes runs;
  template <class V>
  void visit(V& v) {
    v(start), v(runs);
  }
};

// A difference of two values below 2^48: in units of 16 where it can be, zigzag, with a last bit that tells.
constexpr uint64_t code_word_delta(uint64_t delta) noexcept {
  const auto difference = static_cast<int64_t>(delta);
  return (delta & 15) == 0 ? zigzag(difference >> 4) << 1 : zigzag(difference) << 1 | 1;
}
constexpr uint64_t decode_word_delta(uint64_t code) noexcept {
  return (code & 1) == 0 ? static_cast<uint64_t>(unzigzag(code >> 1)) << 4 : static_cast<uint64_t>(unzigzag(code >> 1));
}

// Words that may be pointers to the heap. `words` are pairs of prefix-coded numbers: the word's address less that of
// the word before it (of the first: less `source`), in units of 8 bytes (4 for kPossibleCompressed); the value less the
// value before (of the first: less `value`), as code_word_delta() codes it. Sources go up from record to record, too,
// for each kind by itself.
struct WordsRecord {
  static constexpr Tag kTag = Tag::kWords;
  enum Kind : uint64_t {
    kPlain = 0,
    kTagged = 1,       // the value without its upper 16 bits, which were not 0
    kKernel = 2,       // what epoll keeps, and arguments of threads not begun; the source only counts
    kVtable = 3,       // a pointer into a module's constants, which may tell an object's type; of many, some
    kPossibleXor = 4,  // a sample of words that may be the xor of two addresses: multiples of 16
    kPossibleCompressed =
        5,  // a sample of 32-bit words, and of words, that may be an address in another unit or from another base
  };
  uint64_t kind = 0, source = 0, value = 0, count = 0;
  Bytes words;
  template <class V>
  void visit(V& v) {
    v(kind), v(source), v(value), v(count), v(words);
  }
};

// The picture is whole, or ends here because of `error`.
struct PictureEndRecord {
  static constexpr Tag kTag = Tag::kPictureEnd;
  uint64_t error = 0;  // errno; 0: whole
  uint64_t words = 0, scanned_bytes = 0, swapped_bytes = 0, unreadable_bytes = 0, duration_ns = 0;
  // The process's resident set at the cut, as the kernel counts it; 0: not known.
  uint64_t rss = 0, rss_anon = 0, rss_file = 0, rss_shmem = 0;
  uint64_t trace_bytes = 0;    // of rss: the trace's pages; 0: they are among the pages of the picture
  uint64_t trace_claimed = 0;  // and at most so many more, which were being made present
  template <class V>
  void visit(V& v) {
    v(error), v(words), v(scanned_bytes), v(swapped_bytes), v(unreadable_bytes), v(duration_ns);
    v(rss), v(rss_anon), v(rss_file), v(rss_shmem), v(trace_bytes), v(trace_claimed);
  }
};

// Writes a payload to `cursor`, which must have kMaxPayloadBytes + 16 writable bytes.
class PayloadWriter {
 public:
  explicit PayloadWriter(uint8_t* cursor) noexcept : cursor_(cursor) {}
  void operator()(uint64_t value) noexcept { cursor_ = put_varint(cursor_, value); }
  void operator()(const Bytes& bytes) noexcept {
    const size_t size = bytes.size < kMaxTextBytes ? bytes.size : kMaxTextBytes;
    cursor_ = put_varint(cursor_, size);
    if (size != 0) std::memcpy(cursor_, bytes.data, size);
    cursor_ += size;
  }
  uint8_t* cursor() const noexcept { return cursor_; }

 private:
  uint8_t* cursor_;
};

// Reads a payload; a field that is missing or cut leaves its default, and `cut()` tells which of the two it was.
class PayloadReader {
 public:
  PayloadReader(const uint8_t* at, const uint8_t* end) noexcept : at_(at), end_(end) {}
  void operator()(uint64_t& value) noexcept {
    uint64_t read = 0;
    if (at_ == end_ || cut_) return;
    const uint8_t* next = get_varint(at_, end_, read);
    if (next == nullptr) {
      cut_ = true;
      return;
    }
    at_ = next;
    value = read;
  }
  void operator()(Bytes& bytes) noexcept {
    uint64_t size = 0;
    (*this)(size);
    if (cut_ || size == 0) return;
    if (size > static_cast<uint64_t>(end_ - at_)) {
      cut_ = true;
      return;
    }
    bytes = {at_, static_cast<size_t>(size)};
    at_ += size;
  }
  bool cut() const noexcept { return cut_; }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
  bool cut_ = false;
};

// Reads a record from a sized event's payload (behind the time). False: the payload is damaged.
template <class Record>
[[nodiscard]] bool read_record(Bytes payload, Record& record) noexcept {
  PayloadReader reader(payload.data, payload.data + payload.size);
  record.visit(reader);
  return !reader.cut();
}

}  // namespace tidemark::trace
