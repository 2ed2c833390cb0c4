// A report as plain data: replay, ledger, classify and symbols fill it in, report prints it. No logic here.
// docs/report.schema.json describes the same data as JSON; the names agree. Times are seconds after the start of the
// recording, sizes are bytes, and an empty optional means "not known" (JSON null).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/model/heap.h"
#include "analyzer/model/ledger.h"
#include "analyzer/model/stack.h"
#include "analyzer/model/verdict.h"

namespace tidemark::model {

struct End {
  enum class Kind { kExited, kSignaled, kKilled, kRunning };
  Kind kind = Kind::kKilled;
  std::optional<int> code;          // exit status or signal number
  std::optional<std::string> exec;  // the image that replaced this one
};

struct Process {
  std::string command;
  std::vector<std::string> arguments;
  std::string executable;
  std::string working_directory;
  uint32_t pid = 0;
  uint32_t parent_pid = 0;
  uint32_t image = 0;
  uint64_t trace_id = 0;
  uint64_t parent_trace_id = 0;
  bool forked = false;
  int64_t start_realtime_ns = 0;
  double duration_s = 0;
  End end;
};

struct UnwindCheck {
  uint64_t events = 0, differences = 0, slow_path = 0, cut = 0, distinct_pcs = 0, unchecked = 0;
};

struct Stopped {
  std::string reason;
  int error = 0;  // errno, 0 without
  std::string error_text;
  double time_s = 0;
};

struct Recording {
  std::string trace;  // path of the file
  std::string mode;   // full, sample
  uint64_t events = 0;
  uint64_t threads = 0;
  bool complete = true;
  std::vector<std::string> lost;
  uint64_t trace_bytes = 0;
  uint64_t cut_stacks = 0;  // events whose stack could not be followed to its end
  std::string allocator, operator_new;
  std::optional<UnwindCheck> unwind_check;
  std::optional<Stopped> stopped;
};

struct Module {
  std::string path;
  std::string build_id;  // hexadecimal, empty without
  double loaded_s = 0;
  std::optional<double> unloaded_s;
  std::string symbols = "not-asked";  // where names of its code come from, see the schema
};

struct Memory {
  uint64_t peak_live_bytes = 0, peak_live_blocks = 0;
  double peak_time_s = 0;
  uint64_t live_bytes_at_end = 0, live_blocks_at_end = 0;
  double end_time_s = 0;
  uint64_t total_allocated_bytes = 0, total_allocations = 0, total_frees = 0;
  uint64_t temporary_allocations = 0;
  uint64_t unknown_frees = 0;
  uint64_t overwritten_blocks = 0;
  uint64_t program_map_count = 0, program_map_live_bytes = 0;
  std::optional<uint64_t> max_rss_bytes;
  std::optional<double> max_rss_time_s;
  std::optional<uint64_t> max_rss_live_bytes;      // live when max_rss_bytes was first seen
  std::optional<uint64_t> image_high_water_bytes;  // VmHWM: since this image began
  std::optional<uint64_t> max_rss_before_bytes;    // ru_maxrss when recording began
  std::optional<uint64_t> rss_bytes_at_end;
  std::optional<uint64_t> recorder_bytes_at_end;
  std::optional<uint64_t> allocator_cached_bytes;  // Ledger::allocator_cached_bytes() of `ledger`
  std::optional<Ledger> ledger;                    // at the end, or the last one known
};

struct LifetimeBin {
  uint64_t from_ns = 0;  // lifetimes from here to twice that
  uint64_t count = 0, bytes = 0;
};

struct Verdict {
  VerdictClass verdict_class = VerdictClass::kUndecided;
  VerdictKind kind = VerdictKind::kNone;
  double confidence = 0;
  std::string headline;
};

// How live bytes went over the program's working life.
struct Growth {
  std::optional<std::string> trend;  // none, churn, step, flat, settled, sawtooth, linear, accelerating, unsettled
  std::optional<double> bytes_per_hour, bytes_per_mark;  // of what still grows when the working life ends
};

// One of the slices into which a run is cut, along time and activity. A generation is what was born in a slice.
struct GenerationSlice {
  double to_s = 0;                                     // it begins where the one before ends
  uint64_t live_bytes = 0, live_blocks = 0;            // at its end
  uint64_t born_bytes = 0, born_blocks = 0;            // in it, and still live at its end
  uint64_t surviving_bytes = 0, surviving_blocks = 0;  // of these, live when the working life ends
};

// The program's life without its start-up, and without the final release of what it held.
struct WorkingLife {
  double begins_s = 0, ends_s = 0;
  uint64_t live_bytes = 0, live_blocks = 0;  // when it ends
};

struct Finding {
  VerdictClass verdict_class = VerdictClass::kUndecided;
  VerdictKind kind = VerdictKind::kNone;
  uint64_t bytes = 0, blocks = 0;
  double confidence = 0;
  std::string summary;  // one or two sentences: what it does, and why it is (or is not) a leak
  std::vector<std::string> evidence;
  Growth growth;
  std::vector<GenerationSlice> generations;  // empty: nothing of it outlived a slice
  std::optional<uint64_t> bound_bytes;       // that the user declared
  uint64_t sites = 1;                        // call-tree nodes that this cause joins
  uint32_t site = 0;                         // call-tree node whose stack is shown
  uint64_t folded_sites = 0;                 // > 0: stands for that many small sites, and has no stack
  Stack stack;
  HeldBy held_by;                  // one block of the finding, as an example
  std::vector<CycleMember> cycle;  // of an unreachable cycle
  // Of unreachable findings only. Direct: nothing but the cycle itself points at it. Indirect: only such blocks do.
  uint64_t direct_blocks = 0, direct_bytes = 0;
  uint64_t indirect_blocks = 0, indirect_bytes = 0;
  uint64_t copies = 0;              // separate unreachable structures that look like this one
  uint64_t resurrected_blocks = 0;  // called unreachable in some snapshot, and freed later
  std::vector<KeptType> keeps;      // the indirect part by type, largest first
};

// An answer to --who-holds: a block, or several of one site that are held through the same types.
struct HeldBlocks {
  uint64_t address = 0;  // of the one whose path is shown
  uint64_t blocks = 0;
  uint64_t bytes = 0;  // of all of them
  uint32_t site = 0;   // call-tree node
  Stack stack;
  HeldBy held_by;
};

struct WhoHolds {
  std::string query;  // WhoHoldsQuery::text
  BlockSum matched;   // also those that are not shown
  std::vector<HeldBlocks> blocks;
};

struct PeakStack {
  uint64_t bytes = 0, blocks = 0;
  uint32_t site = 0;
  Stack stack;
};

struct Thread {
  uint64_t serial = 0, tid = 0;
  std::string name;
  uint64_t allocations = 0, frees = 0, allocated_bytes = 0;
  uint64_t live_bytes_at_end = 0;  // of the blocks that this thread allocated
};

// A moment that the program, or `tidemark mark`, named. What happened since the mark before it (since the start of the
// recording, for the first one): before_live + allocated - freed = live, of bytes as of blocks. A realloc counts as an
// allocation and a free.
struct Mark {
  std::string name;
  double time_s = 0;
  uint64_t live_bytes = 0, live_blocks = 0;
  std::optional<uint64_t> rss_bytes, max_rss_bytes;
  uint64_t before_live_bytes = 0, before_live_blocks = 0;
  uint64_t allocated_bytes = 0, allocated_blocks = 0;
  uint64_t freed_bytes = 0, freed_blocks = 0;
};

struct TimelinePoint {
  double time_s = 0;
  uint64_t live_bytes = 0;       // the highest in the slice
  uint64_t last_live_bytes = 0;  // at its end
  std::optional<uint64_t> rss_bytes, max_rss_bytes;
};

struct Teardown {
  std::optional<double> begins_s;  // empty: the end of the program's life was not seen
  uint64_t freed_bytes = 0, freed_blocks = 0;
};

// A limit on the memory of the process.
struct Limit {
  std::string kind;                    // cgroup, address-space (RLIMIT_AS), data (RLIMIT_DATA)
  uint64_t bytes = 0;                  // as it was set
  std::optional<uint64_t> left_bytes;  // of it, at the end; other processes of the group use what they used when it was
                                       // read
  std::optional<double> reached_in_s;  // after the end, at the rate at which the process grows; empty: it does not
};

// A bound that the user declares for what is allocated at a site (--bound): growth below it is on purpose.
struct Bound {
  std::string site;  // part of the name of a function, file or module of the allocation stack
  uint64_t bytes = 0;
};

struct Report {
  Process process;
  Recording recording;
  std::vector<Module> modules;
  Memory memory;
  std::vector<LifetimeBin> lifetimes;
  Verdict verdict;
  Growth growth;  // of the whole process
  WorkingLife working_life;
  std::vector<Finding> findings;
  std::vector<PeakStack> peak_stacks;
  std::vector<Thread> threads;
  std::vector<Mark> marks;
  std::vector<Limit> limits;
  std::vector<TimelinePoint> timeline;
  Teardown teardown;
  std::vector<Snapshot> snapshots;  // in the order of time
  std::vector<SkippedSnapshots> snapshots_skipped;
  std::optional<uint64_t> graph_snapshot;      // id of the one that findings, holders and who_holds rest on
  std::optional<std::vector<Holder>> holders;  // largest first; only when asked for
  std::optional<WhoHolds> who_holds;           // only when asked for
  std::vector<Frame> frames;
};

}  // namespace tidemark::model
