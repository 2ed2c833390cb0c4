// The verdict on the process, from findings that are written down here.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "analyzer/classify/classify.h"
#include "tests/unit/analyzer/program_trace.h"

namespace tidemark::classify {
namespace {

using model::VerdictClass;
using model::VerdictKind;
using testing::name_of;

constexpr uint64_t kStart = 1'000'000, kTicks = 1'000'000;
constexpr uint64_t kMegabyte = 1 << 20;

// A process of 30 slices, with what is live at the end of each, and its findings.
class Process {
 public:
  explicit Process(uint64_t live) : live_(30, live) {
    memory_.total_allocations = 1000;
    memory_.total_allocated_bytes = memory_.peak_live_bytes = live;
    memory_.live_bytes_at_end = live;
  }

  Process& live(size_t from, size_t to, uint64_t bytes) {
    for (size_t i = from; i < to; ++i) live_[i] = bytes;
    for (const uint64_t one : live_) memory_.peak_live_bytes = std::max(memory_.peak_live_bytes, one);
    memory_.live_bytes_at_end = live_.back();
    return *this;
  }
  // The highest within a slice, for moments only.
  Process& peak(size_t slice, uint64_t bytes) {
    peaks_.emplace_back(slice, bytes);
    memory_.peak_live_bytes = std::max(memory_.peak_live_bytes, bytes);
    return *this;
  }
  Process& lasting(std::vector<double> bytes) {
    lasting_ = std::move(bytes);
    return *this;
  }
  Process& finding(VerdictClass verdict_class, VerdictKind kind, uint64_t bytes, double confidence = 0.6) {
    model::Finding& finding = findings_.found.emplace_back().finding;
    finding.verdict_class = verdict_class;
    finding.kind = kind;
    finding.bytes = bytes;
    finding.blocks = 10;
    finding.confidence = confidence;
    return *this;
  }
  Process& cached(VerdictKind kind, uint64_t bytes) {
    memory_.ledger.emplace().rss_bytes = 100 * kMegabyte;
    return finding(VerdictClass::kAllocatorCaching, kind, bytes, 0.85);
  }
  model::Memory& memory() { return memory_; }

  model::Verdict judge() {
    replay::Recording recording;
    recording.header.start_ticks = kStart;
    recording.life_end_seen = true;
    recording.generations = replay::Generations(kStart, kTicks);
    uint64_t time = kStart;
    for (size_t i = 0; i < live_.size(); ++i) {
      replay::RunSlice slice;
      slice.allocations = slice.frees = 100;
      slice.live_bytes = slice.most_live_bytes = live_[i];
      for (const auto& [at, bytes] : peaks_) slice.most_live_bytes = at == i ? bytes : slice.most_live_bytes;
      recording.generations.close(time += kTicks, slice, [](uint32_t) { return std::pair<uint64_t, uint64_t>(); });
    }
    findings_.life = find_life(recording);
    findings_.lasting_bytes = lasting_;
    if (lasting_.empty()) findings_.lasting_bytes.assign(live_.begin(), live_.end());
    return classify::judge(recording, memory_, findings_);
  }
  std::string name() { return name_of(judge()); }

 private:
  std::vector<uint64_t> live_;
  std::vector<std::pair<size_t, uint64_t>> peaks_;
  std::vector<double> lasting_;
  model::Memory memory_;
  Findings findings_;
};

TEST(ProcessVerdict, ALeakMustHoldAHundredthOfThePeak) {
  for (const uint64_t bytes : {kMegabyte - 1, kMegabyte}) {
    Process process(100 * kMegabyte);
    process.finding(VerdictClass::kTrueLeak, VerdictKind::kUnreachable, bytes);
    EXPECT_EQ(process.name() == "true-leak/unreachable", bytes == kMegabyte) << bytes;
  }
}

TEST(ProcessVerdict, ALeakMustHold64Kilobytes) {
  for (const uint64_t bytes : {65535, 65536}) {
    Process process(kMegabyte);
    process.finding(VerdictClass::kTrueLeak, VerdictKind::kUnreachableCycle, bytes);
    EXPECT_EQ(process.name() == "true-leak/unreachable-cycle", bytes == 65536) << bytes;
  }
}

TEST(ProcessVerdict, ADoubtfulLeakNeverDecides) {
  for (const double confidence : {0.3, 0.49, 0.5, 0.85}) {
    Process process(10 * kMegabyte);
    process.finding(VerdictClass::kTrueLeak, VerdictKind::kUnboundedRetention, 9 * kMegabyte, confidence);
    const model::Verdict verdict = process.judge();
    EXPECT_EQ(name_of(verdict), confidence < 0.5 ? "undecided" : "true-leak/unbounded-retention") << confidence;
    EXPECT_EQ(verdict.confidence, confidence < 0.5 ? 0 : confidence);
  }
}

TEST(ProcessVerdict, ASmallerLeakThatIsSurerDecides) {
  Process process(10 * kMegabyte);
  process.finding(VerdictClass::kTrueLeak, VerdictKind::kUnboundedRetention, 5 * kMegabyte, 0.4)
      .finding(VerdictClass::kTrueLeak, VerdictKind::kUnreachable, kMegabyte, 0.9);
  const model::Verdict verdict = process.judge();
  EXPECT_EQ(name_of(verdict), "true-leak/unreachable");
  EXPECT_EQ(verdict.confidence, 0.9);
}

TEST(ProcessVerdict, ALeakGoesBeforeWhatHoldsMore) {
  Process process(100 * kMegabyte);
  process.finding(VerdictClass::kRetainedByDesign, VerdictKind::kWorkingSet, 90 * kMegabyte, 0.85)
      .finding(VerdictClass::kTrueLeak, VerdictKind::kUnboundedRetention, 2 * kMegabyte);
  const model::Verdict verdict = process.judge();
  EXPECT_EQ(name_of(verdict), "true-leak/unbounded-retention");
  EXPECT_NE(verdict.headline.find("besides, 90.0 MB are retained-by-design (working-set)"), std::string::npos)
      << verdict.headline;
}

TEST(ProcessVerdict, CachedPagesDecideWhenTheyAreMoreThanWhatIsHeld) {
  for (const uint64_t held : {9, 11}) {
    for (const VerdictKind kind : {VerdictKind::kFreePages, VerdictKind::kFragmentation}) {
      Process process(held * kMegabyte);
      process.cached(kind, 10 * kMegabyte)
          .finding(VerdictClass::kRetainedByDesign, VerdictKind::kWorkingSet, held * kMegabyte);
      EXPECT_EQ(process.name(), held == 11                        ? "retained-by-design/working-set"
                                : kind == VerdictKind::kFreePages ? "allocator-caching/free-pages"
                                                                  : "allocator-caching/fragmentation");
    }
  }
}

// Free pages that are needed again and again are in use.
TEST(ProcessVerdict, PeaksThatRecurNeedTheFreePages) {
  for (const size_t peaks : {1, 2, 3}) {
    Process process(kMegabyte);
    process.cached(VerdictKind::kFreePages, 30 * kMegabyte);
    process.peak(5, 40 * kMegabyte);
    for (size_t i = 0; i < peaks; ++i) process.peak(22 + 3 * i, 30 * kMegabyte);
    EXPECT_EQ(process.name() == "allocator-caching/free-pages", peaks == 1) << peaks;
  }
  // Those of the last third count, that reach seven tenths of the highest.
  Process early(kMegabyte);
  early.cached(VerdictKind::kFreePages, 30 * kMegabyte);
  for (const size_t slice : {5, 10, 15, 19}) early.peak(slice, 40 * kMegabyte);
  EXPECT_EQ(early.name(), "allocator-caching/free-pages");
  Process low(kMegabyte);
  low.cached(VerdictKind::kFreePages, 30 * kMegabyte).peak(5, 40 * kMegabyte);
  for (const size_t slice : {21, 25, 28}) low.peak(slice, 27 * kMegabyte);
  EXPECT_EQ(low.name(), "allocator-caching/free-pages");
}

TEST(ProcessVerdict, Episodes) {
  const auto teeth = [](uint64_t level, uint64_t step) {
    Process process(level + 6 * step);
    for (size_t i = 0; i < 30; ++i) process.live(i, i + 1, level + i % 7 * step);
    return process;
  };
  Process process = teeth(0, kMegabyte);
  const model::Verdict verdict = process.judge();
  EXPECT_EQ(name_of(verdict), "retained-by-design/episodic") << verdict.headline;
  EXPECT_EQ(verdict.confidence, 0.8);
  // Less than three tenths of the most that was live.
  EXPECT_NE(teeth(24 * kMegabyte, kMegabyte).name(), "retained-by-design/episodic");
  // Less than a megabyte.
  EXPECT_NE(teeth(0, kMegabyte / 7).name(), "retained-by-design/episodic");
  // Live for moments only.
  EXPECT_NE(teeth(0, kMegabyte).lasting(std::vector<double>(30)).name(), "retained-by-design/episodic");
}

TEST(ProcessVerdict, TheKindThatHoldsMostDecides) {
  Process process(10 * kMegabyte);
  process.finding(VerdictClass::kRetainedByDesign, VerdictKind::kWorkingSet, 4 * kMegabyte, 0.85)
      .finding(VerdictClass::kRetainedByDesign, VerdictKind::kBoundedCache, 3 * kMegabyte, 0.6)
      .finding(VerdictClass::kRetainedByDesign, VerdictKind::kBoundedCache, 2 * kMegabyte, 0.5);
  EXPECT_EQ(process.name(), "retained-by-design/bounded-cache");
  EXPECT_EQ(process.judge().confidence, 0.6);
}

TEST(ProcessVerdict, WhatIsHeldDecidesOnlyIfItIsMostOfWhatWasThere) {
  // Less than what start-up left.
  Process startup(9 * kMegabyte);
  startup.finding(VerdictClass::kRetainedByDesign, VerdictKind::kStartup, 5 * kMegabyte)
      .finding(VerdictClass::kRetainedByDesign, VerdictKind::kWorkingSet, 4 * kMegabyte);
  EXPECT_EQ(startup.name(), "retained-by-design/startup");
  // Less than half of what rose and fell.
  Process released(kMegabyte);
  released.live(8, 20, 11 * kMegabyte).live(20, 30, 4 * kMegabyte);
  released.finding(VerdictClass::kRetainedByDesign, VerdictKind::kWorkingSet, 4 * kMegabyte);
  EXPECT_EQ(released.name(), "no-growth/released");
  // Too little to speak of.
  Process little(100 << 10);
  little.finding(VerdictClass::kRetainedByDesign, VerdictKind::kWorkingSet, 60 << 10);
  EXPECT_EQ(little.name(), "no-growth/flat");
}

TEST(ProcessVerdict, LateGrowthThatMayLevelOffMakesItLessSure) {
  Process process(10 * kMegabyte);
  process.finding(VerdictClass::kRetainedByDesign, VerdictKind::kWorkingSet, 8 * kMegabyte, 0.85);
  EXPECT_EQ(process.judge().confidence, 0.85);
  process.finding(VerdictClass::kUndecided, VerdictKind::kNone, kMegabyte / 2, 0);
  const model::Verdict verdict = process.judge();
  EXPECT_EQ(name_of(verdict), "retained-by-design/working-set");
  EXPECT_EQ(verdict.confidence, 0.6);
  EXPECT_NE(verdict.headline.find("it cannot be told yet"), std::string::npos) << verdict.headline;
}

TEST(ProcessVerdict, Released) {
  for (const uint64_t left : {4, 6}) {
    Process process(kMegabyte);
    process.live(8, 20, 11 * kMegabyte).live(20, 30, left * kMegabyte + kMegabyte / 2);
    EXPECT_EQ(process.name(), left == 4 ? "no-growth/released" : "no-growth/flat") << left;
  }
  // What was live for moments only was not released.
  Process moments(kMegabyte);
  moments.live(8, 15, 11 * kMegabyte).lasting(std::vector<double>(30, kMegabyte));
  EXPECT_EQ(moments.name(), "no-growth/flat");
  // What start-up left does not count as left.
  Process process(6 * kMegabyte);
  process.live(8, 20, 11 * kMegabyte).finding(VerdictClass::kRetainedByDesign, VerdictKind::kStartup, 6 * kMegabyte);
  EXPECT_EQ(process.name(), "no-growth/released");
}

TEST(ProcessVerdict, StartUpChurnAndFlat) {
  const auto startup = [](uint64_t bytes, uint64_t peak, uint64_t flow) {
    Process process(peak);
    process.finding(VerdictClass::kRetainedByDesign, VerdictKind::kStartup, bytes);
    process.memory().total_allocated_bytes = flow;
    return process.name();
  };
  constexpr uint64_t kPeak = 2 * kMegabyte;
  EXPECT_EQ(startup(kPeak / 2, kPeak, kPeak), "retained-by-design/startup");
  EXPECT_EQ(startup(kPeak / 11, kPeak, kPeak), "no-growth/flat");
  EXPECT_EQ(startup(127 << 10, 200 << 10, 200 << 10), "no-growth/flat");
  EXPECT_EQ(startup(kPeak / 2, kPeak, 20 * kPeak - 1), "retained-by-design/startup");
  EXPECT_EQ(startup(kPeak / 2, kPeak, 20 * kPeak), "no-growth/churn");
}

TEST(ProcessVerdict, NothingWasAllocated) {
  Process process(0);
  process.memory().total_allocations = 0;
  EXPECT_EQ(process.name(), "undecided");
  EXPECT_EQ(process.judge().headline, "no allocation was recorded");
}

}  // namespace
}  // namespace tidemark::classify
