// A trace can be cut or damaged anywhere: there is an error that says where, or a partial report that says so, but
// never a crash, a hang or memory out of proportion.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "analyzer/classify/life.h"
#include "analyzer/cli/make_report.h"
#include "analyzer/ledger/page_account.h"
#include "analyzer/replay/replay.h"
#include "analyzer/replay/used_pages.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::replay {
namespace {

using testing::TemporaryFolder;
using testing::TraceBuilder;

std::vector<uint8_t> small_trace() {
  constexpr uint64_t kStart = TraceBuilder::kStartTicks;
  TraceBuilder trace;
  auto& stream = trace.stream(0).thread(1, 77, "main").module(kStart + 1, 0, 0x10000, 0x20000, 0x10000, "/lib/one.so");
  for (uint32_t id = 1; id < 40; ++id) stream.node(id, id - 1, 0x10000 + id * 64);
  trace::SampleRecord sample;
  sample.monotonic_ns = 5'100'000'000;
  sample.rss = sample.max_rss = 1 << 20;
  for (uint64_t i = 0; i < 100; ++i) {
    stream.alloc(kStart + 10 * i + 10, 0x5000'0000 + i * 32, 20 + i, static_cast<uint32_t>(1 + i % 39));
    if (i % 3 == 0) stream.free(0, 0x5000'0000 + i * 32);
    if (i % 10 == 0) stream.mark(kStart + 10 * i + 15, "mark").record(kStart + 10 * i + 16, sample);
    if (i % 7 == 0) trace.stream(1).realloc(kStart + 10 * i + 12, kStart + 10 * i + 14, 0x6000'0000, 0x6000'0000, i, 3);
  }
  stream.life_end(kStart + 2000);
  testing::PictureBuilder picture(trace, 0, kStart + 500, trace::SnapshotReason::kGrowth, trace::kChunkAlignment);
  picture.region(0x10000, 0x20000, trace::RegionRecord::kRead | trace::RegionRecord::kWrite, "/lib/one.so")
      .region(0x5000'0000, 0x5001'0000, trace::RegionRecord::kRead | trace::RegionRecord::kWrite, "[heap]")
      .region(0x7000'0000, 0x7001'0000, trace::RegionRecord::kRead | trace::RegionRecord::kWrite, "[stack]")
      .thread(77, trace::PictureThreadRecord::kTaker, 0x7000'8000, 0x7000'f000, {0x5000'0020},
              {{0x10100, 0x7000'8100}, {0x10200, 0x7000'8200}})
      .pages(0x5000'0000, {{4, trace::PageState::kPresent}, {12, trace::PageState::kAbsent}});
  std::vector<testing::Word> words;
  for (uint64_t i = 1; i < 40; i += 2) words.push_back({0x5000'0000 + i * 32, 0x5000'0000 + (i * 7 % 40) * 32});
  words.push_back({0x7000'8008, 0x5000'0020});
  picture.words(trace::WordsRecord::kPlain, words).words(trace::WordsRecord::kTagged, words);
  picture.words(trace::WordsRecord::kPossibleXor, words).words(trace::WordsRecord::kPossibleCompressed, words);
  picture.words(trace::WordsRecord::kVtable, {{0x5000'0020, 0x10800}}).end();
  return trace.bytes();
}

// Everything that a report does, but printing.
void read_all(const std::string& path) {
  symbols::SymbolStore store;
  const Result<cli::MadeReport> made = cli::make_report(path, {}, store);
  if (!made) {
    EXPECT_FALSE(made.error().text.empty());
  }
}

TEST(Damage, CutAnywhere) {
  const std::vector<uint8_t> whole = small_trace();
  const TemporaryFolder folder;
  const std::string path = folder.file("trace");
  for (size_t size = 0; size < whole.size();
       size += size < sizeof(trace::FileHeader) + 100 || size > trace::kHeaderBytes ? 7 : 509) {
    testing::write_file(path, {whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)});
    SCOPED_TRACE(size);
    read_all(path);
    const Result<TraceFile> file = TraceFile::open(path);
    if (size < sizeof(trace::FileHeader)) {
      EXPECT_FALSE(file.ok());
    } else if (size >= trace::kHeaderBytes) {
      ASSERT_TRUE(file.ok());
      EXPECT_FALSE(file->damage().empty());
    }
  }
}

TEST(Damage, EveryByteFlipped) {
  const std::vector<uint8_t> whole = small_trace();
  const TemporaryFolder folder;
  const std::string path = folder.file("trace");
  std::mt19937_64 random(5);
  // The header's unused space says nothing; its fields and all chunks do.
  for (size_t at = 0; at < whole.size(); ++at) {
    if (at == sizeof(trace::FileHeader) + 200) at = trace::kHeaderBytes;
    std::vector<uint8_t> damaged = whole;
    damaged[at] = static_cast<uint8_t>(damaged[at] ^ (at % 2 == 0 ? 0xff : 1u << random() % 8));
    testing::write_file(path, damaged);
    SCOPED_TRACE(at);
    read_all(path);
  }
}

TEST(Damage, NoiseBehindAGoodHeader) {
  const std::vector<uint8_t> whole = small_trace();
  const TemporaryFolder folder;
  const std::string path = folder.file("trace");
  std::mt19937_64 random(6);
  for (int round = 0; round < 50; ++round) {
    std::vector<uint8_t> noise = whole;
    for (size_t at = trace::kHeaderBytes + sizeof(trace::ChunkHeader); at < noise.size(); ++at) {
      if (at % trace::kChunkAlignment >= sizeof(trace::ChunkHeader)) noise[at] = static_cast<uint8_t>(random());
    }
    testing::write_file(path, noise);
    read_all(path);
  }
}

// --- Traces that no recorder writes, sound but made to cost: they took seconds to minutes once.

cli::ReportOptions with_holders() {
  cli::ReportOptions options;
  options.progress = false;
  options.holders = true;
  options.who_holds = model::WhoHoldsQuery{"main", {}};
  return options;
}

model::Report report_of(TraceBuilder& trace) {
  const TemporaryFolder folder;
  trace.write(folder.file("trace"));
  symbols::SymbolStore store;
  Result<cli::MadeReport> made = cli::make_report(folder.file("trace"), with_holders(), store);
  EXPECT_TRUE(made.ok());
  return made.ok() ? std::move(made->report) : model::Report{};
}

constexpr uint64_t kReadWrite =
    trace::RegionRecord::kRead | trace::RegionRecord::kWrite | trace::RegionRecord::kScanned;

TEST(Damage, EndlessStacksThatAllAllocate) {
  constexpr uint64_t kStart = TraceBuilder::kStartTicks;
  constexpr uint32_t kDepth = 30'000;
  for (const char* const path : {"/lib/one.so", "/lib/libc.so.6"}) {
    TraceBuilder trace;
    trace.set_allocator("/lib/libc.so.6", "");
    auto& stream = trace.stream(0).thread(1, 77, "main").module(kStart + 1, 0, 0x10000, 0x4000'0000, 0x10000, path);
    for (uint32_t id = 1; id < kDepth; ++id) stream.node(id, id - 1, 0x10000 + id * 16);
    for (uint64_t i = 1; i < kDepth; ++i)
      stream.alloc(kStart + 10 + i, 0x5000'0000 + i * 32, 16, static_cast<uint32_t>(i));
    std::vector<testing::Word> words;
    for (uint64_t i = 1; i + 1 < kDepth; ++i) words.push_back({0x5000'0000 + i * 32, 0x5000'0000 + (i + 1) * 32});
    testing::PictureBuilder picture(trace, 0, kStart + 2 * kDepth);
    picture.region(0x5000'0000, 0x6000'0000, kReadWrite, "[heap]").words(trace::WordsRecord::kPlain, words).end();
    const model::Report report = report_of(trace);
    ASSERT_EQ(report.snapshots.size(), 1u);
    EXPECT_TRUE(report.snapshots[0].reachability.has_value());
  }
}

TEST(Damage, ThreadLocalWordsAmongManyModules) {
  constexpr uint64_t kStart = TraceBuilder::kStartTicks;
  TraceBuilder trace;
  auto& stream = trace.stream(0).thread(1, 77, "main").node(1, 0, 0x10040);
  for (uint64_t i = 0; i < 30'000; ++i) {
    trace::ModuleLoadRecord module;
    module.index = i;
    module.start = 0x1000'0000 + i * 0x1000;
    module.end = module.start + 0x1000;
    module.tls_offset = 0x100'0000 + i;
    stream.record(kStart + 1 + i, module, 100);
  }
  stream.alloc(kStart + 50'000, 0x5000'0000, 48, 1);
  std::vector<testing::Word> words;
  for (uint64_t i = 0; i < 300'000; ++i) words.push_back({0x7000'0000 + i * 8, 0x5000'0000});
  testing::PictureBuilder picture(trace, 0, kStart + 100'000);
  picture.region(0x5000'0000, 0x5100'0000, kReadWrite, "[heap]").region(0x7000'0000, 0x7100'0000, kReadWrite);
  picture.thread(78, trace::PictureThreadRecord::kStopped, 0x6fff'0000, 0x7100'0000 - 16);
  picture.words(trace::WordsRecord::kPlain, words).end();
  const model::Report report = report_of(trace);
  ASSERT_EQ(report.snapshots.size(), 1u);
  ASSERT_TRUE(report.snapshots[0].reachability.has_value());
  EXPECT_EQ(report.snapshots[0].reachability->reachable.blocks, 1u);
}

TEST(Damage, MoreSamplesThanAnyRecorderTakes) {
  constexpr uint64_t kStart = TraceBuilder::kStartTicks;
  TraceBuilder trace;
  auto& stream = trace.stream(0).thread(1, 77, "main");
  for (uint32_t id = 1; id <= 100; ++id) stream.node(id, 0, 0x10000 + id * 16);
  for (uint64_t i = 0; i < 10'000; ++i)
    stream.alloc(kStart + i, 0x5000'0000 + i * 64, 48, static_cast<uint32_t>(1 + i % 100));
  std::vector<testing::Word> samples;
  std::mt19937_64 random(7);
  for (uint64_t i = 0; i < 300'000; ++i) samples.push_back({0x7000'0000 + i * 8, random() & UINT32_MAX});
  testing::PictureBuilder picture(trace, 0, kStart + 100'000);
  picture.region(0x5000'0000, 0x5100'0000, kReadWrite, "[heap]").region(0x7000'0000, 0x7100'0000, kReadWrite);
  picture.words(trace::WordsRecord::kPossibleXor, samples).words(trace::WordsRecord::kPossibleCompressed, samples);
  picture.end();
  const model::Report report = report_of(trace);
  ASSERT_EQ(report.snapshots.size(), 1u);
  ASSERT_TRUE(report.snapshots[0].reachability.has_value());
  EXPECT_EQ(report.snapshots[0].reachability->unreachable.blocks, 10'000u);
}

TEST(Damage, KilledBeforeItAllocatedAnything) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 77, "main").mark(TraceBuilder::kStartTicks + 5, "begun");
  const TemporaryFolder folder;
  trace.write(folder.file("trace"));
  const Result<TraceFile> file = TraceFile::open(folder.file("trace"));
  ASSERT_TRUE(file.ok());
  const classify::Life life = classify::find_life(replay(*file, {}));
  EXPECT_GE(life.slices, 1u);
  EXPECT_GE(life.end, 1u);
  EXPECT_LE(life.startup, life.end);
  read_all(folder.file("trace"));
}

TEST(Damage, EventsAtTheEndOfAllTimesShareSlices) {
  Slices slices(0, 1000);
  for (uint64_t event = 1; event <= 1'000'000; ++event) {
    if (!slices.due(UINT64_MAX, event)) continue;
    ASSERT_TRUE(slices.close(UINT64_MAX, event, {}));
    if (slices.full()) slices.compact();
  }
  // By events alone: half of kMost more each time that there are twice as many.
  EXPECT_LT(slices.serial(), 1000);
}

TEST(Damage, MorePagesThanAnyProcessorAddresses) {
  constexpr uint64_t kPage = 4096, kMany = uint64_t{1} << 34;  // pages
  UsedPages used;
  used.note(10 * kPage, 100);
  used.note(3 * kPage * 512, 2 * kPage);
  used.note(kMany / 2 * kPage + 100, kMany / 4 * kPage);
  EXPECT_EQ(used.count_used(0, kMany), 1 + 2 + kMany / 4 + 1);
  EXPECT_EQ(used.count_used(11, 3 * 512 + 1), 1u);
  EXPECT_EQ(used.count_used(kMany - 10, kMany), 0u);

  const uint64_t block = kMany / 4 * kPage - 100;
  const std::vector<CutBlock> blocks = {{.address = block, .size = kMany / 8 * kPage}};
  const ledger::SizeClasses classes;
  ledger::PageAccount account(blocks, classes, used, false);
  account.run({{0, kMany * kPage, ledger::Use::kHeap}}, {{0, kMany, trace::PageState::kPresent}});
  model::Ledger ledger;
  account.fill(ledger);
  EXPECT_EQ(ledger.bytes(model::LedgerKind::kLive), kMany / 8 * kPage);
  EXPECT_EQ(ledger.bytes(model::LedgerKind::kFreePages), (1 + 2 + kMany / 4 + 1) * kPage);
  uint64_t sum = 0;
  for (const model::LedgerRow& row : ledger.rows) sum += row.bytes;
  EXPECT_EQ(sum, kMany * kPage);
}

TEST(Damage, ADamagedChunkIsSkippedAndTheRestRead) {
  TraceBuilder trace;
  constexpr uint64_t kStart = TraceBuilder::kStartTicks;
  trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000).alloc(kStart + 1, 0xa000, 10, 1);
  trace.stream(1).thread(2, 2, "other").alloc(kStart + 2, 0xb000, 20, 1);
  std::vector<uint8_t> bytes = trace.bytes();
  bytes[trace::kHeaderBytes] ^= 0xff;  // the first chunk's magic
  const TemporaryFolder folder;
  testing::write_file(folder.file("trace"), bytes);
  const Result<TraceFile> file = TraceFile::open(folder.file("trace"));
  ASSERT_TRUE(file.ok());
  const Recording recording = replay(*file, {});
  EXPECT_EQ(recording.totals.live_bytes, 20u);
  ASSERT_FALSE(recording.damage.empty());
  EXPECT_NE(recording.damage[0].find("16384"), std::string::npos) << recording.damage[0];
}

TEST(Damage, AForeignFileIsNamedSo) {
  const TemporaryFolder folder;
  testing::write_file(folder.file("text"), {'h', 'e', 'l', 'l', 'o', ' ', 'w', 'o', 'r', 'l', 'd'});
  const Result<TraceFile> file = TraceFile::open(folder.file("text"));
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().text.find("not a trace"), std::string::npos);
  EXPECT_FALSE(TraceFile::open(folder.file("missing")).ok());
  EXPECT_FALSE(TraceFile::open(folder.path()).ok());
  EXPECT_FALSE(TraceFile::open("/dev/zero").ok());
}

TEST(Damage, ALaterVersionIsNamedSo) {
  std::vector<uint8_t> bytes = small_trace();
  bytes[8] = 9;
  const TemporaryFolder folder;
  testing::write_file(folder.file("trace"), bytes);
  const Result<TraceFile> file = TraceFile::open(folder.file("trace"));
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().text.find("version 9"), std::string::npos);
}

}  // namespace
}  // namespace tidemark::replay
