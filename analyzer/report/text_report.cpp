#include "analyzer/report/text_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <string_view>
#include <vector>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/report/text_findings.h"
#include "analyzer/report/text_holders.h"
#include "analyzer/report/text_ledger.h"
#include "analyzer/report/text_lines.h"
#include "analyzer/report/text_stack.h"
#include "analyzer/report/text_summary.h"
#include "analyzer/report/text_times.h"

namespace tidemark::report {
namespace {

constexpr uint64_t kLeastPeak = 100;  // 1/100 of the peak: less is not shown

void write_peak(Text& text, const model::Report& report, size_t top) {
  if (report.peak_stacks.empty()) return;
  line(text, "\nPEAK  {} live in {} at {}", format_bytes(report.memory.peak_live_bytes),
       plural(report.memory.peak_live_blocks, "block"), format_seconds(report.memory.peak_time_s));
  size_t shown = 0;
  for (const model::PeakStack& peak : report.peak_stacks) {
    if (shown == top || (shown != 0 && peak.bytes < report.memory.peak_live_bytes / kLeastPeak)) break;
    ++shown;
    line(text, "  {} ({}) in {}", format_bytes(peak.bytes), percent(peak.bytes, report.memory.peak_live_bytes),
         plural(peak.blocks, "block"));
    const model::Finding* const same = finding_with(shown_findings(report, top), peak.stack);
    if (same == nullptr) {
      text.append(stack_lines(report, peak.stack, 6));
    } else {
      line(text, "      {}, as in the finding of {} above", stack_summary(report, peak.stack),
           format_bytes(same->bytes));
    }
  }
  if (shown < report.peak_stacks.size())
    line(text, "  (smaller ones, {} of them, are in JSON)", format_count(report.peak_stacks.size() - shown));
}

void write_totals(Text& text, const model::Report& report) {
  const model::Memory& memory = report.memory;
  line(text, "\nTOTALS");
  line(text, "  allocated        {} in {}", format_bytes(memory.total_allocated_bytes),
       plural(memory.total_allocations, "allocation"));
  line(text, "  freed            {}", plural(memory.total_frees, "block"));
  line(text, "  temporary        {} ({} of allocations): freed by the same thread before its next allocation",
       plural(memory.temporary_allocations, "allocation"),
       percent(memory.temporary_allocations, memory.total_allocations));
  if (memory.unknown_frees != 0) {
    line(text, "  unknown frees    {}: of blocks {}", format_count(memory.unknown_frees),
         report.process.forked ? "inherited from the parent process, or made before recording began"
                               : "whose allocation was not seen");
  }
  if (memory.overwritten_blocks != 0) {
    line(text, "  frees not seen   {}: the address was allocated again", format_count(memory.overwritten_blocks));
  }
  if (memory.program_map_count != 0) {
    line(text, "  mapped           {} by the program itself; {} of it mapped at the end (not in live bytes)",
         plural(memory.program_map_count, "mapping"), format_bytes(memory.program_map_live_bytes));
  }
  if (report.teardown.begins_s) {
    line(text, "  teardown         {} in {} freed after the end of main", format_bytes(report.teardown.freed_bytes),
         plural(report.teardown.freed_blocks, "block"));
  }
  for (const model::Limit& limit : report.limits) {
    line(text, "  limit            {} by {}{}", format_bytes(limit.bytes), limit.kind,
         limit.left_bytes ? fmt::format(", of which {} were left", format_bytes(*limit.left_bytes)) : std::string());
  }
  if (!report.lifetimes.empty()) {
    uint64_t freed = 0;
    for (const model::LifetimeBin& bin : report.lifetimes) freed += bin.count;
    uint64_t below = 0;
    std::array<std::pair<unsigned, std::string>, 3> quantiles = {{{50, ""}, {95, ""}, {99, ""}}};
    for (const model::LifetimeBin& bin : report.lifetimes) {
      below += bin.count;
      for (auto& [share, value] : quantiles) {
        if (value.empty() && static_cast<double>(below) * 100 >= static_cast<double>(freed) * share) {
          value = format_seconds(2e-9 * static_cast<double>(bin.from_ns));
        }
      }
    }
    line(text, "  lifetimes        half of the freed blocks lived less than {}, 95% less than {}, 99% less than {}",
         quantiles[0].second, quantiles[1].second, quantiles[2].second);
  }
}

void write_threads(Text& text, const model::Report& report, size_t top) {
  if (report.threads.size() < 2) return;
  std::vector<const model::Thread*> order;
  for (const model::Thread& thread : report.threads) order.push_back(&thread);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->allocated_bytes > b->allocated_bytes; });
  line(text, "\nTHREADS  {:>14} {:>14} {:>12} {:>12}", "allocations", "frees", "allocated", "live at end");
  for (size_t i = 0; i < order.size() && i < top; ++i) {
    const model::Thread& thread = *order[i];
    line(text, "         {:>14} {:>14} {:>12} {:>12}  {} {}", format_count(thread.allocations),
         format_count(thread.frees), format_bytes(thread.allocated_bytes), format_bytes(thread.live_bytes_at_end),
         thread.tid, printable(thread.name));
  }
  if (order.size() > top) line(text, "         ({} more)", plural(order.size() - top, "thread"));
}

void write_recording(Text& text, const model::Report& report) {
  const model::Recording& recording = report.recording;
  line(text, "\nRECORDING  {} mode, {} ({})", recording.mode, printable(recording.trace),
       format_bytes(recording.trace_bytes));
  if (const auto& check = recording.unwind_check) {
    const auto share = [&](uint64_t part) { return percent(part, check->events); };
    line(text,
         "  unwinding checked: {} compared, {}, {} ({}) needed the slow path, {} ({}) cut, {} not checked, {} distinct "
         "pcs",
         plural(check->events, "stack"), plural(check->differences, "difference"), format_count(check->slow_path),
         share(check->slow_path), format_count(check->cut), share(check->cut), format_count(check->unchecked),
         format_count(check->distinct_pcs));
  }
  if (recording.stopped) {
    line(text, "  recording stopped at {}: {}{}", format_seconds(recording.stopped->time_s), recording.stopped->reason,
         recording.stopped->error_text.empty() ? std::string() : fmt::format(" ({})", recording.stopped->error_text));
  }
  for (const std::string& lost : recording.lost) line(text, "  {}", printable(lost));
  if (recording.complete && recording.lost.empty()) line(text, "  complete: every event is in the figures");
}

}  // namespace

std::string text_report(const model::Report& report, const TextOptions& options) {
  Text text;
  write_summary(text, report);
  write_who_holds(text, report, options.top);
  write_holders(text, report, options.top);
  write_findings(text, report, options.top);
  write_peak(text, report, options.top);
  write_ledger(text, report, options.top);
  write_totals(text, report);
  write_times(text, report);
  write_snapshots(text, report);
  write_threads(text, report, options.top);
  write_recording(text, report);
  return fmt::to_string(text);
}

}  // namespace tidemark::report
