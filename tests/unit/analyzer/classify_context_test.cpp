// What joins into one finding, and what the user and the heap snapshots add to what a trace says.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "analyzer/classify/classify.h"
#include "tests/unit/analyzer/program_trace.h"

namespace tidemark::classify {
namespace {

using testing::Judged;
using testing::judged;
using testing::name_of;
using testing::ProgramTrace;
using testing::with_graph;

// The elements grow, the container's array goes in steps: one leak.
TEST(ClassifyContext, AContainersArrayIsJoinedWithItsContents) {
  for (const bool same_root : {true, false}) {
    ProgramTrace program;
    const uint32_t caller = program.site(), content = program.site(caller), array = program.site(caller);
    program.start();
    uint64_t capacity = 64, block = program.allocate(array, capacity * 16);
    for (uint64_t i = 0; i < 600; ++i) {
      program.allocate(content, 500);
      if (i == capacity) block = program.reallocate(block, array, (capacity *= 2) * 16);
      program.round();
    }
    Context context = with_graph();
    context.holders[content].root = 3;
    context.holders[array].root = same_root ? 3 : 4;
    const Judged all = judged(program.recording(), context);
    const model::Finding& leak = all.at(content);
    EXPECT_EQ(name_of(leak), "true-leak/unbounded-retention") << leak.summary;
    EXPECT_EQ(leak.sites, same_root ? 2u : 1u);
    EXPECT_EQ(leak.bytes, 300'000u + (same_root ? capacity * 16 : 0));
    EXPECT_EQ(leak.blocks, same_root ? 601u : 600u);
    EXPECT_EQ(all.at(array).bytes, same_root ? 0u : capacity * 16);
  }
}

TEST(ClassifyContext, AlikeSitesBelowACloseCallerAreOneFinding) {
  for (const int depth : {0, 3, 4, 5, 20}) {  // frames between the shared caller and each site's last one
    ProgramTrace program;
    const uint32_t caller = program.site();
    uint32_t sites[2] = {caller, caller};
    for (uint32_t& site : sites) {
      for (int i = 0; i <= depth; ++i) site = program.site(site);
    }
    program.start();
    for (int i = 0; i < 300; ++i) {
      for (const uint32_t site : sites) program.allocate(site, site == sites[0] ? 2000 : 1000);
      program.round();
    }
    const Judged all = judged(program.recording());
    EXPECT_EQ(all.at(sites[0]).bytes, depth < 5 ? 900'000u : 600'000u) << depth;
    EXPECT_EQ(all.at(sites[0]).sites, depth < 5 ? 2u : 1u) << depth;
  }
}

// Each of many sites holds too little to be looked at.
TEST(ClassifyContext, SmallSitesAreJudgedTogether) {
  ProgramTrace program;
  const uint32_t caller = program.site();
  std::vector<uint32_t> sites;
  for (int i = 0; i < 300; ++i) sites.push_back(program.site(caller));
  for (const uint32_t site : sites) program.free(program.allocate(site, 80));  // all of them do it from the start
  program.start();
  for (int i = 0; i < 300; ++i) {
    for (const uint32_t site : sites) {
      if ((site + static_cast<unsigned>(i)) % 100 < 4) program.allocate(site, 80);
    }
    program.round();
  }
  const Judged all = judged(program.recording());
  ASSERT_FALSE(all.findings.found.empty());
  const model::Finding& largest = all.findings.found.front().finding;
  EXPECT_EQ(largest.sites, 300u);
  EXPECT_EQ(largest.bytes, 300u * 12 * 80);
  EXPECT_EQ(name_of(largest), "true-leak/unbounded-retention") << largest.summary;
}

TEST(ClassifyContext, DeclaredBounds) {
  ProgramTrace program;
  const uint32_t site = program.site(), other = program.site();
  program.start();
  for (int i = 0; i < 300; ++i) {
    program.allocate(site, 1000);
    program.allocate(other, 400);
    program.round();
  }
  for (const uint64_t bound : {300'000, 299'999}) {
    Context context = with_graph();
    context.bounds = {5, bound};
    context.bound_of = [site](uint32_t of) { return of == site ? std::optional<size_t>(1) : std::nullopt; };
    const Judged all = judged(program.recording(), context);
    const model::Finding& finding = all.at(site);
    EXPECT_EQ(finding.bound_bytes, bound);
    EXPECT_FALSE(all.at(other).bound_bytes);
    EXPECT_EQ(name_of(all.at(other)), "true-leak/unbounded-retention");
    if (bound >= 300'000) {
      EXPECT_EQ(name_of(finding), "retained-by-design/bounded-cache") << finding.summary;
      EXPECT_EQ(finding.confidence, 0.6);
    } else {
      EXPECT_EQ(name_of(finding), "true-leak/unbounded-retention") << finding.summary;
      EXPECT_EQ(finding.confidence, 0.85);
    }
  }
}

// What was called unreachable, and freed later, says so; and memory that only weak pointers hold proves little.
TEST(ClassifyContext, ResurrectedAndWeaklyHeldSites) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  for (int i = 0; i < 300; ++i) {
    program.allocate(site, 1000);
    program.round();
  }
  replay::Recording recording = program.recording();
  recording.judged[site] = {100, 0, 30};
  Context context = with_graph();
  context.holders[site] = {1, 150'001};
  const Judged weak = judged(std::move(recording), context);
  EXPECT_EQ(weak.at(site).resurrected_blocks, 30u);
  EXPECT_EQ(weak.at(site).confidence, 0.3);
  EXPECT_EQ(name_of(weak.verdict), "undecided") << "a doubtful leak is no verdict: " << weak.verdict.headline;
  context.holders[site] = {1, 150'000};
  EXPECT_EQ(judged(program.recording(), context).at(site).confidence, 0.6);
}

// Lost blocks are findings of their own, and their sites' others are judged without them.
TEST(ClassifyContext, WhatIsLostIsTakenOut) {
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  program.rounds(60);
  for (int i = 0; i < 200; ++i) program.allocate(site, 1000);
  for (int i = 0; i < 300; ++i) {
    program.allocate(site, 1000);
    program.round();
  }
  replay::Recording recording = program.recording();
  Context context = with_graph();
  model::Finding lost;
  lost.verdict_class = model::VerdictClass::kTrueLeak;
  lost.kind = model::VerdictKind::kUnreachable;
  lost.confidence = 0.9;
  lost.blocks = 300;
  lost.bytes = 300'000;
  lost.site = site;
  context.lost = {lost};
  context.lost_sites = {{site}};
  context.lost_by_site[site] = {300, 300'000};
  // Those of the rounds: of each slice's births, all but the first 200.
  uint64_t seen = 0;
  for (const replay::GenerationCell& cell : recording.generations.cells(site)) {
    ASSERT_EQ(cell.born, cell.slice);  // nothing is freed
    const auto blocks = static_cast<uint64_t>(cell.blocks);
    const uint64_t kept = seen < 200 ? std::min<uint64_t>(200 - seen, blocks) : 0;
    seen += blocks;
    if (blocks == kept) continue;
    context.lost_births[site].push_back(
        {cell.born, cell.born, static_cast<int32_t>(blocks - kept), static_cast<int64_t>(1000 * (blocks - kept))});
  }
  const Judged all = judged(std::move(recording), context);
  ASSERT_GE(all.findings.found.size(), 2u);
  const Found& first = all.findings.found[0];
  EXPECT_EQ(first.lost, 0u);
  EXPECT_EQ(first.finding.bytes, 300'000u);
  EXPECT_EQ(first.finding.growth.trend, "linear");
  const Found& second = all.findings.found[1];
  EXPECT_EQ(second.lost, Found::kNotLost);
  EXPECT_EQ(second.finding.bytes, 200'000u);
  EXPECT_EQ(name_of(second.finding), "retained-by-design/working-set") << second.finding.summary;
  EXPECT_EQ(name_of(all.verdict), "true-leak/unreachable") << all.verdict.headline;
}

TEST(ClassifyContext, WhatTheAllocatorHoldsBeyondWhatIsLive) {
  struct Case {
    uint64_t rss, free_pages, pinned, between;
    const char* name;
  };
  constexpr uint64_t kMegabyte = 1 << 20;
  const Case cases[] = {{20 * kMegabyte, 3 * kMegabyte, 2 * kMegabyte, 0, "allocator-caching/free-pages"},
                        {20 * kMegabyte, 2 * kMegabyte, 3 * kMegabyte, 0, "allocator-caching/fragmentation"},
                        {20 * kMegabyte, kMegabyte, 0, kMegabyte, "allocator-caching/free-pages"},
                        {20 * kMegabyte, kMegabyte, 0, kMegabyte - 1, ""},  // less than a tenth
                        {5 * kMegabyte, kMegabyte, 0, 0, "allocator-caching/free-pages"},
                        {5 * kMegabyte, kMegabyte - 1, 0, 0, ""}};
  for (const bool fell : {true, false}) {
    ProgramTrace program;
    const uint32_t site = program.site();
    program.start();
    std::vector<uint64_t> blocks;
    for (int i = 0; i < 300; ++i) blocks.push_back(program.allocate(site, 1000));
    program.rounds(50);
    if (fell) program.free_all(blocks);
    program.rounds(50);
    const replay::Recording recording = program.recording();
    for (const Case& one : cases) {
      model::Memory memory;
      cli::fill_memory(recording, memory);
      model::Ledger& ledger = memory.ledger.emplace();
      ledger.source = model::LedgerSource::kEndSnapshot;
      ledger.rss_bytes = one.rss;
      ledger.rows = {{model::LedgerKind::kFreeBetweenBlocks, one.between},
                     {model::LedgerKind::kPinnedPages, one.pinned},
                     {model::LedgerKind::kFreePages, one.free_pages}};
      memory.allocator_cached_bytes = ledger.allocator_cached_bytes();
      const Findings findings = find(recording, memory, with_graph());
      const auto found = std::find_if(findings.found.begin(), findings.found.end(), [](const Found& any) {
        return any.finding.verdict_class == model::VerdictClass::kAllocatorCaching;
      });
      ASSERT_EQ(found != findings.found.end(), *one.name != 0) << one.free_pages;
      if (*one.name == 0) continue;
      EXPECT_EQ(name_of(found->finding), one.name);
      EXPECT_EQ(found->finding.bytes, one.free_pages + one.pinned + one.between);
      EXPECT_EQ(found->finding.confidence, fell ? 0.85 : 0.6);
    }
  }
}

TEST(ClassifyContext, WhatIsTooLittle) {
  replay::Recording recording;
  EXPECT_EQ(fold_below(recording), 1024u);
  recording.totals.peak_bytes = 5'000'000;
  EXPECT_EQ(fold_below(recording), 5000u);
  // Growth of less than 64 KB is none.
  ProgramTrace program;
  const uint32_t site = program.site();
  program.start();
  for (int i = 0; i < 300; ++i) {
    program.allocate(site, 210);
    program.round();
  }
  const Judged all = judged(program.recording());
  EXPECT_EQ(all.at(site).bytes, 63'000u);
  EXPECT_EQ(name_of(all.at(site)), "no-growth/flat");
}

}  // namespace
}  // namespace tidemark::classify
