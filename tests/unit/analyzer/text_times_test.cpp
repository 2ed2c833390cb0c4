// The tables over time: marks as the time axis, hours, days, parts of a run.
#include "analyzer/report/text_times.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidemark::report {
namespace {

constexpr uint64_t kMegabyte = 1 << 20;

std::string times_of(const model::Report& report) {
  Text text;
  write_times(text, report);
  return fmt::to_string(text);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

size_t lines_with(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// From 111 MB to 713 MB, as in the documents.
uint64_t leaking(double share) { return (111 + static_cast<uint64_t>(602 * share)) * kMegabyte; }

model::Report run_of(double seconds) {
  model::Report report;
  report.process.duration_s = seconds;
  for (int i = 0; i < 250; ++i) {
    const double share = i / 249.0;
    model::TimelinePoint& point = report.timeline.emplace_back();
    point.time_s = seconds * i / 250;
    point.last_live_bytes = leaking(share);
    point.live_bytes = point.last_live_bytes + kMegabyte;
    if (i % 2 == 0) point.rss_bytes = point.last_live_bytes + 9 * kMegabyte;
    point.max_rss_bytes = point.last_live_bytes + 10 * kMegabyte;
  }
  report.memory.live_bytes_at_end = leaking(1);
  return report;
}

void add_hours(model::Report& report, int hours) {
  for (int hour = 0; hour <= hours; ++hour) {
    model::Mark& mark = report.marks.emplace_back();
    mark.name = "hour " + std::to_string(hour);
    mark.time_s = report.process.duration_s * hour / hours;
    mark.live_bytes = leaking(hour / static_cast<double>(hours));
    mark.before_live_bytes = hour == 0 ? 0 : report.marks[static_cast<size_t>(hour) - 1].live_bytes;
    mark.allocated_bytes = mark.live_bytes - mark.before_live_bytes + kMegabyte;
    mark.freed_bytes = kMegabyte;
    mark.freed_blocks = 10;
  }
}

TEST(TextTimes, RegularMarksAreTheTimeAxis) {
  model::Report report = run_of(12);
  add_hours(report, 120);
  // A busy machine shifts some.
  report.marks[7].time_s += 0.09;
  report.marks[50].time_s -= 0.08;
  const std::string text = times_of(report);
  EXPECT_TRUE(contains(text, "\nMARKS  every 12th of 121 (JSON has all)")) << text;
  EXPECT_EQ(lines_with(text, "  hour "), 11u) << text;
  EXPECT_TRUE(contains(text, "  hour 0\n") && contains(text, "  hour 12\n") && contains(text, "  hour 120\n")) << text;
  // Freed in 12 hours, not in one; what was before is what the row before showed.
  EXPECT_TRUE(contains(text, "    1.20 s   111.0 MB    72.0 MB    12.0 MB   171.0 MB   +60.0 MB          120")) << text;
  EXPECT_FALSE(contains(text, "change        RSS     maxrss\n")) << "two tables say the same";
}

TEST(TextTimes, FewRegularMarksAreAllShown) {
  model::Report report = run_of(12);
  add_hours(report, 5);
  const std::string text = times_of(report);
  EXPECT_TRUE(contains(text, "\nMARKS  live bytes; allocated and freed since the mark before\n")) << text;
  EXPECT_EQ(lines_with(text, "  hour "), 6u);
  EXPECT_EQ(lines_with(text, "maxrss"), 1u) << text;
}

TEST(TextTimes, StepsDivideTheDistanceWhereTheyCan) {
  const auto rows = [](int hours) {
    model::Report report = run_of(12);
    add_hours(report, hours);
    return lines_with(times_of(report), "  hour ");
  };
  EXPECT_EQ(rows(11), 12u);
  EXPECT_EQ(rows(12), 7u);
  EXPECT_EQ(rows(24), 9u);
  EXPECT_EQ(rows(100), 11u);
  for (int hours = 12; hours < 150; ++hours) EXPECT_LE(rows(hours), 12u) << hours;
}

TEST(TextTimes, MarksOfOneCleanUpAreNoTimeAxis) {
  model::Report report = run_of(2);
  const double times[] = {1.0, 1.02, 1.03, 1.035, 1.036, 1.04};
  const char* names[] = {"after load", "tables", "identity map", "collector", "pool", "after cleanup"};
  for (int i = 0; i < 6; ++i) {
    model::Mark& mark = report.marks.emplace_back();
    mark.name = names[i];
    mark.time_s = times[i];
    mark.live_bytes = 120 * kMegabyte - static_cast<uint64_t>(i) * 470 * 1024;
    mark.before_live_bytes = i == 0 ? 0 : report.marks[static_cast<size_t>(i) - 1].live_bytes;
    mark.freed_bytes = i == 0 ? 0 : 470 * 1024;
    mark.freed_blocks = i == 0 ? 0 : 47;
    mark.rss_bytes = 118 * kMegabyte;
  }
  const std::string text = times_of(report);
  EXPECT_TRUE(contains(text, "\n        time       live     change        RSS     maxrss\n       start")) << text;
  EXPECT_EQ(lines_with(text, "\n      0.") + lines_with(text, "\n      1."), 7u + 6u) << text;
  EXPECT_TRUE(contains(text,
                       "\n      1.02 s   120.0 MB        0 B   470.0 KB   119.5 MB  -470.0 KB           47   "
                       "118.0 MB          -  tables\n"))
      << text;
}

TEST(TextTimes, LongRunsByHourAndDay) {
  const std::string hours = times_of(run_of(5 * 3600));
  EXPECT_TRUE(contains(hours, "\n      hour 1   231.0 MB")) << hours;
  EXPECT_TRUE(contains(hours, "\n      hour 4")) << hours;
  EXPECT_TRUE(contains(hours, "\n   5 h 0 min   713.0 MB")) << hours;
  EXPECT_FALSE(contains(hours, "hour 5"));
  const std::string half_day = times_of(run_of(20 * 3600));
  EXPECT_TRUE(contains(half_day, "\n      hour 2") && !contains(half_day, "\n      hour 3")) << half_day;
  const std::string days = times_of(run_of(5 * 86400));
  EXPECT_TRUE(contains(days, "\n       day 1   231.0 MB  +120.0 MB")) << days;
  EXPECT_TRUE(contains(days, "\n       day 4") && !contains(days, "hour 1")) << days;
  for (const double run : {0.3, 100.0, 7199.0, 7200.0, 43200.0, 172799.0, 172800.0, 3e6, 3e8}) {
    const std::string text = times_of(run_of(run));
    const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
    EXPECT_GE(lines, 4u + 1u + 3u) << run << text;
    EXPECT_LE(lines, 4u + 1u + 13u) << run << text;
  }
}

TEST(TextTimes, TheLastRowIsTheEndAndNotTheTeardown) {
  model::Report report = run_of(2);
  report.teardown.begins_s = 1.6;
  report.memory.live_bytes_at_end = 500 * kMegabyte;
  report.memory.rss_bytes_at_end = 444 * kMegabyte;
  const std::string text = times_of(report);
  EXPECT_TRUE(contains(text, "\n      1.60 s   500.0 MB")) << text;
  EXPECT_TRUE(contains(text, "   444.0 MB   ")) << text;
  EXPECT_FALSE(contains(text, "\n      2.0")) << text;
}

TEST(TextTimes, AShortRunHasNoTable) {
  EXPECT_FALSE(contains(times_of(run_of(0.1)), "maxrss"));
  EXPECT_EQ(times_of(model::Report{}), "");
}

TEST(TextTimes, ManyIrregularMarksLoseTheirMiddle) {
  model::Report report = run_of(1000);
  for (int i = 0; i < 1000; ++i) {
    model::Mark& mark = report.marks.emplace_back();
    mark.name = "m" + std::to_string(i) + ".";
    mark.time_s = 1000 - 1000.0 / (i + 1);
    mark.before_live_bytes = static_cast<uint64_t>(i);
    mark.live_bytes = static_cast<uint64_t>(i) + 1;
  }
  const std::string text = times_of(report);
  EXPECT_TRUE(contains(text, "  m179.\n  (800 more marks; JSON has all)\n")) << text;
  EXPECT_TRUE(contains(text, "      980 B        0 B        0 B      981 B       +1 B")) << text;
  EXPECT_TRUE(contains(text, "  m999.\n"));
}

}  // namespace
}  // namespace tidemark::report
