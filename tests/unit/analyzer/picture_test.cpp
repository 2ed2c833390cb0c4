// Pictures of the heap: what is read back, what damage does, and the heap that the replay joins to each of them.
#include "analyzer/replay/picture.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "analyzer/replay/replay.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::replay {
namespace {

using testing::PictureBuilder;
using testing::StreamBuilder;
using testing::TemporaryFolder;
using testing::TraceBuilder;
using testing::Word;
using trace::PictureThreadRecord;
using trace::RegionRecord;
using trace::SnapshotReason;
using trace::WordsRecord;

constexpr uint64_t kStart = TraceBuilder::kStartTicks;
constexpr uint64_t kMillisecond = TraceBuilder::kTicksPerSecond / 1000;

TraceFile open(const TemporaryFolder& folder, const std::vector<uint8_t>& bytes) {
  testing::write_file(folder.file("trace"), bytes);
  Result<TraceFile> file = TraceFile::open(folder.file("trace"));
  EXPECT_TRUE(file.ok());
  return *std::move(file);
}

std::vector<Word> random_words(size_t count, unsigned seed, uint64_t first = 0x5000'0000) {
  std::mt19937_64 random(seed);
  std::vector<Word> words;
  uint64_t source = first;
  for (size_t i = 0; i < count; ++i) {
    source += random() % 100 == 0 ? 8 * (random() % 1'000'000) + 8 : 8 * (1 + random() % 4);
    words.push_back({source, random() % 10 == 0 ? random() >> 16 : 0x5555'0000'0000 + random() % 100'000 * 8});
  }
  return words;
}

std::vector<Word> read_words(const TraceFile& file, WordsRecord::Kind kind, bool& sound) {
  std::vector<Word> words;
  WordReader reader(file, list_pictures(file).at(0));
  sound = reader.run([&](WordsRecord::Kind of, uint64_t source, uint64_t value) {
    if (of == kind) words.push_back({source, value});
  });
  return words;
}

void expect_same(const std::vector<Word>& got, const std::vector<Word>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].source, expected[i].source) << i;
    ASSERT_EQ(got[i].value, expected[i].value) << i;
  }
}

TEST(Picture, IsReadBackWhole) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "main");
  PictureBuilder builder(trace, 7, kStart + 5, SnapshotReason::kGrowth);
  builder.region(0x1000, 0x3000, RegionRecord::kRead, "/bin/program")
      .region(0x3000, 0x9000, RegionRecord::kRead | RegionRecord::kWrite | RegionRecord::kScanned, "[heap]")
      .thread(55, PictureThreadRecord::kHalfRead, 0x8000, 0x8f00, {1, 2, 3}, {{0x1100, 0x8100}, {0x1200, 0x8200}})
      .pages(0x3000,
             {{1, trace::PageState::kPresent}, {2, trace::PageState::kAbsent}, {3, trace::PageState::kSwapped}});
  const std::vector<Word> plain = random_words(20'000, 1), tagged = random_words(100, 2);
  builder.words(WordsRecord::kPlain, plain).pages(0x1000'0000, {{1, trace::PageState::kPresent}});
  builder.words(WordsRecord::kTagged, tagged).end();

  const TemporaryFolder folder;
  const TraceFile file = open(folder, trace.bytes());
  ASSERT_EQ(file.pictures().size(), 1u);
  EXPECT_GT(file.pictures()[0].chunks.size(), 3u);
  EXPECT_EQ(file.streams().size(), 1u);
  const std::vector<PictureHead> heads = list_pictures(file);
  ASSERT_EQ(heads.size(), 1u);
  EXPECT_TRUE(heads[0].whole);
  EXPECT_EQ(heads[0].id, 7u);
  EXPECT_EQ(heads[0].cut, kStart + 5);
  EXPECT_EQ(heads[0].reason, static_cast<uint64_t>(SnapshotReason::kGrowth));
  EXPECT_EQ(heads[0].end.words, 20'100u);

  const Picture picture = read_picture(file, heads[0]);
  EXPECT_TRUE(picture.head.whole);
  EXPECT_TRUE(picture.damage.empty());
  ASSERT_EQ(picture.regions.size(), 2u);
  EXPECT_EQ(picture.regions[1].path, "[heap]");
  EXPECT_EQ(picture.region_at(0x2fff), &picture.regions[0]);
  EXPECT_EQ(picture.region_at(0x3000), &picture.regions[1]);
  EXPECT_EQ(picture.region_at(0x9000), nullptr);
  EXPECT_EQ(picture.region_at(0), nullptr);
  ASSERT_EQ(picture.threads.size(), 1u);
  EXPECT_EQ(picture.threads[0].kind, PictureThreadRecord::kHalfRead);
  EXPECT_EQ(picture.threads[0].registers, (std::vector<uint64_t>{1, 2, 3}));
  ASSERT_EQ(picture.threads[0].frames.size(), 2u);
  EXPECT_EQ(picture.threads[0].frames[1].end, 0x8200u);
  const std::vector<PageRun> pages = read_pages(file, heads[0]);
  ASSERT_EQ(pages.size(), 3u);
  EXPECT_EQ(pages[1].start, 0x6000u);
  EXPECT_EQ(pages[1].pages, 3u);
  EXPECT_EQ(pages[2].start, 0x1000'0000u);  // written between the words

  bool sound = false;
  expect_same(read_words(file, WordsRecord::kPlain, sound), plain);
  EXPECT_TRUE(sound);
  expect_same(read_words(file, WordsRecord::kTagged, sound), tagged);
}

TEST(Picture, WithoutItsEndOrWithAnErrorItIsNotWhole) {
  for (const bool with_error : {false, true}) {
    TraceBuilder trace;
    PictureBuilder builder(trace, 0, kStart + 5);
    builder.words(WordsRecord::kPlain, random_words(10, 1));
    if (with_error) builder.end(28);
    const TemporaryFolder folder;
    const TraceFile file = open(folder, trace.bytes());
    EXPECT_FALSE(list_pictures(file).at(0).whole);
    EXPECT_EQ(list_pictures(file).at(0).end.error, with_error ? 28u : 0u);
  }
}

TEST(Picture, WithoutAChunkItIsNotWhole) {
  TraceBuilder trace;
  PictureBuilder(trace, 0, kStart + 5).words(WordsRecord::kPlain, random_words(20'000, 1)).end();
  std::vector<uint8_t> bytes = trace.bytes();
  std::memset(bytes.data() + trace::kHeaderBytes + 16384, 0, 16384);  // the second chunk was never written
  const TemporaryFolder folder;
  EXPECT_FALSE(list_pictures(open(folder, bytes)).at(0).whole);
}

TEST(Picture, SourcesThatGoBackEndTheirKindOnly) {
  TraceBuilder trace;
  const std::vector<Word> high = random_words(10, 1, 0x9000'0000), low = random_words(10, 2);
  PictureBuilder(trace, 0, kStart + 5)
      .words(WordsRecord::kPlain, high)
      .words(WordsRecord::kPlain, low)
      .words(WordsRecord::kPlain, random_words(10, 3, 0xa000'0000))
      .words(WordsRecord::kTagged, low)
      .end();
  const TemporaryFolder folder;
  const TraceFile file = open(folder, trace.bytes());
  bool sound = true;
  expect_same(read_words(file, WordsRecord::kPlain, sound), high);
  EXPECT_FALSE(sound);
  expect_same(read_words(file, WordsRecord::kTagged, sound), low);
}

TEST(Picture, ACountThatItsBytesDoNotHoldEndsTheKind) {
  TraceBuilder trace;
  WordsRecord record;
  const uint8_t bytes[] = {2, 4, 2, 4};  // two words
  record.source = 0x1000;
  record.count = UINT64_MAX;
  record.words = {bytes, sizeof(bytes)};
  PictureBuilder builder(trace, 0, kStart + 5);
  trace.stream(trace::kPictureStream).record(kStart + 5, record, sizeof(bytes));
  builder.end();
  const TemporaryFolder folder;
  const TraceFile file = open(folder, trace.bytes());
  bool sound = true;
  EXPECT_EQ(read_words(file, WordsRecord::kPlain, sound).size(), 2u);
  EXPECT_FALSE(sound);
}

TEST(Picture, RegionsOutOfOrderAreLeftOutAndThePictureIsNotWhole) {
  TraceBuilder trace;
  PictureBuilder(trace, 0, kStart + 5)
      .region(0x5000, 0x6000, RegionRecord::kRead)
      .region(0x4000, 0x5000, RegionRecord::kRead)
      .region(0x7000, 0x6000, RegionRecord::kRead)
      .region(0xffff'ffff'ff60'0000, 0xffff'ffff'ff60'1000, RegionRecord::kRead, "[vsyscall]")
      .end();
  const TemporaryFolder folder;
  const TraceFile file = open(folder, trace.bytes());
  const Picture picture = read_picture(file, list_pictures(file).at(0));
  EXPECT_EQ(picture.regions.size(), 1u);
  EXPECT_FALSE(picture.head.whole);
  ASSERT_EQ(picture.damage.size(), 1u);
}

// A cut as it was handed over.
struct Seen {
  uint64_t id;
  std::vector<CutBlock> blocks;
  std::vector<CutMapping> mappings;
  std::vector<LoadedModule> modules;
  bool after_life;
};

struct Replayed {
  Recording recording;
  std::vector<Seen> cuts;
};

Replayed replay_of(TraceBuilder& trace, const std::function<void(CutHeap&)>& judge = {}, uint64_t until = UINT64_MAX) {
  const TemporaryFolder folder;
  const TraceFile file = open(folder, trace.bytes());
  Replayed replayed;
  ReplayOptions options;
  options.until_ticks = until;
  options.on_cut = [&](CutHeap& cut) {
    replayed.cuts.push_back({cut.picture.head.id, cut.blocks, cut.mappings, cut.modules, cut.after_life});
    if (judge) judge(cut);
  };
  replayed.recording = replay(file, options);
  return replayed;
}

std::vector<uint64_t> addresses(const Seen& seen, bool in_flight = false) {
  std::vector<uint64_t> found;
  for (const CutBlock& block : seen.blocks) {
    if ((block.in_flight != 0) == in_flight) found.push_back(block.address);
  }
  return found;
}

TEST(Cut, HoldsWhatLivedThen) {
  TraceBuilder trace;
  StreamBuilder& stream = trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000).node(2, 0, 0x2000);
  stream.alloc(kStart + 10, 0xb000, 10, 2).alloc(kStart + 20, 0xa000, 20, 1).alloc(kStart + 30, 0xc000, 30, 1);
  stream.free(kStart + 40, 0xc000).free(kStart + 51, 0xa000).alloc(kStart + 60, 0xd000, 40, 1);
  PictureBuilder(trace, 3, kStart + 50).end();
  const Replayed replayed = replay_of(trace);
  ASSERT_EQ(replayed.cuts.size(), 1u);
  EXPECT_EQ(replayed.cuts[0].id, 3u);
  EXPECT_EQ(addresses(replayed.cuts[0]), (std::vector<uint64_t>{0xa000, 0xb000}));
  EXPECT_EQ(replayed.cuts[0].blocks[1].size, 10u);
  EXPECT_EQ(replayed.cuts[0].blocks[1].node, 2u);
  EXPECT_TRUE(addresses(replayed.cuts[0], true).empty());  // the stream's first event behind the cut was a free
}

TEST(Cut, TheFirstAllocationOfEachStreamBehindItIsInFlight) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "a").node(1, 0, 0x1000).alloc(kStart + 10, 0xa000, 64, 1);
  trace.stream(1).thread(2, 2, "b").alloc(kStart + 60, 0xb000, 8, 1).alloc(kStart + 70, 0xb100, 8, 1);
  trace.stream(2).thread(3, 3, "c").free(kStart + 60, 0xdead0).alloc(kStart + 70, 0xc000, 8, 1);
  trace.stream(3).thread(4, 4, "d").alloc(kStart + 50 + 51 * kMillisecond, 0xd000, 8, 1);  // too late
  // Its address was given back and handed out again since.
  trace.stream(4).thread(5, 5, "e").alloc(kStart + 90, 0xa020, 8, 1);
  trace.stream(0).free(kStart + 80, 0xa000);
  PictureBuilder(trace, 0, kStart + 50).end();
  const Replayed replayed = replay_of(trace);
  ASSERT_EQ(replayed.cuts.size(), 1u);
  EXPECT_EQ(addresses(replayed.cuts[0]), (std::vector<uint64_t>{0xa000}));
  EXPECT_EQ(addresses(replayed.cuts[0], true), (std::vector<uint64_t>{0xb000}));
}

TEST(Cut, BothBlocksOfAReallocUnderWayAreInFlight) {
  TraceBuilder trace;
  StreamBuilder& stream = trace.stream(0).thread(1, 1, "a").node(1, 0, 0x1000);
  stream.alloc(kStart + 10, 0xa000, 64, 1).realloc(kStart + 40, kStart + 60, 0xa000, 0xb000, 128, 1);
  trace.stream(1).thread(2, 2, "b").alloc(kStart + 10, 0xc000, 64, 1);
  trace.stream(1).realloc(kStart + 40, kStart + 60, 0xc000, 0xc000, 96, 1);  // grows in place
  PictureBuilder(trace, 0, kStart + 50).end();
  const Replayed replayed = replay_of(trace);
  ASSERT_EQ(replayed.cuts.size(), 1u);
  EXPECT_TRUE(addresses(replayed.cuts[0]).empty());
  EXPECT_EQ(addresses(replayed.cuts[0], true), (std::vector<uint64_t>{0xa000, 0xb000, 0xc000}));
  EXPECT_EQ(replayed.cuts[0].blocks[2].size, 96u);
}

TEST(Cut, KnowsTheProgramsMappingsAndModules) {
  TraceBuilder trace;
  StreamBuilder& stream = trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000);
  stream.module(kStart + 1, 0, 0x10000, 0x20000, 0x10000, "/lib/one.so");
  stream.module(kStart + 2, 1, 0x40000, 0x50000, 0x40000, "/lib/two.so");
  trace::ModuleUnloadRecord unload;
  unload.index = 0;
  stream.record(kStart + 3, unload).map(kStart + 4, 0x100000, 0x3000, 3, 0x22, 1);
  trace::UnmapRecord unmap;
  unmap.address = 0x101000;
  unmap.size = 0x1000;
  trace::RemapRecord remap;
  remap.old_address = 0x102000;
  remap.old_size = 0x1000;
  remap.new_address = 0x200000;
  remap.new_size = 0x2000;
  stream.record(kStart + 5, unmap).record(kStart + 6, remap).map(kStart + 60, 0x300000, 0x1000, 1, 1);
  PictureBuilder(trace, 0, kStart + 50).end();
  const Replayed replayed = replay_of(trace);
  ASSERT_EQ(replayed.cuts.size(), 1u);
  const Seen& seen = replayed.cuts[0];
  ASSERT_EQ(seen.modules.size(), 1u);
  EXPECT_EQ(seen.modules[0].path, "/lib/two.so");
  ASSERT_EQ(seen.mappings.size(), 2u);
  EXPECT_EQ(seen.mappings[0].end, 0x101000u);
  EXPECT_EQ(seen.mappings[1].begin, 0x200000u);
  for (const CutMapping& mapping : seen.mappings) {
    EXPECT_EQ(mapping.traits.protection, 3u);
    EXPECT_EQ(mapping.traits.flags, 0x22u);
    EXPECT_EQ(mapping.traits.node, 1u);
  }
}

TEST(Cut, PicturesCloseToEachOtherAndBehindTheLastEventAreAllSeen) {
  TraceBuilder trace;
  StreamBuilder& stream = trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000);
  for (uint64_t i = 1; i <= 5; ++i) stream.alloc(kStart + 10 * i, 0xa000 + 0x100 * i, 8, 1);
  PictureBuilder(trace, 2, kStart + 45).end();
  PictureBuilder(trace, 0, kStart + 15).end();
  PictureBuilder(trace, 1, kStart + 25);  // cut: not shown
  PictureBuilder(trace, 3, kStart + 45).end();
  PictureBuilder(trace, 4, UINT64_MAX).end();
  const Replayed replayed = replay_of(trace);
  ASSERT_EQ(replayed.cuts.size(), 4u);
  EXPECT_EQ(replayed.cuts[0].id, 0u);
  EXPECT_EQ(addresses(replayed.cuts[0]).size(), 1u);
  EXPECT_EQ(replayed.cuts[1].id, 2u);
  EXPECT_EQ(addresses(replayed.cuts[1]).size(), 4u);
  EXPECT_EQ(addresses(replayed.cuts[2]).size(), 4u);
  EXPECT_EQ(addresses(replayed.cuts[3]).size(), 5u);
  ASSERT_EQ(replayed.recording.snapshots.size(), 5u);
  EXPECT_EQ(replayed.recording.snapshots[1].picture, Snapshot::Picture::kCut);
  EXPECT_EQ(replayed.recording.snapshots[2].picture, Snapshot::Picture::kWhole);
}

TEST(Cut, FromOutsideStreamsTellWhereTheyEnded) {
  // Without times, the events behind the cut would seem to lie before it.
  for (const bool told : {true, false}) {
    TraceBuilder trace;
    StreamBuilder& stream = trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000).alloc(kStart + 10, 0xa000, 8, 1);
    trace::StreamCutRecord end;
    end.stream = 0;
    end.sequence = 0;
    const std::vector<uint8_t> bytes = trace.bytes();
    end.offset = trace::kChunkAlignment;  // behind the last byte that is not zero: a node's number
    while (bytes[trace::kHeaderBytes + end.offset - 1] == 0) --end.offset;
    stream.alloc(0, 0xb000, 8, 1).alloc(0, 0xc000, 8, 1).alloc(kStart + 200, 0xd000, 8, 1);
    PictureBuilder builder(trace, 0, kStart + 50);
    if (told) trace.stream(trace::kPictureStream).record(kStart + 50, end);
    builder.end();
    const Replayed replayed = replay_of(trace);
    ASSERT_EQ(replayed.cuts.size(), 1u);
    EXPECT_EQ(addresses(replayed.cuts[0]).size(), told ? 1u : 3u);
    EXPECT_EQ(replayed.recording.totals.live_blocks, 4u);
  }
}

TEST(Cut, PicturesBehindTheMomentOfReadingAreNotSeen) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000).alloc(kStart + 10, 0xa000, 8, 1);
  PictureBuilder(trace, 0, kStart + 20).end();
  PictureBuilder(trace, 1, kStart + 40).end();
  EXPECT_EQ(replay_of(trace, {}, kStart + 30).cuts.size(), 1u);
}

TEST(Cut, OfTooManyPicturesSomeAreSeenAndTheLastOne) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000).alloc(kStart + 10, 0xa000, 8, 1);
  for (uint64_t id = 0; id < 100; ++id) PictureBuilder(trace, id, kStart + 20 + id).end();
  const Replayed replayed = replay_of(trace);
  EXPECT_EQ(replayed.cuts.size(), 64u);
  EXPECT_EQ(replayed.cuts.back().id, 99u);
  EXPECT_EQ(replayed.recording.pictures_left_out, 36u);
}

TEST(Cut, APictureBehindTheEndOfLifeIsMarkedUnlessItIsTheEnds) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "main").life_end(kStart + 10).mark(kStart + 90, "late");
  PictureBuilder(trace, 0, kStart + 20, SnapshotReason::kExit).end();
  PictureBuilder(trace, 1, kStart + 30, SnapshotReason::kCommand).end();
  const Replayed replayed = replay_of(trace);
  ASSERT_EQ(replayed.cuts.size(), 2u);
  EXPECT_FALSE(replayed.cuts[0].after_life);
  EXPECT_TRUE(replayed.cuts[1].after_life);
}

TEST(Judged, CountsEachBlockOnceAndTheFreesThatProveItWrong) {
  TraceBuilder trace;
  StreamBuilder& stream = trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000).node(2, 0, 0x2000);
  stream.alloc(kStart + 1, 0xa000, 8, 1).alloc(kStart + 2, 0xb000, 8, 1).alloc(kStart + 3, 0xc000, 8, 1);
  stream.alloc(kStart + 4, 0xd000, 8, 2);
  stream.free(kStart + 20, 0xc000).alloc(kStart + 21, 0xc000, 8, 1);  // between the cut and the answer: another block
  stream.mark(kStart + 10 + 60 * kMillisecond, "time passes");
  stream.free(kStart + 210 * kMillisecond, 0xd000)
      .free(kStart + 300 * kMillisecond, 0xb000)
      .alloc(kStart + 301 * kMillisecond, 0xb000, 8, 2);
  stream.life_end(kStart + 400 * kMillisecond).free(kStart + 401 * kMillisecond, 0xa000);
  stream.free(kStart + 402 * kMillisecond, 0xb000);
  PictureBuilder(trace, 0, kStart + 10).end();
  PictureBuilder(trace, 1, kStart + 200 * kMillisecond).end();
  size_t live_before_end = 0;
  const Replayed replayed = replay_of(trace, [&](CutHeap& cut) {
    if (cut.picture.head.id == 0) {
      EXPECT_EQ(cut.birth(cut.blocks[0]), kStart + 1);
      EXPECT_EQ(cut.birth(cut.blocks[2]), 0u);
      for (const CutBlock& block : cut.blocks) cut.judge_unreachable(block);
      return;
    }
    EXPECT_EQ(cut.blocks[0].unreachable_in, 1u);
    cut.judge_unreachable(cut.blocks[0]);
    cut.judge_unreachable(cut.blocks[3]);
    live_before_end = cut.blocks.size();
  });
  EXPECT_EQ(live_before_end, 4u);
  ASSERT_EQ(replayed.recording.judged.size(), 2u);
  const JudgedSite& first = replayed.recording.judged.at(1);
  EXPECT_EQ(first.blocks, 3u);
  EXPECT_EQ(first.repeatedly, 1u);
  EXPECT_EQ(first.freed_later, 3u);  // 0xb000, 0xc000 right away, and 0xa000 in teardown
  const JudgedSite& second = replayed.recording.judged.at(2);
  EXPECT_EQ(second.blocks, 1u);
  EXPECT_EQ(second.repeatedly, 1u);
  EXPECT_EQ(second.freed_later, 1u);  // between the second cut and the answer
}

TEST(Snapshots, RecordsAndPicturesAreJoined) {
  TraceBuilder trace;
  trace::SnapshotRecord taken;
  taken.id = 4;
  taken.reason = static_cast<uint64_t>(SnapshotReason::kPeriod);
  taken.cut = kStart + 10;
  taken.pause_ns = 1234;
  taken.threads = 9;
  taken.half_read = 2;
  trace::SnapshotSkippedRecord skipped;
  skipped.reason = static_cast<uint64_t>(SnapshotReason::kGrowth);
  skipped.why = static_cast<uint64_t>(trace::SkipReason::kMemory);
  StreamBuilder& stream = trace.stream(0).thread(1, 1, "main").record(kStart + 20, taken);
  stream.record(kStart + 30, skipped).record(kStart + 40, skipped);
  skipped.why = static_cast<uint64_t>(trace::SkipReason::kFork);
  skipped.error = 12;
  stream.record(kStart + 50, skipped);
  taken.id = 5;
  taken.cut = kStart + 60;
  stream.record(kStart + 70, taken);  // its picture was never begun
  PictureBuilder(trace, 4, kStart + 10).words(WordsRecord::kPlain, {{0x1000, 0x2000}}).end();
  const Recording recording = replay_of(trace).recording;
  ASSERT_EQ(recording.snapshots.size(), 2u);
  EXPECT_EQ(recording.snapshots[0].pause_ns, 1234u);
  EXPECT_EQ(recording.snapshots[0].half_read, 2u);
  EXPECT_EQ(recording.snapshots[0].picture, Snapshot::Picture::kWhole);
  EXPECT_EQ(recording.snapshots[0].picture_end.words, 1u);
  EXPECT_EQ(recording.snapshots[1].picture, Snapshot::Picture::kNone);
  ASSERT_EQ(recording.snapshots_skipped.size(), 2u);
  EXPECT_EQ(recording.snapshots_skipped[0].count, 2u);
  EXPECT_EQ(recording.snapshots_skipped[1].error, 12u);
}

}  // namespace
}  // namespace tidemark::replay
