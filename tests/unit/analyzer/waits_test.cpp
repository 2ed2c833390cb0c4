// Growth to the end is a leak in a program that waits for its work, and undecided in one that never waits.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>

#include "analyzer/cli/make_report.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::cli {
namespace {

using testing::TemporaryFolder;
using testing::TraceBuilder;

// A block stays from each of 400 rounds, at whose ends samples say that the process has waited so often.
model::Verdict verdict_with(const std::function<uint64_t(uint64_t round)>& waits) {
  TraceBuilder trace;
  auto& stream = trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1010).node(2, 0, 0x1020);
  uint64_t time = TraceBuilder::kStartTicks, kept = 0x5000'0000;
  for (uint64_t round = 0; round < 400; ++round) {
    stream.alloc(++time, kept += 4096, 4000, 1);
    for (int i = 0; i < 20; ++i) {
      stream.alloc(++time, 0x4000'0000, 100, 2);
      stream.free(++time, 0x4000'0000);
    }
    time += TraceBuilder::kTicksPerSecond / 100;
    trace::SampleRecord sample;
    sample.rss = sample.max_rss = 10 << 20;
    sample.waits = waits(round);
    stream.record(time, sample);
  }
  stream.life_end(++time);
  const TemporaryFolder folder;
  trace.write(folder.file("trace"));
  symbols::SymbolStore store;
  const Result<MadeReport> made = make_report(folder.file("trace"), {}, store);
  EXPECT_TRUE(made.ok());
  return made.ok() ? made->report.verdict : model::Verdict{};
}

TEST(Waits, AProgramThatWaitsForEachRoundLeaks) {
  const model::Verdict verdict = verdict_with([](uint64_t round) { return 1 + round; });
  EXPECT_EQ(verdict.verdict_class, model::VerdictClass::kTrueLeak) << verdict.headline;
  EXPECT_EQ(verdict.kind, model::VerdictKind::kUnboundedRetention);
}

TEST(Waits, AProgramThatNeverWaitsMayNotBeDone) {
  const model::Verdict verdict = verdict_with([](uint64_t) { return 1; });
  EXPECT_EQ(verdict.verdict_class, model::VerdictClass::kUndecided) << verdict.headline;
}

TEST(Waits, AFewWaitsAreNoRounds) {
  // Thousands of times, but all in one stretch of the run.
  const model::Verdict verdict = verdict_with([](uint64_t round) {
    return round < 200 ? 1 : round < 250 ? 1 + 100 * (round - 199) : uint64_t{5001};
  });
  EXPECT_EQ(verdict.verdict_class, model::VerdictClass::kUndecided) << verdict.headline;
}

TEST(Waits, WhereTheyAreNotKnownGrowthDecides) {
  const model::Verdict verdict = verdict_with([](uint64_t) { return 0; });
  EXPECT_EQ(verdict.verdict_class, model::VerdictClass::kTrueLeak) << verdict.headline;
}

}  // namespace
}  // namespace tidemark::cli
