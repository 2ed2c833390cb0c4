#include "analyzer/report/json_report.h"

#include <fmt/format.h>

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/report/json_findings.h"
#include "analyzer/report/json_ledger.h"
#include "analyzer/report/json_writer.h"
#include "analyzer/report/process_tree.h"

namespace tidemark::report {
namespace {

std::string time_text(int64_t realtime_ns) {
  const std::time_t seconds = static_cast<std::time_t>(realtime_ns / 1'000'000'000);
  std::tm parts{};
  if (realtime_ns < 0 || ::gmtime_r(&seconds, &parts) == nullptr) return "1970-01-01T00:00:00.000Z";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, realtime_ns / 1'000'000 % 1000);
}

std::string id_text(uint64_t id) { return fmt::format("{:016x}", id); }

std::optional<std::string> known_id(uint64_t id) { return id != 0 ? std::optional(id_text(id)) : std::nullopt; }

void write_process(Json& json, const model::Process& process) {
  json.object("process", [&] {
    json.member("command", process.command);
    json.member("arguments", process.arguments);
    json.member("executable", process.executable);
    json.member("working_directory", process.working_directory);
    json.member("pid", process.pid);
    json.member("parent_pid", process.parent_pid);
    json.member("image", process.image);
    json.member("forked", process.forked);
    json.member("trace_id", id_text(process.trace_id));
    json.member("parent_trace_id", known_id(process.parent_trace_id));
    json.member("start_time", time_text(process.start_realtime_ns));
    json.member("duration_s", process.duration_s);
    json.object("end", [&] {
      json.member("kind", end_name(process.end.kind));
      json.member("code", process.end.code);
      if (process.end.exec) json.member("exec", *process.end.exec);
    });
  });
}

void write_recording(Json& json, const model::Recording& recording) {
  json.object("recording", [&] {
    json.member("trace", recording.trace);
    json.member("mode", recording.mode);
    json.member("events", recording.events);
    json.member("threads", recording.threads);
    json.member("complete", recording.complete);
    json.member("lost", recording.lost);
    json.member("trace_bytes", recording.trace_bytes);
    json.member("cut_stacks", recording.cut_stacks);
    json.member("allocator", known(recording.allocator));
    json.member("operator_new", known(recording.operator_new));
    json.optional_object("unwind_check", recording.unwind_check, [&](const model::UnwindCheck& check) {
      json.member("events", check.events);
      json.member("differences", check.differences);
      json.member("slow_path", check.slow_path);
      json.member("cut", check.cut);
      json.member("distinct_pcs", check.distinct_pcs);
      json.member("unchecked", check.unchecked);
    });
    json.optional_object("stopped", recording.stopped, [&](const model::Stopped& stopped) {
      json.member("reason", stopped.reason);
      json.member("errno", stopped.error);
      json.member("error", known(stopped.error_text));
      json.member("time_s", stopped.time_s);
    });
  });
}

void write_modules(Json& json, const std::vector<model::Module>& modules) {
  json.objects("modules", modules, [&](const model::Module& module) {
    json.member("path", module.path);
    json.member("build_id", known(module.build_id));
    json.member("loaded_s", module.loaded_s);
    json.member("unloaded_s", module.unloaded_s);
    json.member("symbols", module.symbols);
  });
}

void write_memory(Json& json, const model::Report& report) {
  const model::Memory& memory = report.memory;
  json.object("memory", [&] {
    json.member("peak_live_bytes", memory.peak_live_bytes);
    json.member("peak_live_blocks", memory.peak_live_blocks);
    json.member("peak_time_s", memory.peak_time_s);
    json.member("live_bytes_at_end", memory.live_bytes_at_end);
    json.member("live_blocks_at_end", memory.live_blocks_at_end);
    json.member("end_time_s", memory.end_time_s);
    json.member("total_allocated_bytes", memory.total_allocated_bytes);
    json.member("total_allocations", memory.total_allocations);
    json.member("total_frees", memory.total_frees);
    json.member("temporary_allocations", memory.temporary_allocations);
    json.member("unknown_frees", memory.unknown_frees);
    json.member("overwritten_blocks", memory.overwritten_blocks);
    json.object("program_maps", [&] {
      json.member("count", memory.program_map_count);
      json.member("live_bytes_at_end", memory.program_map_live_bytes);
    });
    json.member("max_rss_bytes", memory.max_rss_bytes);
    json.member("max_rss_time_s", memory.max_rss_time_s);
    json.member("max_rss_live_bytes", memory.max_rss_live_bytes);
    json.member("max_rss_before_bytes", memory.max_rss_before_bytes);
    json.member("image_high_water_bytes", memory.image_high_water_bytes);
    json.member("rss_bytes_at_end", memory.rss_bytes_at_end);
    json.member("recorder_bytes_at_end", memory.recorder_bytes_at_end);
    write_ledger(json, report);
  });
}

void write_threads(Json& json, const std::vector<model::Thread>& threads) {
  json.objects("threads", threads, [&](const model::Thread& thread) {
    json.member("serial", thread.serial);
    json.member("tid", thread.tid);
    json.member("name", thread.name);
    json.member("allocations", thread.allocations);
    json.member("frees", thread.frees);
    json.member("allocated_bytes", thread.allocated_bytes);
    json.member("live_bytes_at_end", thread.live_bytes_at_end);
  });
}

void write_times(Json& json, const model::Report& report) {
  json.object("teardown", [&] {
    json.member("begins_s", report.teardown.begins_s);
    json.member("freed_bytes", report.teardown.freed_bytes);
    json.member("freed_blocks", report.teardown.freed_blocks);
  });
  json.objects("lifetimes", report.lifetimes, [&](const model::LifetimeBin& bin) {
    json.member("from_ns", bin.from_ns);
    json.member("count", bin.count);
    json.member("bytes", bin.bytes);
  });
  json.objects("marks", report.marks, [&](const model::Mark& mark) {
    json.member("name", mark.name);
    json.member("time_s", mark.time_s);
    json.member("live_bytes", mark.live_bytes);
    json.member("live_blocks", mark.live_blocks);
    json.member("rss_bytes", mark.rss_bytes);
    json.member("max_rss_bytes", mark.max_rss_bytes);
    json.member("before_live_bytes", mark.before_live_bytes);
    json.member("before_live_blocks", mark.before_live_blocks);
    json.member("allocated_bytes", mark.allocated_bytes);
    json.member("allocated_blocks", mark.allocated_blocks);
    json.member("freed_bytes", mark.freed_bytes);
    json.member("freed_blocks", mark.freed_blocks);
  });
  json.objects("limits", report.limits, [&](const model::Limit& limit) {
    json.member("kind", limit.kind);
    json.member("bytes", limit.bytes);
    json.member("left_bytes", limit.left_bytes);
    json.member("reached_in_s", limit.reached_in_s);
  });
  json.objects("timeline", report.timeline, [&](const model::TimelinePoint& point) {
    json.member("time_s", point.time_s);
    json.member("live_bytes", point.live_bytes);
    json.member("last_live_bytes", point.last_live_bytes);
    json.member("rss_bytes", point.rss_bytes);
    json.member("max_rss_bytes", point.max_rss_bytes);
  });
}

void write_report(Json& json, const model::Report& report) {
  json.open_object();
  json.member("schema", "tidemark.report/1");
  write_process(json, report.process);
  write_recording(json, report.recording);
  write_modules(json, report.modules);
  write_memory(json, report);
  json.object("verdict", [&] {
    json.member("class", model::name(report.verdict.verdict_class));
    json.member("kind", model::name(report.verdict.kind));
    json.member("confidence", report.verdict.confidence);
    json.member("headline", report.verdict.headline);
  });
  write_growth(json, report.growth);
  json.object("working_life", [&] {
    json.member("begins_s", report.working_life.begins_s);
    json.member("ends_s", report.working_life.ends_s);
    json.member("live_bytes", report.working_life.live_bytes);
    json.member("live_blocks", report.working_life.live_blocks);
  });
  write_findings(json, report);
  write_peak_stacks(json, report);
  write_who_holds(json, report);
  write_snapshots(json, report);
  write_threads(json, report.threads);
  write_times(json, report);
  json.close_object();
}

}  // namespace

Status write_json(const model::Report& report, std::FILE* to) {
  Json json(to);
  write_report(json, report);
  return json.finish();
}

struct JsonTree::State {
  explicit State(std::FILE* to) : json(to) {}
  Json json;
  ProcessTree tree;
};

JsonTree::JsonTree(std::FILE* to) : state_(std::make_unique<State>(to)) {
  state_->json.open_object();
  state_->json.member("schema", "tidemark.report-tree/1");
  state_->json.key("reports");
  state_->json.open_array();
}

JsonTree::~JsonTree() = default;

void JsonTree::add(const model::Report& report) {
  write_report(state_->json, report);
  state_->tree.add(report);
}

Status JsonTree::finish() {
  Json& json = state_->json;
  json.close_array();
  json.objects("tree", state_->tree.entries(), [&](const ProcessTree::Entry& entry) {
    json.member("pid", entry.pid);
    json.member("parent_pid", entry.parent_pid);
    json.member("command", entry.command);
    json.member("image", entry.image);
    json.member("trace_id", id_text(entry.trace_id));
    json.member("parent_trace_id", known_id(entry.parent_trace_id));
  });
  json.object("totals", [&, totals = state_->tree.totals()] {
    json.member("processes", totals.processes);
    json.member("total_allocations", totals.allocations);
    json.member("total_frees", totals.frees);
    json.member("total_allocated_bytes", totals.allocated_bytes);
    json.member("live_bytes_at_end", totals.live_bytes_at_end);
    json.member("highest_peak_live_bytes", totals.highest_peak_live_bytes);
    json.member("highest_max_rss_bytes", totals.highest_max_rss_bytes);
  });
  json.close_object();
  return json.finish();
}

}  // namespace tidemark::report
