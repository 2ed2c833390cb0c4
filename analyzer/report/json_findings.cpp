#include "analyzer/report/json_findings.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "analyzer/report/json_ledger.h"

namespace tidemark::report {
namespace {

std::optional<uint32_t> known_line(uint32_t line) { return line != 0 ? std::optional(line) : std::nullopt; }

void write_held_by(Json& json, const model::HeldBy& held_by) {
  json.object("held_by", [&] {
    json.member("kind", model::name(held_by.kind));
    json.member("weak", held_by.weak);
    json.member("symbol", held_by.symbol);
    json.member("offset", held_by.offset);
    json.member("field", held_by.field);
    json.member("module", known(held_by.module));
    json.member("file", known(held_by.file));
    json.member("line", known_line(held_by.line));
    json.member("thread", known(held_by.thread));
    json.objects("path", held_by.path, [&](const model::PathStep& step) {
      json.member("type", step.type);
      json.member("offset", step.offset);
      json.member("field", step.field);
    });
    json.member("elided", held_by.elided);
  });
}

void write_finding(Json& json, const model::Report& report, const model::Finding& finding) {
  json.member("class", model::name(finding.verdict_class));
  json.member("kind", model::name(finding.kind));
  json.member("bytes", finding.bytes);
  json.member("blocks", finding.blocks);
  json.member("confidence", finding.confidence);
  json.member("sites", finding.sites);
  json.member("folded_sites", finding.folded_sites);
  json.member("summary", known(finding.summary));
  json.member("evidence", finding.evidence);
  write_growth(json, finding.growth);
  json.objects("generations", finding.generations, [&](const model::GenerationSlice& slice) {
    json.member("to_s", slice.to_s);
    json.member("live_bytes", slice.live_bytes);
    json.member("live_blocks", slice.live_blocks);
    json.member("born_bytes", slice.born_bytes);
    json.member("born_blocks", slice.born_blocks);
    json.member("surviving_bytes", slice.surviving_bytes);
    json.member("surviving_blocks", slice.surviving_blocks);
  });
  json.member("bound_bytes", finding.bound_bytes);
  write_stack(json, report, finding.stack);
  write_held_by(json, finding.held_by);
  json.objects("cycle", finding.cycle, [&](const model::CycleMember& member) {
    json.member("type", member.type);
    json.member("bytes", member.bytes);
    json.member("offset", member.offset);
    json.member("field", member.field);
  });
  json.member("direct_blocks", finding.direct_blocks);
  json.member("direct_bytes", finding.direct_bytes);
  json.member("indirect_blocks", finding.indirect_blocks);
  json.member("indirect_bytes", finding.indirect_bytes);
  json.member("copies", finding.copies);
  json.member("resurrected_blocks", finding.resurrected_blocks);
  json.objects("keeps", finding.keeps, [&](const model::KeptType& kept) {
    json.member("type", kept.type);
    json.member("blocks", kept.blocks);
    json.member("bytes", kept.bytes);
  });
}

// Three members, null when it was not found out.
void write_sums(Json& json, const std::optional<model::Reachability>& reachability) {
  const auto write = [&](const char* blocks, const char* bytes, model::BlockSum model::Reachability::*part) {
    json.member(blocks, reachability ? std::optional(((*reachability).*part).blocks) : std::nullopt);
    json.member(bytes, reachability ? std::optional(((*reachability).*part).bytes) : std::nullopt);
  };
  write("reachable_blocks", "reachable_bytes", &model::Reachability::reachable);
  write("weak_blocks", "weak_bytes", &model::Reachability::weak);
  write("unreachable_blocks", "unreachable_bytes", &model::Reachability::unreachable);
}

// Recursion no deeper than kMaxHolderDepth.
void write_holders(Json& json, const char* name, const std::vector<model::Holder>& holders, size_t depth) {
  json.objects(name, holders, [&](const model::Holder& holder) {
    json.member("name", known(holder.name));
    json.member("kind", model::name(holder.kind));
    json.member("type", known(holder.type));
    json.member("count", holder.count);
    json.member("bytes", holder.bytes);
    json.member("retained_bytes", holder.retained_bytes);
    json.member("file", known(holder.file));
    json.member("line", known_line(holder.line));
    if (depth < model::kMaxHolderDepth) {
      write_holders(json, "children", holder.children, depth + 1);
    } else {
      json.member("children", std::vector<std::string>());
    }
  });
}

}  // namespace

void write_stack(Json& json, const model::Report& report, const model::Stack& stack) {
  json.objects("stack", stack.frames, [&](uint32_t index) {
    const model::Frame& frame = report.frames[index];
    json.member("function", known(frame.function));
    json.member("file", known(frame.file));
    json.member("line", known_line(frame.line));
    json.member("module", known(frame.module));
    json.member("offset", frame.offset);
    json.member("inlined", frame.inlined);
  });
  json.member("stack_cut", stack.cut);
}

void write_growth(Json& json, const model::Growth& growth) {
  json.object("growth", [&] {
    json.member("trend", growth.trend);
    json.member("bytes_per_hour", growth.bytes_per_hour);
    json.member("bytes_per_mark", growth.bytes_per_mark);
  });
}

void write_findings(Json& json, const model::Report& report) {
  json.objects("findings", report.findings,
               [&](const model::Finding& finding) { write_finding(json, report, finding); });
}

void write_peak_stacks(Json& json, const model::Report& report) {
  json.objects("peak_stacks", report.peak_stacks, [&](const model::PeakStack& peak) {
    json.member("bytes", peak.bytes);
    json.member("blocks", peak.blocks);
    write_stack(json, report, peak.stack);
  });
}

void write_who_holds(Json& json, const model::Report& report) {
  if (!report.who_holds) return;
  const model::WhoHolds& who_holds = *report.who_holds;
  json.object("who_holds_matched", [&] {
    json.member("query", who_holds.query);
    json.member("blocks", who_holds.matched.blocks);
    json.member("bytes", who_holds.matched.bytes);
  });
  json.objects("who_holds", who_holds.blocks, [&](const model::HeldBlocks& held) {
    json.member("address", fmt::format("{:#x}", held.address));
    json.member("blocks", held.blocks);
    json.member("bytes", held.bytes);
    write_stack(json, report, held.stack);
    write_held_by(json, held.held_by);
  });
}

void write_snapshots(Json& json, const model::Report& report) {
  json.objects("snapshots", report.snapshots, [&](const model::Snapshot& snapshot) {
    json.member("id", snapshot.id);
    json.member("time_s", snapshot.time_s);
    json.member("reason", model::name(snapshot.reason));
    json.member("complete", snapshot.complete);
    json.member("outside", snapshot.outside);
    json.member("pause_s", snapshot.pause_s);
    json.member("duration_s", snapshot.duration_s);
    json.member("threads", snapshot.threads);
    json.member("half_read_threads", snapshot.half_read_threads);
    json.member("live_blocks", snapshot.live_blocks);
    json.member("live_bytes", snapshot.live_bytes);
    write_sums(json, snapshot.reachability);
    json.member("scanned_bytes", snapshot.scanned_bytes);
    json.member("swapped_bytes", snapshot.swapped_bytes);
    json.member("unreadable_bytes", snapshot.unreadable_bytes);
    write_ledger(json, snapshot.ledger);
  });
  json.objects("snapshots_skipped", report.snapshots_skipped, [&](const model::SkippedSnapshots& skipped) {
    json.member("reason", model::name(skipped.reason));
    json.member("why", model::name(skipped.why));
    json.member("count", skipped.count);
    json.member("error_text", known(skipped.error_text));
  });
  json.member("graph_snapshot", report.graph_snapshot);
  if (report.holders) write_holders(json, "holders", *report.holders, 1);
}

}  // namespace tidemark::report
