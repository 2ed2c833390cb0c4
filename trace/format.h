// The trace file: everything that the recorder and the analyzer must agree on, and nothing else.
//
// A trace is one sparse file: a header of kHeaderBytes, then chunks. A chunk is claimed by an atomic add on
// FileHeader::claimed_bytes and belongs to one writer (a *stream*); the writer fills it with plain stores into a shared
// mapping, so everything that was stored survives SIGKILL. Inside a chunk, records follow each other; a record's tag
// byte is stored after its fields, and chunks start as zeros, so the first zero tag is where the chunk ends (so far).
// docs/trace-format.md explains the format for people; the bit diagrams stand here, beside the constants.
//
// Byte order is little-endian; multi-byte fields inside records are unaligned.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidemark::trace {

inline constexpr uint64_t kFileMagic = 0x4b52414d45444954;  // "TIDEMARK"
inline constexpr uint32_t kFormatVersion = 2;
inline constexpr uint32_t kChunkMagic = 0x4b434d54;  // "TMCK"

inline constexpr size_t kHeaderBytes = 16384;
inline constexpr size_t kChunkAlignment = 4096;
inline constexpr size_t kMaxChunkBytes = size_t{1} << 20;

// Times are ticks: the time-stamp counter >> kTickShift (about 6 ns at 2.6 GHz), or CLOCK_MONOTONIC in ns >>
// kTickShift. Two events that are ordered by the program (a free that lets another thread allocate the block) lie at
// least an allocator call apart, which is several ticks; the shift halves the bytes of a time.
inline constexpr unsigned kTickShift = 4;

// A time may be early by this much against other streams (the counter is read without waiting for what came before it).
// For the same address in two streams, a free that finds no block and an allocation within this many ticks after it
// belong together; likewise an allocation where a block still lives, and that block's free soon after.
inline constexpr uint64_t kOrderSlackTicks = 256;

// Heap addresses are coded in units of 16 bytes; unaligned ones and those from kAddressLimit on (no user address on
// x86-64 or aarch64 without special requests; a free of a wild pointer may pass one) use the wide records.
inline constexpr unsigned kAddressShift = 4;
inline constexpr uint64_t kAddressLimit = uint64_t{1} << 47;

// The address that the next event's delta is relative to, after an event about `address`.
constexpr uint64_t next_base_address(uint64_t base, uint64_t address) noexcept {
  return address < kAddressLimit ? address : base;
}

enum class Clock : uint32_t { kTsc = 1, kMonotonic = 2 };

enum class EndKind : uint32_t { kNone = 0, kExited = 1, kSignaled = 2, kReplaced = 3 };  // kReplaced: by exec

// Why a recorder stopped before the end of its process (FileHeader::stop_reason).
enum class StopReason : uint32_t {
  kNone = 0,
  kNoSpace = 1,        // the disk (or quota) is full
  kTraceCap = 2,       // --max-trace-size was reached
  kSeccompStrict = 3,  // the program entered strict seccomp
  kSeccompFilter = 4,  // under a seccomp filter, the space reserved beforehand is used up
  kNoMemory = 5,       // the recorder's own tables could not grow
  kMapFailed = 6,      // a mapping of the trace failed for another reason
  kCount
};

// What could not be recorded, counted in FileHeader::lost[]. The report repeats every non-zero row.
enum class Lost : uint32_t {
  kEventsAfterStop = 0,  // events after recording stopped, counted as long as the header can be reached
  kBootstrap = 1,        // blocks handed out before the real allocator was found
  kNoThreadState = 2,    // events of threads for which no thread state could be made
  kTreeFull = 3,         // events whose stack is not complete: the call tree is full, or no memory for it
  kSampleFailed = 4,     // process samples that could not be taken
  kCount = 16
};

// Results of TIDEMARK_CHECK_UNWIND=1 (FileHeader::unwind_check[]).
enum class UnwindCheck : uint32_t {
  kEvents = 0,       // stacks unwound both ways
  kDifferences = 1,  // stacks that differ
  kSlowPath = 2,     // stacks for which rows did not suffice and libunwind was asked
  kCut = 3,          // stacks that are marked as cut (compared up to the cut)
  kDistinctPcs = 4,  // rows decoded
  kUnchecked = 5,    // stacks that could not be checked (oracle busy in an interrupted frame)
  kCount = 8
};

struct StringRef {
  uint32_t offset;  // from the start of the file, inside the header
  uint32_t bytes;   // without a terminator
};

// Page 0 and the following: written once at the start, but for the fields marked (live).
struct FileHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t header_bytes;
  uint64_t claimed_bytes;    // (live, atomic) file offset behind the last claimed chunk
  uint64_t window_bytes;     // the size to which the file may grow
  uint64_t session_id;       // one `tidemark run`; 0 without
  uint64_t trace_id;         // random, names this trace
  uint64_t parent_trace_id;  // the trace of the process that forked this one, or of the image before exec; 0: none
  uint32_t pid;
  uint32_t parent_pid;
  uint32_t image;              // 0 for the first image of a pid, then counting execs that were recorded
  uint32_t machine;            // ELF e_machine
  uint64_t process_start;      // field 22 of /proc/PID/stat: tells a reused pid
  int64_t start_realtime_ns;   // CLOCK_REALTIME at start_ticks
  int64_t start_monotonic_ns;  // CLOCK_MONOTONIC at start_ticks
  uint64_t start_ticks;
  uint64_t tick_hz_hint;  // (live) ticks a second: as the processor states it (0: it does not), later as measured
  Clock clock;
  uint32_t tick_shift;
  uint32_t address_shift;
  uint32_t page_bytes;
  uint32_t mode;                  // 0 full, 1 sample
  uint32_t flags;                 // kHeaderFlag…
  uint32_t end_kind;              // (live) EndKind
  int32_t end_code;               // (live) exit status or signal number
  uint32_t stop_reason;           // (live) StopReason
  int32_t stop_errno;             // (live)
  uint64_t stop_ticks;            // (live)
  uint64_t max_rss_before_bytes;  // ru_maxrss at the start: what an earlier image of this pid, or its parent, left
  StringRef executable;
  StringRef command_line;  // arguments, each followed by a NUL; may be cut
  StringRef working_directory;
  StringRef allocator;     // path of the module that supplies malloc
  StringRef operator_new;  // path of the module that supplies operator new, empty if none was found
  uint64_t lost[static_cast<size_t>(Lost::kCount)];                 // (live, atomic)
  uint64_t unwind_check[static_cast<size_t>(UnwindCheck::kCount)];  // (live, atomic)
  // Heap snapshots. `tidemark snapshot` counts the first up; the recorder answers by bringing the second up to it.
  uint32_t snapshots_wanted;    // (live, atomic)
  uint32_t snapshots_answered;  // (live, atomic)
  uint32_t next_picture;        // (live, atomic) id of the next snapshot
  uint32_t pictures_open;       // (live, atomic) pictures that are being written; the last writer trims the file
  uint32_t picture_pid;         // (live) the process that writes the newest one: if it is gone, nobody does
  uint32_t snapshots_refused;   // (live, atomic) of those wanted, how many could not be taken
  uint64_t own_start, own_end;  // the recorder's own memory lies in this window of addresses
};
static_assert(sizeof(FileHeader) < kHeaderBytes / 2);

inline constexpr uint32_t kHeaderFlagForked = 1;  // the process was forked by a recorded one, its heap is inherited
inline constexpr uint32_t kHeaderFlagCheckUnwind = 2;     // checking mode was on
inline constexpr uint32_t kHeaderFlagMallocBypassed = 4;  // the program's malloc comes before the recorder's

// A chunk's header. `magic` is stored last: a chunk claimed by a writer that was killed at once is all zeros, and a
// reader steps over it in units of kChunkAlignment.
struct ChunkHeader {
  uint32_t magic;
  uint32_t bytes;     // of the whole chunk, a multiple of kChunkAlignment, at most kMaxChunkBytes
  uint32_t stream;    // the writer; from kOutsideStream on: writers outside the process (`tidemark run`, `mark`)
  uint32_t sequence;  // 0, 1, 2… within the stream
  uint32_t thread;    // serial of the thread that the stream records at the chunk's start; 0: none yet
  uint32_t reserved;
  uint64_t base_time;     // ticks that the first time delta is relative to
  uint64_t base_address;  // what the first address delta is relative to
  uint64_t base_pc;       // what the first NODE's pc is relative to
  uint64_t base_node;     // what the first NODE's id is relative to
  uint64_t reserved2;
};
static_assert(sizeof(ChunkHeader) == 64);

inline constexpr uint32_t kOutsideStream = 0x8000'0000;
// From here up to kOutsideStream: pictures of the heap, the snapshot's id added. They hold no events.
inline constexpr uint32_t kPictureStream = 0x4000'0000;

// Tags. Four shapes:
//
//   ALLOC of a known site   1 T A A 1 h h d   then [time] address slot
//   ALLOC of a new site     1 T A A 0 d d d   then [time] address size node
//   FREE                    0 1 T A A d d d   then [time] address
//   others                  0 0 k k k k k k   then fields by kind; k != 0
//
//   T     1: a time field is present (prefix-coded delta to the stream's last time, in ticks)
//   A A   length of the address field: 1, 2, 3, 6 bytes
//   d     low bits of the address delta, zigzag of (address - last address) >> kAddressShift; the field has the others
//   h h   high bits of the slot; the field has 8 bits
//
// A site is a (node, size) pair. Sites and the pcs of nodes are interned: chunk by chunk, writer and reader keep the
// same table of what came last in each slot (RepeatTable, repeat_table.h). A new site's size and node are prefix-coded.
//
// Prefix coding (`varint.h`): the low bits of the first byte tell the length:
//
//   .......0                      1 byte,   7 bits of value
//   ......01                      2 bytes, 14 bits
//   .....011                      4 bytes, 29 bits
//   .....111                      9 bytes, 64 bits
//
// An event without a time happened after the one before it in its stream, and no other stream of the process had an
// event in between that it must be ordered with: it may be given the time of the one before it.
inline constexpr uint8_t kTagAlloc = 0x80;
inline constexpr uint8_t kTagAllocTimed = 0x40;
inline constexpr uint8_t kTagAllocKnown = 0x08;
inline constexpr uint8_t kTagFree = 0x40;
inline constexpr uint8_t kTagFreeTimed = 0x20;

// Bit positions of the address length codes and the slot's high bits, and how many bits of the delta are in the tag.
inline constexpr unsigned kAllocAddressCode = 4;
inline constexpr unsigned kFreeAddressCode = 3;
inline constexpr unsigned kAllocSlotHigh = 1;
inline constexpr unsigned kKnownDeltaBits = 1;
inline constexpr unsigned kNewDeltaBits = 3;
inline constexpr unsigned kFreeDeltaBits = 3;

inline constexpr uint8_t kAddressLength[4] = {1, 2, 3, 6};

inline constexpr unsigned kSiteSlotsLog2 = 10;
inline constexpr unsigned kPcSlotsLog2 = 11;

enum class Tag : uint8_t {
  kEnd = 0,
  // Events in prefix-coded fields; ...Timed have their time fields first.
  kAllocWide = 1,  // zigzag(address - last), size, node: for addresses that are not 16-byte aligned
  kAllocWideTimed = 2,
  kFreeWide = 3,  // zigzag(address - last)
  kFreeWideTimed = 4,
  // The old block ends, the new one begins. Old - last and new - old: zigzag << 1 in units of kAddressShift, or zigzag
  // << 1 | 1 in bytes. Then a known site's slot << 1 | 1, or 0, size, node.
  kRealloc = 5,
  kReallocTimed = 6,  // delta to before the call, delta from there to after it, then as kRealloc
  // kNode + kNode… flags: zigzag(id - last id - 1) if the id does not follow the last; id - parent (> 0) if the parent
  // is not the last; zigzag(pc - last pc) << 1 | exact, or a known pc's slot.
  kNode = 8,
  // Below kFirstSized: the shapes above. From it on: tag, prefix-coded payload length, payload; the payload starts with
  // a time delta. A reader steps over kinds it does not know. The payloads are in records.h.
  kFirstSized = 16,
  kThread = 16,
  kThreadName = 17,
  kModuleLoad = 18,
  kModuleUnload = 19,
  kSample = 20,
  kMark = 21,
  kFork = 22,
  kExec = 23,
  kExecFailed = 24,
  kSpawn = 25,
  kMap = 26,
  kUnmap = 27,
  kRemap = 28,
  kLifeEnd = 29,
  kSnapshot = 30,
  kSnapshotSkipped = 31,
  // In pictures only.
  kPicture = 32,
  kRegion = 33,
  kPictureThread = 34,
  kResidency = 35,
  kWords = 36,
  kPictureEnd = 37,
  kStreamCut = 38,
  // Again in any stream.
  kLimits = 39,
};

inline constexpr uint8_t kNodeIdJumps = 1;
inline constexpr uint8_t kNodeParentGiven = 2;
inline constexpr uint8_t kNodePcKnown = 4;

// A node's pc is a return address (look up pc - 1), unless `exact`: the frame was interrupted by a signal.
// Node 0 is the root: below it hang the outermost frames. A stack that could not be followed to its end hangs below a
// node (itself below the root) whose pc says why.
inline constexpr uint64_t kCutNoUnwindInfo = 1;  // code without unwind information, such as a JIT compiler's
inline constexpr uint64_t kCutUnreadable = 2;    // memory that cannot be read, or a frame that does not go outwards
inline constexpr uint64_t kCutSlowUnwinder = 3;  // needed libunwind, which was busy or failed
inline constexpr uint64_t kMaxCutPc = 15;        // pcs up to here are no code but reasons

// The largest record but for text: what a writer keeps free at a chunk's end for events and nodes.
inline constexpr size_t kMaxEventBytes = 64;
// Text and build-ids in sized records are cut to this many bytes; a payload is at most kMaxPayloadBytes.
inline constexpr size_t kMaxTextBytes = 4096;
inline constexpr size_t kMaxPayloadBytes = 2 * kMaxTextBytes;

}  // namespace tidemark::trace
