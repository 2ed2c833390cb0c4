#include "analyzer/report/text_times.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/base/text.h"
#include "analyzer/base/units.h"
#include "analyzer/report/text_growth.h"

namespace tidemark::report {
namespace {

constexpr size_t kChartWidth = 64;
constexpr size_t kMostRows = 12;
constexpr size_t kParts = 8;             // of a run that is too short for hours
constexpr size_t kFewestMarks = 4;       // that can be a time axis
constexpr size_t kMostMarks = 200;       // in a table of all marks, of which
constexpr size_t kLastMarks = 20;        // are the last ones
constexpr double kShortestTable = 0.25;  // seconds: a shorter run has no table of times
constexpr double kHour = 3600, kDay = 24 * kHour;
constexpr double kMostUneven = 0.15;  // of the marks' span
constexpr double kLeastAlike = 0.6;   // of the distances between marks are within a factor of 2 of the median
constexpr size_t kMaxNameBytes = 100;

std::string optional_bytes(const std::optional<uint64_t>& bytes) {
  return bytes ? format_bytes(*bytes) : std::string("-");
}

std::string change(uint64_t from, uint64_t to) { return format_signed_bytes(static_cast<int64_t>(to - from)); }

// Marks that can be a time axis: spread over half of the run at least, none far from its place in even time, and most
// distances like the median. (A busy machine shifts marks; those before and after a clean-up come in pairs.)
bool regular(const model::Report& report) {
  const std::vector<model::Mark>& marks = report.marks;
  if (marks.size() < kFewestMarks) return false;
  const double begin = marks.front().time_s, span = marks.back().time_s - begin;
  if (!(span > 0) || span < report.process.duration_s / 2) return false;
  const auto intervals = static_cast<double>(marks.size() - 1);
  std::vector<double> distances;
  for (size_t i = 1; i < marks.size(); ++i) {
    distances.push_back(marks[i].time_s - marks[i - 1].time_s);
    const double even = begin + span * static_cast<double>(i) / intervals;
    if (std::abs(marks[i].time_s - even) > span * kMostUneven) return false;
  }
  std::vector<double> sorted = distances;
  const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double median = *middle;
  const auto near = std::count_if(distances.begin(), distances.end(),
                                  [&](double one) { return one >= median / 2 && one <= 2 * median; });
  return static_cast<double>(near) >= kLeastAlike * intervals;
}

// Every how many of `count` rows so that at most kMostRows are left with the first and the last; a step that divides
// the distance, if one is near.
size_t step_of(size_t count) {
  if (count <= kMostRows) return 1;
  const size_t distance = count - 1;
  const size_t least = (distance + kMostRows - 2) / (kMostRows - 1);
  for (size_t step = least; step <= 2 * least; ++step) {
    if (distance % step == 0) return step;
  }
  return least;
}

// `mark` with what happened since `before` and not only since the one right before it.
model::Mark since(const model::Mark* before, const std::vector<model::Mark>& marks, size_t first, size_t last) {
  model::Mark mark = marks[last];
  mark.before_live_bytes = before != nullptr ? before->live_bytes : marks[first].before_live_bytes;
  mark.allocated_bytes = mark.freed_bytes = mark.freed_blocks = 0;
  for (size_t i = first; i <= last; ++i) {
    mark.allocated_bytes += marks[i].allocated_bytes;
    mark.freed_bytes += marks[i].freed_bytes;
    mark.freed_blocks += marks[i].freed_blocks;
  }
  return mark;
}

constexpr const char* kMarkColumns = "  {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>12} {:>10} {:>10}  {}";

void write_mark(Text& text, const model::Mark& mark) {
  line(text, kMarkColumns, format_seconds(mark.time_s), format_bytes(mark.before_live_bytes),
       format_bytes(mark.allocated_bytes), format_bytes(mark.freed_bytes), format_bytes(mark.live_bytes),
       change(mark.before_live_bytes, mark.live_bytes), format_count(mark.freed_blocks), optional_bytes(mark.rss_bytes),
       optional_bytes(mark.max_rss_bytes), shortened(printable(mark.name), kMaxNameBytes));
}

void write_marks(Text& text, const model::Report& report) {
  const std::vector<model::Mark>& marks = report.marks;
  if (marks.empty()) return;
  const size_t step = regular(report) ? step_of(marks.size()) : 1;
  if (step == 1) {
    line(text, "\nMARKS  live bytes; allocated and freed since the mark before");
  } else {
    line(text, "\nMARKS  every {} of {} (JSON has all); live bytes; allocated and freed since the row before",
         step == 2   ? std::string("2nd")
         : step == 3 ? std::string("3rd")
                     : fmt::format("{}th", step),
         format_count(marks.size()));
  }
  line(text, kMarkColumns, "time", "before", "allocated", "freed", "after", "change", "objects freed", "RSS", "maxrss",
       "mark");
  std::optional<model::Mark> before;
  for (size_t i = 0, first = 0; i < marks.size();) {
    before = since(before ? &*before : nullptr, marks, first, i);
    write_mark(text, *before);
    first = i + 1;
    if (i + 1 == marks.size()) break;
    i = std::min(i + step, marks.size() - 1);
    if (step == 1 && marks.size() > kMostMarks && i == kMostMarks - kLastMarks) {
      const size_t hidden = marks.size() - kMostMarks;
      line(text, "  ({}; JSON has all)", plural(hidden, "more mark"));
      i += hidden;
      first = i;
      before.reset();
    }
  }
}

// A step of the time table, and how its times are written.
struct Steps {
  double seconds = 0;
  double unit = 0;  // 0: as they are
  const char* label = "";
};

Steps steps_of(double duration_s) {
  const auto fitting = [&](double unit, const char* label) {
    for (const double count : {1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 14.0, 30.0}) {
      if (duration_s / (count * unit) < static_cast<double>(kMostRows)) return Steps{count * unit, unit, label};
    }
    return Steps{duration_s / kParts, unit, label};
  };
  if (duration_s >= 2 * kDay) return fitting(kDay, "day");
  if (duration_s >= 2 * kHour) return fitting(kHour, "hour");
  return {duration_s / kParts, 0, ""};
}

// The point of the timeline that `time_s` lies in.
const model::TimelinePoint& point_at(const std::vector<model::TimelinePoint>& timeline, double time_s) {
  const auto after = std::upper_bound(timeline.begin(), timeline.end(), time_s,
                                      [](double at, const model::TimelinePoint& point) { return at < point.time_s; });
  return after == timeline.begin() ? timeline.front() : *std::prev(after);
}

// The last sample at or before the point.
std::optional<uint64_t> resident_at(const std::vector<model::TimelinePoint>& timeline,
                                    const model::TimelinePoint& point) {
  for (const model::TimelinePoint* at = &point;; --at) {
    if (at->rss_bytes || at == timeline.data()) return at->rss_bytes;
  }
}

void write_time_table(Text& text, const model::Report& report) {
  // What is released at the very end is told elsewhere: the last row is the program's end.
  const double end_s = report.teardown.begins_s ? std::min(*report.teardown.begins_s, report.process.duration_s)
                                                : report.process.duration_s;
  if (end_s < kShortestTable || report.timeline.size() < 2 * kParts) return;
  const Steps steps = steps_of(end_s);
  constexpr const char* kColumns = "  {:>10} {:>10} {:>10} {:>10} {:>10}";
  line(text, kColumns, "time", "live", "change", "RSS", "maxrss");
  std::optional<uint64_t> before;
  const auto row = [&](double time_s, bool last) {
    const model::TimelinePoint& point = point_at(report.timeline, time_s);
    // In its last slice the program may be at its teardown already.
    const uint64_t live = last ? report.memory.live_bytes_at_end : point.last_live_bytes;
    const std::optional<uint64_t> rss =
        last && report.memory.rss_bytes_at_end ? report.memory.rss_bytes_at_end : resident_at(report.timeline, point);
    const bool exact = steps.unit != 0 && !last;
    line(text, kColumns,
         exact        ? fmt::format("{} {:.0f}", steps.label, time_s / steps.unit)
         : time_s > 0 ? format_seconds(time_s)
                      : std::string("start"),
         format_bytes(live), before ? change(*before, live) : std::string(), optional_bytes(rss),
         optional_bytes(point.max_rss_bytes));
    before = live;
  };
  // The first slice's end stands for the start, the last row for what is left of a step.
  for (size_t i = 0; static_cast<double>(i) * steps.seconds < end_s - steps.seconds / 2; ++i) {
    row(static_cast<double>(i) * steps.seconds, false);
  }
  row(end_s, true);
}

void write_chart(Text& text, const model::Report& report) {
  const size_t width = std::min(kChartWidth, report.timeline.size());
  std::vector<uint64_t> live(width), rss(width);
  uint64_t resident = 0;  // a slice without a sample is as the one before
  for (size_t i = 0; i < report.timeline.size(); ++i) {
    const size_t column = i * width / report.timeline.size();
    live[column] = std::max(live[column], report.timeline[i].live_bytes);
    resident = report.timeline[i].rss_bytes.value_or(resident);
    rss[column] = std::max(rss[column], resident);
  }
  const uint64_t highest =
      std::max({*std::max_element(live.begin(), live.end()), *std::max_element(rss.begin(), rss.end()), uint64_t{1}});
  line(text, "\nOVER TIME  from 0 to {}, full height {}", format_seconds(report.process.duration_s),
       format_bytes(highest));
  line(text, "  live  {}", chart(live, highest));
  line(text, "  RSS   {}", chart(rss, highest));
}

}  // namespace

void write_times(Text& text, const model::Report& report) {
  if (report.timeline.size() >= 2) {
    write_chart(text, report);
    if (!regular(report)) write_time_table(text, report);
  }
  write_marks(text, report);
}

}  // namespace tidemark::report
