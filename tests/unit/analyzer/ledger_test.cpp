// The ledger: size classes from distances, rows of the heap's pages, and what addresses are for.
#include "analyzer/ledger/ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "analyzer/ledger/page_account.h"
#include "analyzer/ledger/size_classes.h"
#include "analyzer/report/text_ledger.h"
#include "tests/unit/analyzer/holders_scene.h"

namespace tidemark::ledger {
namespace {

using holders::Scene;
using model::Ledger;
using model::LedgerKind;
using model::LedgerSource;
using replay::CutBlock;
using replay::PageRun;
using trace::PageState;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kHeap = 0x1000'0000;

TEST(SizeClasses, NeighboursTellTheirClass) {
  SizeClasses classes;
  // glibc's: 8 bytes of header, multiples of 16, 32 at least.
  for (uint64_t size = 1; size < 2000; size += 3)
    classes.learn(size, std::max<uint64_t>(32, (size + 8 + 15) / 16 * 16));
  classes.settle();
  EXPECT_EQ(classes.place_of(kHeap, 100), 112u);
  EXPECT_EQ(classes.place_of(kHeap, 101), 112u);  // never seen, but 103 was
  EXPECT_EQ(classes.place_of(kHeap, 22), 32u);
  EXPECT_EQ(classes.place_of(kHeap, 25), 48u);
  EXPECT_EQ(classes.place_of(kHeap, 1), 32u);
}

TEST(SizeClasses, BlocksOfOneSizeSideBySideTellTheirClass) {
  SizeClasses classes;
  for (int i = 0; i < 100; ++i) classes.learn(1025, i % 10 == 0 ? 5000 : 1280);
  for (int i = 0; i < 100; ++i) classes.learn(20000, 20480);
  classes.settle();
  EXPECT_EQ(classes.place_of(kHeap, 1025), 1280u);
  EXPECT_EQ(classes.place_of(kHeap, 20000), 20480u);
  EXPECT_EQ(classes.place_of(kHeap, 19000), 20480u);
}

TEST(SizeClasses, AFreePlaceBetweenBlocksIsNoClass) {
  SizeClasses classes;
  // Each third block of mixed sizes is left: the least distances span two free places.
  for (uint64_t size = 16; size < 300; ++size) {
    for (uint64_t gap : {64, 96, 128}) classes.learn(size, (size + 8 + 15) / 16 * 16 + gap);
  }
  classes.settle();
  EXPECT_EQ(classes.place_of(kHeap, 100), 112u);
  EXPECT_EQ(classes.place_of(kHeap, 64), 64u);
  // What a full heap showed is not forgotten then.
  SizeClasses learned;
  for (int i = 0; i < 100; ++i) learned.learn(1025, 1280);
  learned.settle();
  for (int i = 0; i < 100; ++i) learned.learn(1025, 8192);
  learned.settle();
  EXPECT_EQ(learned.place_of(kHeap, 1025), 1280u);
}

TEST(SizeClasses, WithoutNeighboursAtLeastTheSize) {
  SizeClasses classes;
  classes.learn(64, 10);  // overlapping blocks
  classes.learn(64, 0);
  classes.settle();
  EXPECT_EQ(classes.place_of(kHeap, 64), 64u);
  EXPECT_EQ(classes.place_of(kHeap, 0), 16u);
  EXPECT_EQ(classes.place_of(kHeap, 5000), 5008u);
  // A mapping of its own, with a header of 16 bytes: to the page's end.
  EXPECT_EQ(classes.place_of(kHeap + 16, 100'000), 25 * kPage - 16);
}

struct Pages {
  std::vector<CutBlock> blocks;
  replay::UsedPages used;
  std::vector<Area> areas = {{kHeap, kHeap + 64 * kPage, Use::kHeap, LedgerKind::kLive}};
  bool forked = false;

  void block(uint64_t address, uint64_t size, uint32_t node = 1) {
    blocks.push_back({address, size, node, 0, 0});
    used.note(address, size);
  }
  Ledger account(const std::vector<PageRun>& pages, uint64_t rss = 0) const {
    const SizeClasses classes;
    PageAccount account(blocks, classes, used, forked);
    account.run(areas, pages);
    Ledger ledger;
    ledger.source = LedgerSource::kSnapshot;
    ledger.rss_bytes = rss;
    account.fill(ledger);
    return ledger;
  }
};

uint64_t sum(const Ledger& ledger) {
  return std::accumulate(ledger.rows.begin(), ledger.rows.end(), uint64_t{0},
                         [](uint64_t before, const model::LedgerRow& row) { return before + row.bytes; });
}

TEST(PageAccount, EveryByteOfAPageIsInOneRow) {
  Pages heap;
  heap.block(kHeap + 16, 3000);              // a full page
  heap.block(kHeap + kPage, 100, 2);         // a pinned one
  heap.used.note(kHeap + 2 * kPage, 10);     // freed
  heap.block(kHeap + 4 * kPage - 8, 16, 3);  // across two
  const Ledger ledger = heap.account({{kHeap, 6, PageState::kPresent}}, 7 * kPage);
  EXPECT_EQ(sum(ledger), 6 * kPage);
  EXPECT_EQ(ledger.unexplained_bytes, static_cast<int64_t>(kPage));
  EXPECT_EQ(ledger.bytes(LedgerKind::kLive), 3116u);
  EXPECT_EQ(ledger.bytes(LedgerKind::kRounding), 8u + 12u);
  EXPECT_EQ(ledger.bytes(LedgerKind::kFreeBetweenBlocks), kPage - 3008);
  EXPECT_EQ(ledger.bytes(LedgerKind::kPinnedPages), (kPage - 112) + 2 * (kPage - 8));
  EXPECT_EQ(ledger.bytes(LedgerKind::kFreePages), kPage);
  EXPECT_EQ(ledger.bytes(LedgerKind::kAllocatorMetadata), kPage);
  EXPECT_EQ(ledger.allocator_cached_bytes(), kPage + (kPage - 3008) + (kPage - 112) + 2 * (kPage - 8));
  EXPECT_EQ(ledger.live_absent_bytes, 0u);
}

TEST(PageAccount, PagesThatAreNotThereHoldNothing) {
  Pages heap;
  heap.block(kHeap, 10 * kPage);
  const Ledger ledger =
      heap.account({{kHeap, 3, PageState::kPresent}, {kHeap + 5 * kPage, 2, PageState::kSwapped}}, 3 * kPage);
  EXPECT_EQ(ledger.bytes(LedgerKind::kLive), 3 * kPage);
  EXPECT_EQ(ledger.live_swapped_bytes, 2 * kPage);
  EXPECT_EQ(ledger.live_absent_bytes, 5 * kPage);
  EXPECT_EQ(ledger.swapped_bytes, 2 * kPage);
  EXPECT_EQ(ledger.unexplained_bytes, 0);
}

TEST(PageAccount, WhoPinsPagesAndWhatThatWouldRelease) {
  Pages heap;
  for (uint64_t page = 0; page < 10; ++page) heap.block(kHeap + page * kPage, 64, 7);
  heap.block(kHeap + 10 * kPage, 64, 7);  // this page has another site's block, too
  heap.block(kHeap + 10 * kPage + 512, 64, 8);
  heap.block(kHeap + 11 * kPage, 64, 8);
  const Ledger ledger = heap.account({{kHeap, 12, PageState::kPresent}});
  EXPECT_EQ(ledger.pinned_pages, 12u);
  EXPECT_EQ(ledger.pinning_sites, 2u);
  ASSERT_EQ(ledger.pinned_by.size(), 2u);
  EXPECT_EQ(ledger.pinned_by[0].site, 7u);
  EXPECT_EQ(ledger.pinned_by[0].blocks, 11u);
  EXPECT_EQ(ledger.pinned_by[0].bytes, 11 * 64u);
  EXPECT_EQ(ledger.pinned_by[0].pages, 11u);
  EXPECT_EQ(ledger.pinned_by[0].released_bytes, 10 * kPage);
  EXPECT_EQ(ledger.pinned_by[1].site, 8u);
  EXPECT_EQ(ledger.pinned_by[1].pages, 2u);
  EXPECT_EQ(ledger.pinned_by[1].released_bytes, kPage);
}

TEST(PageAccount, ABlockAcrossTwoPinnedPagesIsOne) {
  Pages heap;
  heap.block(kHeap + kPage - 32, 64, 7);
  const Ledger ledger = heap.account({{kHeap, 2, PageState::kPresent}});
  ASSERT_EQ(ledger.pinned_by.size(), 1u);
  EXPECT_EQ(ledger.pinned_by[0].blocks, 1u);
  EXPECT_EQ(ledger.pinned_by[0].pages, 2u);
  EXPECT_EQ(ledger.pinned_by[0].released_bytes, 2 * kPage);
}

TEST(PageAccount, InAForkedProcessFreeMemoryMayBeTheParents) {
  Pages heap;
  heap.forked = true;
  heap.block(kHeap, 64);
  heap.used.note(kHeap + kPage, 64);
  const Ledger ledger = heap.account({{kHeap, 3, PageState::kPresent}});
  EXPECT_EQ(ledger.bytes(LedgerKind::kInherited), 3 * kPage - 64);
  EXPECT_EQ(ledger.allocator_cached_bytes(), 0u);
}

TEST(PageAccount, OverlappingBlocksCountOnce) {
  Pages heap;
  heap.block(kHeap, kPage);
  heap.block(kHeap + 100, kPage);
  heap.block(kHeap + 100, UINT64_MAX);
  heap.block(kHeap + 200, UINT64_MAX - 5);
  const Ledger ledger = heap.account({{kHeap, 64, PageState::kPresent}});
  EXPECT_EQ(sum(ledger), 64 * kPage);
}

TEST(PageAccount, AreasCutRunsOfPages) {
  Pages heap;
  heap.areas = {{kHeap, kHeap + kPage, Use::kModule, LedgerKind::kLive},
                {kHeap + kPage, kHeap + 3 * kPage, Use::kRow, LedgerKind::kThreadStacks},
                {kHeap + 3 * kPage, kHeap + 4 * kPage, Use::kUncounted, LedgerKind::kLive},
                {kHeap + 4 * kPage, kHeap + 5 * kPage, Use::kUnknown, LedgerKind::kLive}};
  const Ledger ledger = heap.account({{kHeap, 5, PageState::kPresent}}, 5 * kPage);
  EXPECT_EQ(ledger.bytes(LedgerKind::kModuleData), kPage);  // changed since it was read from the file
  EXPECT_EQ(ledger.bytes(LedgerKind::kThreadStacks), 2 * kPage);
  EXPECT_EQ(ledger.unexplained_bytes, static_cast<int64_t>(2 * kPage));
  EXPECT_EQ(heap.account({{kHeap, 1, PageState::kPresentFile}}).bytes(LedgerKind::kModuleCode), kPage);
}

// Whole reports of traces with a picture.

struct Region {
  uint64_t start, end, flags;
  const char* path = "";
  PageState state = PageState::kPresent;
};

constexpr uint64_t kRead = trace::RegionRecord::kRead, kWrite = trace::RegionRecord::kWrite,
                   kExecute = trace::RegionRecord::kExecute, kShared = trace::RegionRecord::kShared;

// A picture at 5 s with all pages of `regions` there, in the order that recorders write: files first.
void take(Scene& scene, const std::vector<Region>& regions, uint64_t rss, uint64_t id = 0,
          trace::SnapshotReason reason = trace::SnapshotReason::kMainReturned, uint64_t trace_bytes = 0) {
  testing::PictureBuilder picture(scene.trace, id, holders::kStart + 5 * holders::kSecond, reason, 1 << 16);
  for (const Region& region : regions) picture.region(region.start, region.end, region.flags, region.path);
  picture.thread(holders::kPid, trace::PictureThreadRecord::kTaker, holders::kSp, 0);
  for (const bool files : {true, false}) {
    for (const Region& region : regions) {
      if ((region.state == PageState::kPresentFile) != files) continue;
      picture.pages(region.start, {{(region.end - region.start) / kPage, region.state}});
    }
  }
  trace::PictureEndRecord end;
  end.rss = rss;
  end.trace_bytes = trace_bytes;
  picture.end(end);
}

std::map<std::string, uint64_t> rows(const Ledger& ledger) {
  std::map<std::string, uint64_t> found;
  for (const model::LedgerRow& row : ledger.rows) found[model::name(row.kind)] = row.bytes / kPage;
  return found;
}

TEST(Ledgers, EachRegionHasItsRow) {
  Scene scene;
  scene.trace.header().own_start = 0x6d00'0000'0000;
  scene.trace.header().own_end = 0x6e00'0000'0000;
  scene.stream->thread(2, 77, "worker");
  scene.block(1, 16 * kPage);
  const uint64_t mapping = 0x7f40'0000'0000;
  scene.stream->map(holders::kStart + 1000, mapping, 5 * kPage, 3, 0x22);
  uint64_t pages = 0;
  std::vector<Region> regions = {
      {0x400000, 0x400000 + 3 * kPage, kRead | kExecute, "/bin/program", PageState::kPresentFile},
      {holders::kData, holders::kData + 2 * kPage, kRead | kWrite, "/bin/program"},
      {holders::kData + 2 * kPage, holders::kDataEnd, kRead | kWrite},  // its .bss
      {holders::kHeap, holders::kHeap + 20 * kPage, kRead | kWrite, "[heap]"},
      {0x6d00'0000'0000, 0x6d00'0000'0000 + 4 * kPage, kRead | kWrite | kShared, "/tmp/trace", PageState::kPresentFile},
      {0x7f00'0000'0000, 0x7f00'0000'0000 + 6 * kPage, kRead, "/lib/libc.so.6", PageState::kPresentFile},
      {0x7f00'0001'0000, 0x7f00'0001'0000 + kPage, kRead, "/lib/libc.so.6"},  // relocated, then protected
      {0x7f10'0000'0000, 0x7f10'0000'0000 + 7 * kPage, kRead | kWrite},       // nobody's
      {0x7f20'0000'0000, 0x7f20'0000'0000 + kPage, 0, "", PageState::kAbsent},
      {0x7f20'0000'1000, 0x7f20'0000'1000 + 8 * kPage, kRead | kWrite},  // above a guard
      {0x7f30'0000'0000, 0x7f30'0000'0000 + 9 * kPage, kRead, "/usr/share/data", PageState::kPresentFile},
      {0x7f31'0000'0000, 0x7f31'0000'0000 + 10 * kPage, kRead | kWrite | kShared, "/dev/zero (deleted)"},
      {0x7f32'0000'0000, 0x7f32'0000'0000 + kPage, kRead | kWrite | kShared, "/dev/dri/card0"},
      {mapping, mapping + 5 * kPage, kRead | kWrite},
      {holders::kStack, holders::kStack + 11 * kPage, kRead | kWrite, "[stack]"},
      {0x7ffe'0000'0000, 0x7ffe'0000'0000 + kPage, kRead, "[vvar]"},
      {0x7ffe'0000'1000, 0x7ffe'0000'1000 + kPage, kRead | kExecute, "[vdso]", PageState::kPresentFile},
  };
  for (const Region& region : regions) pages += (region.end - region.start) / kPage;
  // Devices and [vvar] are in no resident set; the guard is not there.
  take(scene, regions, (pages - 3) * kPage);
  const model::Report report = scene.report();
  ASSERT_TRUE(report.memory.ledger);
  const Ledger& ledger = *report.memory.ledger;
  EXPECT_EQ(ledger.source, LedgerSource::kEndSnapshot);
  auto found = rows(ledger);
  EXPECT_EQ(found["module-code"], 3u + 6u);
  EXPECT_EQ(found["module-data"], 16u + 1u);
  EXPECT_EQ(found["live"], 16u);
  EXPECT_EQ(found["recorder"], 4u);
  EXPECT_EQ(found["thread-stacks"], 8u + 11u);
  EXPECT_EQ(found["mapped-files"], 9u);
  EXPECT_EQ(found["shared-memory"], 10u);
  EXPECT_EQ(found["program-mappings"], 5u);
  EXPECT_EQ(found["kernel-provided"], 1u);
  EXPECT_EQ(ledger.unexplained_bytes, static_cast<int64_t>(7 * kPage));
  EXPECT_EQ(sum(ledger), ledger.rss_bytes - 7 * kPage);
  EXPECT_EQ(report.memory.rss_bytes_at_end, ledger.rss_bytes);
  EXPECT_EQ(report.memory.recorder_bytes_at_end, 4 * kPage);
  ASSERT_EQ(report.snapshots.size(), 1u);
  EXPECT_EQ(report.snapshots[0].ledger->rss_bytes, ledger.rss_bytes);
  report::Text text;
  report::write_ledger(text, report, 10);
  const std::string shown = fmt::to_string(text);
  EXPECT_NE(shown.find("thread-stacks"), std::string::npos) << shown;
  EXPECT_NE(shown.find("28.0 KB"), std::string::npos) << shown;  // unexplained
}

TEST(Ledgers, WhereBlocksLayTheAllocatorsMemoryIs) {
  Scene scene;
  const uint64_t arena = 0x7f50'0000'0000;
  scene.stream->alloc(holders::kStart + 10, arena + 16, 100, 1).free(holders::kStart + 20, arena + 16);
  // A mapping in which blocks live is an allocator's, whoever called mmap.
  const uint64_t pool = 0x7f51'0000'0000;
  scene.stream->map(holders::kStart + 30, pool, 4 * kPage, 3, 0x22);
  scene.stream->alloc(holders::kStart + 40, pool, 2 * kPage, 1);
  take(scene, {{arena, arena + 3 * kPage, kRead | kWrite}, {pool, pool + 4 * kPage, kRead | kWrite}}, 7 * kPage);
  auto found = rows(*scene.report().memory.ledger);
  EXPECT_EQ(found["free-pages"], 1u);
  EXPECT_EQ(found["allocator-metadata"], 2u + 2u);
  EXPECT_EQ(found["live"], 2u);
  EXPECT_EQ(found.count("program-mappings"), 0u);
}

TEST(Ledgers, StacksInBlocksStayBlocks) {
  Scene scene;
  const uint64_t block = scene.block(1, 8 * kPage);
  trace::ThreadRecord thread{2, 99, block, block + 8 * kPage, trace::Bytes::of("coroutines")};
  scene.stream->record(holders::kStart + 1000, thread, 16);
  take(scene, {{holders::kHeap, holders::kHeap + 10 * kPage, kRead | kWrite, "[heap]"}}, 10 * kPage);
  auto found = rows(*scene.report().memory.ledger);
  EXPECT_EQ(found["live"], 8u);
  EXPECT_EQ(found.count("thread-stacks"), 0u);
}

TEST(Ledgers, TheTracesPagesAreTheRecordersThoughNoPictureHasThem) {
  Scene scene;
  take(scene, {{0x7f30'0000'0000, 0x7f30'0000'0000 + 14 * kPage, kRead, "/data", PageState::kPresentFile}}, 20 * kPage,
       0, trace::SnapshotReason::kGrowth, 5 * kPage);
  const model::Report report = scene.report();
  EXPECT_EQ(report.memory.ledger->source, LedgerSource::kSnapshot);
  EXPECT_EQ(report.memory.ledger->bytes(LedgerKind::kRecorder), 5 * kPage);
  EXPECT_EQ(report.memory.ledger->unexplained_bytes, static_cast<int64_t>(kPage));
}

TEST(Ledgers, TheFirstEndCountsAndTeardownDoesNot) {
  Scene scene;
  scene.stream->life_end(holders::kStart + 4 * holders::kSecond);
  take(scene, {{0x1000'0000, 0x1000'0000 + kPage, kRead | kWrite, "[heap]"}}, kPage, 0);
  take(scene, {{0x1000'0000, 0x1000'0000 + kPage, kRead | kWrite, "[heap]"}}, 2 * kPage, 1,
       trace::SnapshotReason::kClient);
  const model::Report report = scene.report();
  ASSERT_EQ(report.snapshots.size(), 2u);
  EXPECT_TRUE(report.snapshots[1].ledger);
  EXPECT_EQ(report.memory.ledger->snapshot, 0u);
  EXPECT_EQ(report.memory.rss_bytes_at_end, kPage);
}

TEST(Ledgers, APictureWithoutAResidentSetHasNone) {
  Scene scene;
  scene.block(1);
  scene.take();
  const model::Report report = scene.report();
  EXPECT_FALSE(report.snapshots.at(0).ledger);
  EXPECT_FALSE(report.memory.ledger);  // no sample either
  EXPECT_FALSE(report.memory.allocator_cached_bytes);
}

TEST(Ledgers, WithoutPicturesTheKernelsFiguresRemain) {
  Scene scene;
  scene.block(1, 1000);
  trace::SampleRecord sample;
  sample.rss = 100'000;
  sample.rss_file = 20'000;
  sample.recorder_bytes = 7'000;
  sample.recorder_trace_bytes = 5'000;
  scene.stream->record(holders::kStart + holders::kSecond, sample);
  const model::Report report = scene.report();
  ASSERT_TRUE(report.memory.ledger);
  EXPECT_EQ(report.memory.ledger->source, LedgerSource::kSample);
  EXPECT_EQ(report.memory.ledger->bytes(LedgerKind::kLive), 1000u);
  EXPECT_EQ(report.memory.ledger->bytes(LedgerKind::kMappedFiles), 15'000u);
  EXPECT_EQ(report.memory.ledger->bytes(LedgerKind::kRecorder), 7'000u);
  EXPECT_EQ(report.memory.ledger->unexplained_bytes, 77'000);
  EXPECT_FALSE(report.memory.allocator_cached_bytes);
}

TEST(Ledgers, MaxRssWasReachedWhenMostWasLive) {
  Scene scene;
  auto sample = [&](double seconds, uint64_t rss, uint64_t max_rss) {
    trace::SampleRecord record;
    record.rss = rss;
    record.high_water = record.max_rss = max_rss;
    scene.stream->record(holders::kStart + static_cast<uint64_t>(seconds * static_cast<double>(holders::kSecond)),
                         record);
  };
  sample(1, 10 << 20, 10 << 20);
  scene.stream->alloc(holders::kStart + 2 * holders::kSecond, 0x7000'0000, 80 << 20, 1);
  scene.stream->free(holders::kStart + 5 * holders::kSecond / 2, 0x7000'0000);
  sample(3, 20 << 20, 90 << 20);
  sample(9, 20 << 20, (90 << 20) + 4096);  // a page more, much later
  const model::Memory memory = scene.report().memory;
  EXPECT_EQ(memory.max_rss_bytes, (90u << 20) + 4096);
  EXPECT_NEAR(*memory.max_rss_time_s, 3, 0.1);
  EXPECT_EQ(memory.max_rss_live_bytes, 80u << 20);
}

}  // namespace
}  // namespace tidemark::ledger
