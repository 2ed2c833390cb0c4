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

namespace tidemark::report {
namespace {

constexpr size_t kChartWidth = 64;

std::string end_sentence(const model::Process& process) {
  const model::End& end = process.end;
  switch (end.kind) {
    case model::End::Kind::kExited:
      if (end.exec) return fmt::format("became {} by exec", printable(*end.exec));
      return end.code ? fmt::format("exited with {}", *end.code) : std::string("exited");
    case model::End::Kind::kSignaled:
      return end.code ? fmt::format("was ended by signal {}", *end.code) : "was ended by a signal";
    case model::End::Kind::kRunning:
      return "is still running";
    case model::End::Kind::kKilled:
      break;
  }
  return "was killed (the trace just stops)";
}

std::string process_sentence(const model::Report& report) {
  const model::Process& process = report.process;
  return fmt::format("{} (pid {}) ran {} and {}; {}, {}, {}.", printable(process.command), process.pid,
                     format_seconds(process.duration_s), end_sentence(process),
                     plural(report.recording.threads, "thread"), plural(report.recording.events, "event"),
                     report.recording.complete ? "nothing lost" : "SOMETHING WAS LOST (see the end)");
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string share_sentence(const model::Report& report, const char* what, uint64_t bytes, uint64_t blocks,
                           uint64_t whole, const model::Stack& stack, const std::string& holder = {}) {
  const std::string where = stack_summary(report, stack);
  return fmt::format("{}: {} ({}) in {}{}{}.", what, format_bytes(bytes), percent(bytes, whole),
                     plural(blocks, "block"), where.empty() ? std::string(", of unknown origin") : " from " + where,
                     holder);
}

// The five lines for a tired engineer.
void write_summary(Text& text, const model::Report& report) {
  const model::Memory& memory = report.memory;
  line(text, "{}: {}.", upper(model::name(report.verdict.verdict_class)), report.verdict.headline);
  const std::string max_rss = max_rss_sentence(report);
  line(text, "{}",
       max_rss.empty() ? std::string("No process sample was taken: the resident set is not known.") : max_rss);
  if (!report.peak_stacks.empty()) {
    const model::PeakStack& peak = report.peak_stacks.front();
    line(text, "{}",
         share_sentence(report, "Largest part of the peak", peak.bytes, peak.blocks, memory.peak_live_bytes,
                        peak.stack));
  } else {
    line(text, "Nothing was ever live.");
  }
  if (!report.findings.empty() && report.findings.front().folded_sites == 0) {
    const model::Finding& first = report.findings.front();
    line(text, "{}",
         share_sentence(report, "Largest part of what is live at the end", first.bytes, first.blocks,
                        memory.live_bytes_at_end, first.stack, holder_clause(first)));
  } else {
    line(text, "{}",
         memory.live_blocks_at_end == 0 ? std::string("Nothing is live at the end.")
                                        : std::string("What is live at the end is small blocks of many sites."));
  }
  line(text, "{}", process_sentence(report));
}

void write_peak(Text& text, const model::Report& report, size_t top) {
  if (report.peak_stacks.empty()) return;
  line(text, "\nPEAK  {} live in {} at {}", format_bytes(report.memory.peak_live_bytes),
       plural(report.memory.peak_live_blocks, "block"), format_seconds(report.memory.peak_time_s));
  size_t shown = 0;
  for (const model::PeakStack& peak : report.peak_stacks) {
    if (shown++ == top) break;
    line(text, "  {} ({}) in {}", format_bytes(peak.bytes), percent(peak.bytes, report.memory.peak_live_bytes),
         plural(peak.blocks, "block"));
    text.append(stack_lines(report, peak.stack, 6));
  }
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

void write_marks(Text& text, const model::Report& report) {
  if (report.marks.empty()) return;
  constexpr size_t kShown = 200;
  const auto optional = [](const std::optional<uint64_t>& bytes) {
    return bytes ? format_bytes(*bytes) : std::string("-");
  };
  line(text, "\nMARKS  {:>10} {:>12} {:>12} {:>14} {:>12} {:>12}", "time", "live", "change", "blocks", "RSS", "maxrss");
  const model::Mark* before = nullptr;
  for (size_t i = 0; i < report.marks.size(); ++i) {
    if (report.marks.size() > kShown && i == kShown - 20) {
      const size_t hidden = report.marks.size() - kShown;
      line(text, "       ({} more)", plural(hidden, "mark"));
      i += hidden;
      before = &report.marks[i - 1];
    }
    const model::Mark& mark = report.marks[i];
    line(text, "       {:>10} {:>12} {:>12} {:>14} {:>12} {:>12}  {}", format_seconds(mark.time_s),
         format_bytes(mark.live_bytes),
         before == nullptr ? std::string("")
                           : format_signed_bytes(static_cast<int64_t>(mark.live_bytes - before->live_bytes)),
         format_count(mark.live_blocks), optional(mark.rss_bytes), optional(mark.max_rss_bytes), printable(mark.name));
    before = &mark;
  }
}

// Bars of eighths, one column per slice of time; a column without a value is blank.
std::string chart(const std::vector<uint64_t>& columns, uint64_t highest) {
  static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string text;
  for (const uint64_t value : columns) {
    if (value == 0) {
      text += ' ';
    } else {
      const double share = static_cast<double>(value) / static_cast<double>(highest);
      text += kBars[std::min<size_t>(7, static_cast<size_t>(share * 8))];
    }
  }
  return text;
}

void write_timeline(Text& text, const model::Report& report) {
  if (report.timeline.size() < 2) return;
  const size_t width = std::min(kChartWidth, report.timeline.size());
  std::vector<uint64_t> live(width), rss(width);
  for (size_t i = 0; i < report.timeline.size(); ++i) {
    const size_t column = i * width / report.timeline.size();
    live[column] = std::max(live[column], report.timeline[i].live_bytes);
    rss[column] = std::max(rss[column], report.timeline[i].rss_bytes.value_or(0));
  }
  const uint64_t highest =
      std::max({*std::max_element(live.begin(), live.end()), *std::max_element(rss.begin(), rss.end()), uint64_t{1}});
  line(text, "\nOVER TIME  from 0 to {}, full height {}", format_seconds(report.process.duration_s),
       format_bytes(highest));
  line(text, "  live  {}", chart(live, highest));
  line(text, "  RSS   {}", chart(rss, highest));
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
  write_timeline(text, report);
  write_marks(text, report);
  write_snapshots(text, report);
  write_threads(text, report, options.top);
  write_recording(text, report);
  return fmt::to_string(text);
}

}  // namespace tidemark::report
