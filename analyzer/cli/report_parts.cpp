#include "analyzer/cli/report_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "analyzer/base/file.h"
#include "analyzer/base/text.h"
#include "analyzer/base/units.h"

namespace tidemark::cli {
namespace {

using replay::Recording;
using trace::EndKind;
using trace::Lost;
using trace::StopReason;

std::vector<std::string> split_at_nul(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\0'), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

const char* stop_text(uint32_t reason) {
  switch (static_cast<StopReason>(reason)) {
    case StopReason::kNoSpace:
      return "the disk is full";
    case StopReason::kTraceCap:
      return "the trace reached its size limit (--max-trace-size)";
    case StopReason::kSeccompStrict:
      return "the program entered strict seccomp";
    case StopReason::kSeccompFilter:
      return "the space reserved before the program's seccomp filter is used up";
    case StopReason::kNoMemory:
      return "the recorder's own tables could not grow";
    case StopReason::kMapFailed:
      return "the trace could not be mapped further";
    default:
      return "for a reason that this version does not know";
  }
}

model::SnapshotReason reason_of(uint64_t reason) {
  switch (static_cast<trace::SnapshotReason>(reason)) {
    case trace::SnapshotReason::kMainReturned:
      return model::SnapshotReason::kMainReturned;
    case trace::SnapshotReason::kExit:
      return model::SnapshotReason::kExit;
    case trace::SnapshotReason::kGrowth:
      return model::SnapshotReason::kGrowth;
    case trace::SnapshotReason::kPeriod:
      return model::SnapshotReason::kPeriod;
    case trace::SnapshotReason::kClient:
      return model::SnapshotReason::kClient;
    case trace::SnapshotReason::kCommand:
      return model::SnapshotReason::kCommand;
  }
  return model::SnapshotReason::kUnknown;
}

model::SkipReason skip_reason_of(uint64_t why) {
  switch (static_cast<trace::SkipReason>(why)) {
    case trace::SkipReason::kMemory:
      return model::SkipReason::kMemory;
    case trace::SkipReason::kThreads:
      return model::SkipReason::kThreads;
    case trace::SkipReason::kFork:
      return model::SkipReason::kFork;
    case trace::SkipReason::kRestricted:
      return model::SkipReason::kRestricted;
    case trace::SkipReason::kBusy:
      return model::SkipReason::kBusy;
  }
  return model::SkipReason::kUnknown;
}

std::string lost_text(size_t row, uint64_t count) {
  switch (static_cast<Lost>(row)) {
    case Lost::kEventsAfterStop:
      return fmt::format("{} after recording stopped are missing", plural(count, "event"));
    case Lost::kBootstrap:
      return fmt::format("{} handed out before the real allocator was found: not in the figures",
                         plural(count, "block"));
    case Lost::kNoThreadState:
      return fmt::format("{} of threads for which the recorder found no memory are missing", plural(count, "event"));
    case Lost::kTreeFull:
      return fmt::format("{} without a complete stack: the recorder's call tree is full", plural(count, "event"));
    case Lost::kSampleFailed:
      return fmt::format("{} could not be taken", plural(count, "process sample"));
    default:
      return fmt::format("{} lost for a reason that this version does not know ({})", plural(count, "event"), row);
  }
}

bool harms_figures(size_t row) {
  return static_cast<Lost>(row) != Lost::kBootstrap && static_cast<Lost>(row) != Lost::kTreeFull &&
         static_cast<Lost>(row) != Lost::kSampleFailed;
}

const char* cut_text(size_t reason) {
  switch (reason) {
    case trace::kCutNoUnwindInfo:
      return "code without unwind information (such as a JIT compiler's)";
    case trace::kCutUnreadable:
      return "memory that could not be read";
    case trace::kCutSlowUnwinder:
      return "a frame that needed the slow unwinder, which was busy or failed";
    default:
      return "a reason that this version does not know";
  }
}

bool still_grows(const model::Growth& growth) {
  return growth.trend && (*growth.trend == "linear" || *growth.trend == "accelerating") && growth.bytes_per_hour &&
         *growth.bytes_per_hour > 0;
}

// The resident set when the working life ended, which a final release has made smaller since.
std::optional<uint64_t> resident_then(const model::Report& report) {
  if (report.working_life.ends_s <= 0 || report.working_life.ends_s >= report.memory.end_time_s)
    return report.memory.rss_bytes_at_end;
  std::optional<uint64_t> rss;
  for (const model::TimelinePoint& point : report.timeline) {
    if (rss && point.time_s > report.working_life.ends_s) break;
    if (point.rss_bytes) rss = point.rss_bytes;
  }
  return rss;
}

uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

void fill_process(const Recording& recording, bool running, model::Process& process) {
  const trace::FileHeader& header = recording.header;
  process.arguments = split_at_nul(recording.command_line);
  for (const std::string& argument : process.arguments) {
    if (!process.command.empty()) process.command += ' ';
    process.command += shell_quoted(argument);
  }
  if (process.command.empty()) process.command = recording.executable;
  process.executable = recording.executable;
  process.working_directory = recording.working_directory;
  process.pid = header.pid;
  process.parent_pid = header.parent_pid;
  process.image = header.image;
  process.trace_id = header.trace_id;
  process.parent_trace_id = header.parent_trace_id;
  process.forked = (header.flags & trace::kHeaderFlagForked) != 0;
  process.start_realtime_ns = header.start_realtime_ns;
  process.duration_s = std::max(0.0, recording.clock.seconds(recording.last_time));
  switch (static_cast<EndKind>(header.end_kind)) {
    case EndKind::kExited:
      process.end = {model::End::Kind::kExited, header.end_code, {}};
      break;
    case EndKind::kSignaled:
      process.end = {model::End::Kind::kSignaled, header.end_code, {}};
      break;
    case EndKind::kReplaced:
      process.end = {model::End::Kind::kExited, {}, recording.exec_path.value_or("")};
      break;
    default:
      process.end = {running ? model::End::Kind::kRunning : model::End::Kind::kKilled, {}, {}};
  }
}

void fill_recording(const Recording& recording, model::Recording& facts) {
  const trace::FileHeader& header = recording.header;
  facts.trace = recording.trace_path;
  facts.mode = header.mode == 1 ? "sample" : "full";
  facts.events = recording.heap_events;
  facts.threads = recording.threads_seen;
  facts.trace_bytes = recording.trace_bytes;
  facts.allocator = recording.allocator;
  facts.operator_new = recording.operator_new;
  if ((header.flags & trace::kHeaderFlagCheckUnwind) != 0) {
    const auto row = [&](trace::UnwindCheck which) { return header.unwind_check[static_cast<size_t>(which)]; };
    facts.unwind_check = model::UnwindCheck{
        row(trace::UnwindCheck::kEvents), row(trace::UnwindCheck::kDifferences), row(trace::UnwindCheck::kSlowPath),
        row(trace::UnwindCheck::kCut),    row(trace::UnwindCheck::kDistinctPcs), row(trace::UnwindCheck::kUnchecked)};
  }
  facts.complete = recording.damage.empty() && header.stop_reason == 0;
  if (header.stop_reason != 0) {
    facts.stopped = model::Stopped{stop_text(header.stop_reason), header.stop_errno,
                                   header.stop_errno != 0 ? error_text(header.stop_errno) : std::string(),
                                   std::max(0.0, recording.clock.seconds(header.stop_ticks))};
    facts.lost.push_back(
        fmt::format("recording stopped at {}: {}", format_seconds(facts.stopped->time_s), facts.stopped->reason));
  }
  if ((header.flags & trace::kHeaderFlagMallocBypassed) != 0) {
    facts.complete = false;
    facts.lost.emplace_back(
        "calls of malloc and free: the program (or a library before the recorder's) defines its own");
  }
  for (size_t row = 0; row < std::size(header.lost); ++row) {
    if (header.lost[row] == 0) continue;
    facts.lost.push_back(lost_text(row, header.lost[row]));
    facts.complete = facts.complete && !harms_figures(row);
  }
  for (size_t reason = 0; reason < recording.cut_stacks.size(); ++reason) {
    if (recording.cut_stacks[reason] == 0) continue;
    facts.cut_stacks += recording.cut_stacks[reason];
    facts.lost.push_back(fmt::format("{} whose stack was cut at {}", plural(recording.cut_stacks[reason], "allocation"),
                                     cut_text(reason)));
  }
  facts.lost.insert(facts.lost.end(), recording.damage.begin(), recording.damage.end());
}

void fill_modules(const Recording& recording, std::vector<model::Module>& modules) {
  modules.reserve(recording.modules.size());
  for (const replay::LoadedModule& module : recording.modules) {
    model::Module& shown = modules.emplace_back();
    shown.path = module.path;
    shown.build_id = hexadecimal(module.build_id);
    shown.loaded_s = std::max(0.0, recording.clock.seconds(module.loaded));
    if (module.unloaded) shown.unloaded_s = recording.clock.seconds(*module.unloaded);
  }
}

void fill_memory(const Recording& recording, model::Memory& memory) {
  const replay::HeapTotals& totals = recording.totals;
  memory.peak_live_bytes = totals.peak_bytes;
  memory.peak_live_blocks = totals.peak_blocks;
  memory.peak_time_s = totals.peak_time == 0 ? 0 : recording.clock.seconds(totals.peak_time);
  memory.live_bytes_at_end = recording.end.live_bytes;
  memory.live_blocks_at_end = recording.end.live_blocks;
  memory.end_time_s = recording.clock.seconds(recording.end.time);
  memory.total_allocated_bytes = totals.allocated_bytes;
  memory.total_allocations = totals.allocations;
  memory.total_frees = totals.frees;
  memory.temporary_allocations = totals.temporary;
  memory.unknown_frees = totals.unknown_frees;
  memory.overwritten_blocks = totals.overwritten;
  memory.program_map_count = recording.program_map_count;
  memory.program_map_live_bytes = recording.end.program_map_bytes;
  if (recording.header.max_rss_before_bytes != 0) memory.max_rss_before_bytes = recording.header.max_rss_before_bytes;
  const replay::Samples& samples = recording.samples;
  if (samples.count == 0) return;
  memory.max_rss_bytes = samples.max_rss;
  memory.max_rss_time_s = std::max(0.0, recording.clock.seconds(samples.max_rss_time));
  if (samples.high_water != 0) memory.image_high_water_bytes = samples.high_water;
}

void fill_threads(const Recording& recording, std::vector<model::Thread>& threads) {
  for (size_t slot = 0; slot < recording.threads.size(); ++slot) {
    const replay::ThreadTotals& thread = recording.threads[slot];
    // Slot 0 stands for threads that the trace does not name.
    if (slot == 0 && thread.allocations == 0 && thread.frees == 0) continue;
    threads.push_back({thread.serial, thread.tid, slot == 0 ? "(unknown)" : thread.name, thread.allocations,
                       thread.frees, thread.allocated_bytes, recording.end.thread_live_bytes[slot]});
  }
}

void fill_times(const Recording& recording, model::Report& report) {
  for (size_t bin = 0; bin < recording.lifetimes.size(); ++bin) {
    const replay::LifetimeTotals& totals = recording.lifetimes[bin];
    if (totals.count == 0) continue;
    report.lifetimes.push_back({bin == 0 ? 0 : uint64_t{1} << bin, totals.count, totals.bytes});
  }
  replay::RecordedMark before;  // nothing is live at the start
  for (const replay::RecordedMark& mark : recording.marks) {
    model::Mark& shown = report.marks.emplace_back();
    shown.name = mark.text;
    shown.time_s = recording.clock.seconds(mark.time);
    shown.live_bytes = mark.live_bytes;
    shown.live_blocks = mark.live_blocks;
    if (mark.sample) {
      shown.rss_bytes = mark.sample->rss;
      shown.max_rss_bytes = mark.max_rss;
    }
    shown.before_live_bytes = before.live_bytes;
    shown.before_live_blocks = before.live_blocks;
    shown.allocated_bytes = mark.allocated_bytes - before.allocated_bytes;
    shown.allocated_blocks = mark.allocations - before.allocations;
    // What left, so that the figures add up: also blocks whose free was not seen.
    shown.freed_bytes = before.live_bytes + shown.allocated_bytes - mark.live_bytes;
    shown.freed_blocks = before.live_blocks + shown.allocated_blocks - mark.live_blocks;
    before = mark;
  }
  uint64_t max_rss = 0;
  for (size_t i = 0; i < recording.timeline.count(); ++i) {
    const replay::TimelineSlice& slice = recording.timeline.slice(i);
    model::TimelinePoint& point = report.timeline.emplace_back();
    point.time_s = recording.clock.span_seconds(recording.timeline.begin_of(i));
    point.live_bytes = slice.most_live_bytes;
    point.last_live_bytes = slice.last_live_bytes;
    max_rss = std::max(max_rss, slice.max_rss);
    if (slice.rss != 0) point.rss_bytes = slice.rss;
    if (max_rss != 0) point.max_rss_bytes = max_rss;
  }
  if (recording.life_end_seen) {
    report.teardown.begins_s = recording.clock.seconds(recording.end.time);
    report.teardown.freed_bytes = recording.totals.freed_bytes - recording.end.freed_bytes;
    report.teardown.freed_blocks = recording.totals.frees - recording.end.frees;
  }
}

void fill_limits(const Recording& recording, model::Report& report) {
  if (!recording.limits) return;
  const auto& [record, live_bytes, program_map_bytes] = *recording.limits;
  const auto add = [&](const char* kind, uint64_t bytes, std::optional<uint64_t> used) {
    if (bytes == 0) return;
    model::Limit& limit = report.limits.emplace_back();
    limit.kind = kind;
    limit.bytes = bytes;
    if (!used) return;
    limit.left_bytes = less(bytes, *used);
    if (!still_grows(report.growth)) return;
    limit.reached_in_s = 3600 * static_cast<double>(*limit.left_bytes) / *report.growth.bytes_per_hour;
  };

  // What others of the group use does not change, as far as we know.
  std::optional<uint64_t> group = resident_then(report);
  if (group) *group += less(record.cgroup_used, record.resident);
  add("cgroup", record.cgroup, group);

  // Address space is known from the moment of the record only; from then on it grew by what the program allocated.
  const bool has_working_life = report.working_life.ends_s > 0;
  const uint64_t live = has_working_life ? report.working_life.live_bytes : recording.end.live_bytes;
  const uint64_t grown = less(live, live_bytes) + less(recording.end.program_map_bytes, program_map_bytes);
  add("address-space", record.address_space, record.address_space_used + grown);
  add("data", record.data, record.data_used + grown);
}

void fill_snapshots(const Recording& recording, const std::unordered_map<uint64_t, model::Reachability>& reachability,
                    model::Report& report) {
  for (const replay::Snapshot& taken : recording.snapshots) {
    model::Snapshot& snapshot = report.snapshots.emplace_back();
    snapshot.id = taken.id;
    snapshot.time_s = recording.clock.seconds(taken.cut);
    snapshot.reason = reason_of(taken.reason);
    snapshot.complete = taken.picture == replay::Snapshot::Picture::kWhole;
    snapshot.outside = taken.outside;
    if (taken.pause_ns != 0) snapshot.pause_s = static_cast<double>(taken.pause_ns) * 1e-9;
    snapshot.threads = taken.threads;
    snapshot.half_read_threads = taken.half_read;
    if (snapshot.complete) snapshot.duration_s = static_cast<double>(taken.picture_end.duration_ns) * 1e-9;
    snapshot.scanned_bytes = taken.picture_end.scanned_bytes;
    snapshot.swapped_bytes = taken.picture_end.swapped_bytes;
    snapshot.unreadable_bytes = taken.picture_end.unreadable_bytes;
    const auto solved = reachability.find(taken.id);
    if (solved == reachability.end()) continue;
    snapshot.reachability = solved->second;
    for (const model::BlockSum& sum : {solved->second.reachable, solved->second.weak, solved->second.unreachable}) {
      snapshot.live_blocks += sum.blocks;
      snapshot.live_bytes += sum.bytes;
    }
  }
  for (const replay::SkippedSnapshots& skipped : recording.snapshots_skipped) {
    report.snapshots_skipped.push_back(
        {reason_of(skipped.reason), skip_reason_of(skipped.why), skipped.count,
         skipped.error != 0 && skipped.error < 4096 ? error_text(static_cast<int>(skipped.error)) : std::string()});
  }
}

}  // namespace tidemark::cli
