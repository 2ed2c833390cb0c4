// From traces of whole programs to findings and the verdict.
#include "analyzer/classify/classify.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "tests/unit/analyzer/program_trace.h"

namespace tidemark::classify {
namespace {

using testing::Judged;
using testing::judged;
using testing::name_of;
using testing::ProgramTrace;
using testing::with_graph;

TEST(Classify, Leak) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  for (int i = 0; i < 300; ++i) {
    program.allocate(site, 1000);
    program.round();
  }
  const Judged all = judged(program.recording());
  EXPECT_EQ(name_of(all.verdict), "true-leak/unbounded-retention") << all.verdict.headline;
  const model::Finding& leak = all.at(site);
  EXPECT_EQ(name_of(leak), "true-leak/unbounded-retention") << leak.summary;
  EXPECT_EQ(leak.confidence, 0.6);  // no rounds that return to the same state were seen
  EXPECT_EQ(leak.blocks, 300u);
  EXPECT_EQ(leak.bytes, 300'000u);
  EXPECT_EQ(leak.growth.trend, "linear");
  EXPECT_NEAR(leak.growth.bytes_per_hour.value_or(0) / (1000 * 100 * 3600.0), 1, 0.05);
  EXPECT_FALSE(leak.growth.bytes_per_mark);
  ASSERT_FALSE(leak.generations.empty());
  EXPECT_EQ(leak.generations.back().live_blocks, 300u);
  uint64_t born = 0, surviving = 0;
  for (const model::GenerationSlice& slice : leak.generations) {
    born += slice.born_blocks;
    surviving += slice.surviving_blocks;
  }
  EXPECT_EQ(born, 300u);
  EXPECT_EQ(surviving, 300u);
  EXPECT_EQ(all.findings.growth.trend, "linear");
}

// The same, whatever number of slices the rounds fall into.
TEST(Classify, LeaksOfAnyLength) {
  for (const int rounds : {30, 60, 100, 200, 500, 1000}) {
    ProgramTrace program;
    const uint32_t site = program.site();
    program.start();
    for (int i = 0; i < rounds; ++i) {
      for (int k = 0; k < 5; ++k) program.allocate(site, 1000);
      program.round();
    }
    const Judged all = judged(program.recording());
    EXPECT_EQ(name_of(all.verdict), "true-leak/unbounded-retention") << rounds << ": " << all.verdict.headline;
    EXPECT_EQ(all.at(site).blocks, 5u * static_cast<unsigned>(rounds));
  }
}

TEST(Classify, RoundsThatAreMarkedMakeItSurer) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  for (int i = 0; i < 200; ++i) {
    program.allocate(site, 3000);
    program.round();
    program.mark();
  }
  const Judged all = judged(program.recording());
  EXPECT_EQ(all.verdict.confidence, 0.85) << all.verdict.headline;
  EXPECT_NEAR(all.at(site).growth.bytes_per_mark.value_or(0), 3000, 180);
  // Without a picture of the heap nobody knows whether something leads there.
  const Judged blind = judged(program.recording(), {});
  EXPECT_EQ(name_of(blind.verdict), "true-leak/unbounded-retention");
  EXPECT_EQ(blind.verdict.confidence, 0.75);
}

TEST(Classify, WithoutAGraphAnUnmarkedLeakIsLessSure) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  for (int i = 0; i < 300; ++i) {
    program.allocate(site, 1000);
    program.round();
  }
  const Judged all = judged(program.recording(), {});
  EXPECT_EQ(name_of(all.verdict), "true-leak/unbounded-retention");
  EXPECT_EQ(all.verdict.confidence, 0.55);
}

TEST(Classify, Hold) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  program.rounds(60);
  for (int i = 0; i < 600; ++i) program.allocate(site, 1000);
  program.rounds(300);
  const Judged all = judged(program.recording());
  EXPECT_EQ(name_of(all.verdict), "retained-by-design/working-set") << all.verdict.headline;
  EXPECT_EQ(all.verdict.confidence, 0.85);
  EXPECT_EQ(all.at(site).growth.trend, "step");
}

TEST(Classify, StartUp) {
  ProgramTrace program;
  const uint32_t site = program.site();
  for (int i = 0; i < 600; ++i) program.allocate(site, 1000);
  program.rounds(300);
  const Judged all = judged(program.recording());
  EXPECT_EQ(name_of(all.verdict), "retained-by-design/startup") << all.verdict.headline;
  EXPECT_EQ(name_of(all.at(site)), "retained-by-design/startup");
}

TEST(Classify, Release) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  std::vector<uint64_t> blocks;
  program.rounds(60);
  for (int i = 0; i < 600; ++i) blocks.push_back(program.allocate(site, 1000));
  program.rounds(100);
  program.free_all(blocks);
  program.rounds(100);
  const Judged all = judged(program.recording());
  EXPECT_EQ(name_of(all.verdict), "no-growth/released") << all.verdict.headline;
  EXPECT_EQ(all.at(site).blocks, 0u);
}

TEST(Classify, BoundedCache) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  std::deque<uint64_t> cache;
  for (int i = 0; i < 400; ++i) {
    for (int k = 0; k < 10; ++k) {
      cache.push_back(program.allocate(site, 1000));
      if (cache.size() <= 500) continue;
      program.free(cache.front());
      cache.pop_front();
    }
    program.round();
  }
  const Judged all = judged(program.recording());
  EXPECT_EQ(name_of(all.verdict), "retained-by-design/bounded-cache") << all.verdict.headline;
  EXPECT_EQ(all.at(site).blocks, 500u);
}

// A cache that still fills, and of which something is evicted all the while: no one can tell yet.
TEST(Classify, GrowthOfWhichOldBlocksAreFreedIsUndecided) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  std::deque<uint64_t> cache;
  for (int i = 0; i < 300; ++i) {
    for (int k = 0; k < 10; ++k) cache.push_back(program.allocate(site, 1000));
    for (int k = 0; k < 6 && i > 30; ++k) {
      program.free(cache.front());
      cache.pop_front();
    }
    program.round();
  }
  const Judged all = judged(program.recording());
  EXPECT_EQ(name_of(all.verdict), "undecided") << all.verdict.headline;
  EXPECT_EQ(name_of(all.at(site)), "undecided");
  EXPECT_EQ(all.at(site).growth.trend, "linear");
}

TEST(Classify, Sawtooth) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  std::vector<uint64_t> blocks;
  for (int i = 0; i < 430; ++i) {
    for (int k = 0; k < 30; ++k) blocks.push_back(program.allocate(site, 1000));
    if (i % 60 == 59) program.free_all(blocks);
    program.round();
  }
  const Judged all = judged(program.recording());
  EXPECT_EQ(name_of(all.verdict), "retained-by-design/episodic") << all.verdict.headline;
  EXPECT_EQ(all.at(site).growth.trend, "sawtooth");
}

TEST(Classify, Churn) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  std::vector<uint64_t> blocks;
  for (int i = 0; i < 300; ++i) {
    for (int k = 0; k < 10; ++k) blocks.push_back(program.allocate(site, 100'000));
    program.free_all(blocks);
    program.round();
  }
  const Judged all = judged(program.recording());
  EXPECT_EQ(name_of(all.verdict), "no-growth/churn") << all.verdict.headline;
}

TEST(Classify, Flat) {
  ProgramTrace program;
  program.start();
  program.rounds(300);
  const Judged all = judged(program.recording());
  EXPECT_EQ(name_of(all.verdict).substr(0, 9), "no-growth") << all.verdict.headline;
}

// A destructor that frees everything before main returns does not turn a leak into memory that was released.
TEST(Classify, ALeakThatIsFreedAtTheEnd) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  std::vector<uint64_t> blocks;
  for (int i = 0; i < 300; ++i) {
    blocks.push_back(program.allocate(site, 1000));
    program.round();
  }
  program.free_all(blocks);
  program.end_life();
  const Judged all = judged(program.recording());
  EXPECT_TRUE(all.findings.life.released);
  EXPECT_EQ(name_of(all.verdict), "true-leak/unbounded-retention") << all.verdict.headline;
  EXPECT_GT(all.at(site).blocks, 280u);  // as many as were live when the release began
  EXPECT_EQ(all.recording.end.sites[site].blocks, 0u);
}

TEST(Classify, ATraceThatWasCutShort) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  for (int i = 0; i < 3000; ++i) {
    program.allocate(site, 1000);
    program.round();
  }
  program.trace().header().end_kind = 0;
  const size_t bytes = program.trace().bytes().size();
  const Judged all = judged(program.recording(bytes / 2));
  EXPECT_EQ(name_of(all.verdict), "true-leak/unbounded-retention") << all.verdict.headline;
  EXPECT_GT(all.at(site).blocks, 500u);
  EXPECT_LT(all.at(site).blocks, 2500u);
  const Judged header = judged(program.recording(trace::kHeaderBytes));
  EXPECT_EQ(name_of(header.verdict), "undecided");
}

TEST(Classify, AnEmptyTrace) {
  for (const bool ends : {false, true}) {
    ProgramTrace program;
    if (ends) program.end_life();
    const Judged all = judged(program.recording());
    EXPECT_EQ(name_of(all.verdict), "undecided");
    EXPECT_EQ(all.verdict.confidence, 0);
    EXPECT_FALSE(all.verdict.headline.empty());
    EXPECT_TRUE(all.findings.found.empty());
  }
}

TEST(Classify, ARunOfOneSlice) {
  ProgramTrace program;
  const uint32_t site = program.site();
  for (int i = 0; i < 10; ++i) program.allocate(site, 100'000);
  const Judged all = judged(program.recording());
  ASSERT_EQ(all.findings.life.slices, 1u);
  EXPECT_EQ(name_of(all.at(site)), "retained-by-design/startup");
  EXPECT_EQ(all.at(site).bytes, 1'000'000u);
  EXPECT_EQ(all.at(site).confidence, 0.3);
  EXPECT_EQ(name_of(all.verdict), "retained-by-design/startup") << all.verdict.headline;
}

}  // namespace
}  // namespace tidemark::classify
