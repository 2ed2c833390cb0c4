// What a replay knows at its end: the figures of the whole recording and, per call-tree node, what was live at the peak
// and at the end. Times are ticks; `clock` turns them into seconds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "analyzer/replay/call_tree.h"
#include "analyzer/replay/clock.h"
#include "analyzer/replay/generations.h"
#include "analyzer/replay/heap.h"
#include "analyzer/replay/module_table.h"
#include "analyzer/replay/thread_table.h"
#include "analyzer/replay/timeline.h"
#include "trace/format.h"
#include "trace/records.h"

namespace tidemark::replay {

// The process as the kernel saw it at a moment (trace/records.h, SampleRecord).
struct ProcessSample {
  uint64_t time = 0;
  uint64_t rss = 0, rss_anon = 0, rss_file = 0, rss_shmem = 0, swap = 0;
  uint64_t high_water = 0, max_rss = 0, recorder_bytes = 0, recorder_trace_bytes = 0;
};

struct RecordedMark {
  std::string text;
  uint64_t time = 0;
  uint64_t live_bytes = 0, live_blocks = 0;
  uint64_t allocated_bytes = 0, allocations = 0;  // totals up to then
  std::optional<ProcessSample> sample;            // the nearest one
  uint64_t max_rss = 0;                           // the highest seen up to that sample
};

struct SiteAtEnd {
  uint64_t bytes = 0;
  uint32_t blocks = 0;
};

// The state at the end of the program's life: teardown comes after it.
struct EndState {
  uint64_t time = 0;
  uint64_t live_bytes = 0, live_blocks = 0;
  uint64_t frees = 0, freed_bytes = 0;  // totals up to then
  uint64_t program_map_bytes = 0;
  std::vector<SiteAtEnd> sites;             // by call-tree node
  std::vector<uint64_t> thread_live_bytes;  // by thread slot
};

// The highest resident set rose by so much that it matters (a part in 256).
struct HighWaterStep {
  uint64_t after = 0, time = 0;  // between these samples
  uint64_t max_rss = 0;
};

struct Samples {
  uint64_t count = 0;
  uint64_t max_rss = 0, max_rss_time = 0;  // highest of ru_maxrss, VmHWM and RSS, and the first sample that shows it
  std::vector<HighWaterStep> steps;        // ascending
  uint64_t high_water = 0;                 // highest VmHWM
  std::optional<ProcessSample> at_end;     // nearest to the end
};

// The limits on memory that were last recorded (trace/records.h, LimitsRecord), and what the program had then.
struct MemoryLimits {
  trace::LimitsRecord record;
  uint64_t live_bytes = 0, program_map_bytes = 0;
};

// A heap snapshot (trace/records.h, SnapshotRecord).
struct Snapshot {
  enum class Picture { kNone, kCut, kWhole };

  uint64_t id = 0;
  uint64_t reason = 0;                                // trace::SnapshotReason
  uint64_t cut = 0;                                   // ticks
  uint64_t pause_ns = 0, threads = 0, half_read = 0;  // zeros when only the picture is there
  Picture picture = Picture::kNone;
  bool outside = false;  // read by another process
  trace::PictureEndRecord picture_end;
};

// Snapshots that were due and were not taken, by reason and cause.
struct SkippedSnapshots {
  uint64_t reason = 0;  // trace::SnapshotReason
  uint64_t why = 0;     // trace::SkipReason
  uint64_t error = 0;   // errno of the last one, 0 without
  uint64_t count = 0;
};

struct Recording {
  trace::FileHeader header{};
  std::string trace_path, executable, command_line, working_directory, allocator, operator_new;
  uint64_t trace_bytes = 0;

  Clock clock;
  uint64_t last_time = 0;    // of the last record
  uint64_t heap_events = 0;  // allocations, frees, reallocs, mappings of the program
  HeapTotals totals;
  std::array<LifetimeTotals, Heap::kLifetimeBins> lifetimes{};
  CallTree tree;
  EndState end;
  bool life_end_seen = false;  // main returned or exit was called
  Timeline timeline{0, 0};
  Generations generations{0, 0};  // up to the end of the program's life
  std::vector<LoadedModule> modules;
  std::vector<ThreadTotals> threads;
  uint64_t threads_seen = 0;
  std::vector<RecordedMark> marks;
  Samples samples;
  std::optional<MemoryLimits> limits;
  uint64_t program_map_count = 0;
  std::vector<Snapshot> snapshots;  // by cut
  std::vector<SkippedSnapshots> snapshots_skipped;
  uint64_t pictures_left_out = 0;                   // there were too many to look at all
  std::unordered_map<uint32_t, JudgedSite> judged;  // by call-tree node
  std::optional<std::string> exec_path;             // the image that replaced this one
  // Allocations whose stack could not be followed to its end, by reason (trace::kCut…).
  std::array<uint64_t, trace::kMaxCutPc + 1> cut_stacks{};
  std::vector<std::string> damage;  // sentences: what of the trace could not be read or made no sense
};

}  // namespace tidemark::replay
