#include "analyzer/replay/record_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace tidemark::replay {
namespace {

// A program may mark in a loop; this many are kept.
constexpr size_t kMaxMarks = 100'000;
// Snapshots cost the program milliseconds each: more are damage. The kinds of skipped ones are reason by cause.
constexpr size_t kMaxSnapshots = 10'000;
constexpr size_t kMaxKindsOfSkips = 64;

std::string to_string(trace::Bytes bytes) {
  return bytes.size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

uint64_t page_bytes_of(const trace::FileHeader& header) {
  return std::has_single_bit(header.page_bytes) && header.page_bytes >= 4096 && header.page_bytes <= 1 << 21
             ? header.page_bytes
             : 4096;
}

uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

}  // namespace

RecordReader::RecordReader(const trace::FileHeader& header, Clock& clock, Heap& heap)
    : clock_(clock), heap_(heap), maps_(page_bytes_of(header)) {}

bool RecordReader::read(trace::Tag tag, uint64_t time, trace::Bytes payload, uint32_t& thread) {
  using namespace trace;
  const auto parse = [&](auto& record) {
    if (read_record(payload, record)) return true;
    ++damaged_;
    return false;
  };
  switch (tag) {
    case Tag::kThread: {
      ThreadRecord record;
      if (!parse(record)) return false;
      thread = heap_.threads().slot_of(record.serial);
      if (thread == 0 || thread >= ThreadTable::kMaxThreads) return false;
      ThreadTotals& totals = heap_.threads()[thread];
      totals.tid = record.tid;
      totals.stack_low = record.stack_low;
      totals.stack_high = record.stack_high;
      if (record.name.size != 0) totals.name = to_string(record.name);
      return false;
    }
    case Tag::kThreadName: {
      ThreadNameRecord record;
      if (!parse(record)) return false;
      const uint32_t named = heap_.threads().slot_of(record.serial);
      if (named != 0 && named < ThreadTable::kMaxThreads) heap_.threads()[named].name = to_string(record.name);
      return false;
    }
    case Tag::kModuleLoad: {
      ModuleLoadRecord record;
      if (!parse(record)) return false;
      modules_.load({record.index, record.start, record.end, record.bias, time, std::nullopt, to_string(record.path),
                     to_string(record.build_id), record.tls_offset});
      return false;
    }
    case Tag::kModuleUnload: {
      ModuleUnloadRecord record;
      if (parse(record)) modules_.unload(record.index, time);
      return false;
    }
    case Tag::kSample: {
      SampleRecord record;
      if (parse(record)) sample(time, record);
      return false;
    }
    case Tag::kMark: {
      MarkRecord record;
      if (parse(record)) mark(time, record);
      return false;
    }
    case Tag::kExec: {
      ExecRecord record;
      if (parse(record)) exec_path_ = to_string(record.path);
      return false;
    }
    case Tag::kExecFailed:
      exec_path_.reset();
      return false;
    case Tag::kMap: {
      MapRecord record;
      if (!parse(record)) return false;
      maps_.map(record.address, record.size,
                {record.protection, record.flags, heap_.tree().use(static_cast<uint32_t>(record.node))});
      return true;
    }
    case Tag::kUnmap: {
      UnmapRecord record;
      if (!parse(record)) return false;
      maps_.unmap(record.address, record.size);
      return true;
    }
    case Tag::kRemap: {
      RemapRecord record;
      if (!parse(record)) return false;
      maps_.remap(record.old_address, record.old_size, record.new_address, record.new_size);
      return true;
    }
    case Tag::kLifeEnd: {
      LifeEndRecord record;
      if (parse(record) && !end_) capture_end(time);
      return false;
    }
    case Tag::kSnapshot: {
      SnapshotRecord record;
      if (parse(record)) snapshot(record);
      return false;
    }
    case Tag::kSnapshotSkipped: {
      SnapshotSkippedRecord record;
      if (parse(record)) skipped_snapshot(record);
      return false;
    }
    case Tag::kLimits: {
      LimitsRecord record;
      if (parse(record)) limits_ = MemoryLimits{record, heap_.totals().live_bytes, maps_.live_bytes()};
      return false;
    }
    case Tag::kFork:
    case Tag::kSpawn:
    default:
      return false;  // kinds of later versions among them: they are stepped over
  }
}

void RecordReader::sample(uint64_t time, const trace::SampleRecord& record) {
  const ProcessSample sample{.time = time,
                             .rss = record.rss,
                             .rss_anon = record.rss_anon,
                             .rss_file = record.rss_file,
                             .rss_shmem = record.rss_shmem,
                             .swap = record.swap,
                             .high_water = record.high_water,
                             .max_rss = record.max_rss,
                             .recorder_bytes = record.recorder_bytes,
                             .recorder_trace_bytes = record.recorder_trace_bytes};
  if (record.monotonic_ns != 0) clock_.learn(time, record.monotonic_ns);
  const uint64_t highest = std::max({record.max_rss, record.high_water, record.rss});
  ++samples_.count;
  samples_.high_water = std::max(samples_.high_water, record.high_water);
  if (highest > samples_.max_rss) {
    samples_.max_rss = highest;
    samples_.max_rss_time = time;
  }
  const uint64_t before = samples_.steps.empty() ? 0 : samples_.steps.back().max_rss;
  if (highest > before && highest - before > before / 256) {
    samples_.steps.push_back({last_sample_ ? last_sample_->time : 0, time, highest});
  }
  heap_.timeline().sample(time, record.rss, samples_.max_rss);
  if (record.waits != 0) {
    heap_.sample(waits_ != 0 && record.waits > waits_);
    waits_ = std::max(waits_, record.waits);
  }

  for (; first_open_mark_ < marks_.size(); ++first_open_mark_) {
    RecordedMark& mark = marks_[first_open_mark_];
    if (mark.sample && distance(mark.sample->time, mark.time) <= distance(time, mark.time)) continue;
    mark.sample = sample;
    mark.max_rss = samples_.max_rss;
  }
  if (end_sample_open_) {
    end_sample_open_ = false;
    if (!samples_.at_end || distance(time, end_->time) < distance(samples_.at_end->time, end_->time)) {
      samples_.at_end = sample;
    }
  }
  last_sample_ = sample;
}

void RecordReader::mark(uint64_t time, const trace::MarkRecord& record) {
  heap_.mark(time);
  if (marks_.size() >= kMaxMarks) {
    ++dropped_marks_;
    return;
  }
  const HeapTotals& totals = heap_.totals();
  marks_.push_back({to_string(record.text), time, totals.live_bytes, totals.live_blocks, totals.allocated_bytes,
                    totals.allocations, last_sample_, samples_.max_rss});
}

void RecordReader::snapshot(const trace::SnapshotRecord& record) {
  if (snapshots_.size() >= kMaxSnapshots) return;
  Snapshot& added = snapshots_.emplace_back();
  added.id = record.id;
  added.reason = record.reason;
  added.cut = record.cut;
  added.pause_ns = record.pause_ns;
  added.threads = record.threads;
  added.half_read = record.half_read;
}

void RecordReader::skipped_snapshot(const trace::SnapshotSkippedRecord& record) {
  auto found = std::find_if(skipped_.begin(), skipped_.end(), [&](const SkippedSnapshots& one) {
    return one.reason == record.reason && one.why == record.why;
  });
  if (found == skipped_.end()) {
    if (skipped_.size() >= kMaxKindsOfSkips) return;
    skipped_.push_back({record.reason, record.why, 0, 0});
    found = std::prev(skipped_.end());
  }
  found->error = record.error;
  ++found->count;
}

void RecordReader::capture_end(uint64_t time) {
  heap_.end_life(time);
  if (on_end_) on_end_(time);
  EndState& end = end_.emplace();
  const HeapTotals& totals = heap_.totals();
  end.time = time;
  end.live_bytes = totals.live_bytes;
  end.live_blocks = totals.live_blocks;
  end.frees = totals.frees;
  end.freed_bytes = totals.freed_bytes;
  end.program_map_bytes = maps_.live_bytes();
  end.sites.reserve(heap_.tree().size());
  for (uint32_t id = 0; id < heap_.tree().size(); ++id) {
    const SiteTotals& site = heap_.tree().totals(id);
    end.sites.push_back({site.live_bytes, site.live_blocks});
  }
  end.thread_live_bytes.reserve(heap_.threads().all().size());
  for (const ThreadTotals& thread : heap_.threads().all()) end.thread_live_bytes.push_back(thread.live_bytes);
  samples_.at_end = last_sample_;
  end_sample_open_ = true;
}

void RecordReader::finish(Recording& recording) {
  recording.life_end_seen = end_.has_value();
  if (!end_) capture_end(recording.last_time);
  // Sites and threads first seen after the end held nothing then.
  end_->sites.resize(heap_.tree().size());
  end_->thread_live_bytes.resize(heap_.threads().all().size());
  recording.end = *std::move(end_);
  recording.modules = modules_.take();
  recording.marks = std::move(marks_);
  recording.samples = samples_;
  recording.limits = limits_;
  recording.program_map_count = maps_.count();
  recording.exec_path = exec_path_;
  recording.snapshots = std::move(snapshots_);
  recording.snapshots_skipped = std::move(skipped_);
  if (damaged_ != 0) recording.damage.push_back(fmt::format("{} records are damaged and were skipped", damaged_));
  if (modules_.dropped() != 0)
    recording.damage.push_back(fmt::format("{} modules beyond the limit were skipped", modules_.dropped()));
  if (dropped_marks_ != 0)
    recording.damage.push_back(fmt::format("{} marks beyond the first {} are not shown", dropped_marks_, kMaxMarks));
}

}  // namespace tidemark::replay
