// From a trace with a picture to findings: what holds a block, what does not, and how sure it is that nothing does.
// Every scene has an executable with data, a heap of glibc's, and a main thread with a stack.
#include "analyzer/holders/holders.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/cli/make_report.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::holders {
namespace {

using model::Finding;
using model::HolderKind;
using model::VerdictClass;
using model::VerdictKind;
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
constexpr uint64_t kSecond = TraceBuilder::kTicksPerSecond;
constexpr uint64_t kData = 0x500000, kDataEnd = 0x510000;
constexpr uint64_t kLibcData = 0x7f00'0010'0000, kLibcDataEnd = 0x7f00'0011'0000;
constexpr uint64_t kLoaderCode = 0x7f00'0030'0000;
constexpr uint64_t kHeap = 0x1000'0000, kHeapEnd = 0x1100'0000;
constexpr uint64_t kUnknown = 0x7f10'0000'0000, kUnknownEnd = 0x7f10'0010'0000;
constexpr uint64_t kThreadStack = 0x7f20'0000'0000, kThreadStackEnd = 0x7f20'0010'0000;
constexpr uint64_t kStack = 0x7ffd'0000'0000, kStackEnd = 0x7ffd'0010'0000, kSp = 0x7ffd'000f'0000;
constexpr uint64_t kMapping = 0x7f40'0000'0000;
constexpr uint64_t kReadWrite = RegionRecord::kRead | RegionRecord::kWrite | RegionRecord::kScanned;
constexpr uint32_t kPid = 4'000'000;

struct Thread {
  uint64_t tid;
  PictureThreadRecord::Kind kind;
  uint64_t sp, thread_pointer;
  std::vector<uint64_t> registers;
};

class Scene {
 public:
  Scene() {
    trace.set_command("/bin/program", {"program"});
    trace.set_allocator("/lib/libc.so.6", "/lib/libstdc++.so.6");
    stream = &trace.stream(0, 1 << 16).thread(1, kPid, "main");
    stream->module(kStart, 0, 0x400000, kDataEnd, 0x400000, "/bin/program");
    stream->module(kStart, 1, 0x7f00'0000'0000, kLibcDataEnd, 0x7f00'0000'0000, "/lib/libc.so.6");
    stream->module(kStart, 2, kLoaderCode, kLoaderCode + 0x10000, kLoaderCode, "/lib/ld-linux-x86-64.so.2");
    for (uint32_t site = 1; site < 10; ++site) stream->node(site, 0, 0x401000 + site * 0x100);
    stream->node(kLoaderSite, 0, kLoaderCode + 0x100);
  }

  static constexpr uint32_t kLoaderSite = 20;

  // A block of 64 bytes, unless told otherwise, born `seconds` after the start.
  uint64_t block(uint32_t site, uint64_t size = 64, double seconds = 0.001) {
    const uint64_t address = next_;
    next_ += (size + 31) / 16 * 16;
    time_ = std::max(time_, kStart + static_cast<uint64_t>(seconds * static_cast<double>(kSecond)));
    stream->alloc(time_, address, size, site);
    return address;
  }
  Scene& points(uint64_t source, uint64_t value) {
    words.push_back({source, value});
    return *this;
  }

  // Writes the picture; words are sorted first.
  void take(uint64_t id = 0, double seconds = 10, SnapshotReason reason = SnapshotReason::kMainReturned,
            bool whole = true) {
    const uint64_t cut = kStart + static_cast<uint64_t>(seconds * static_cast<double>(kSecond));
    PictureBuilder picture(trace, id, cut, reason, 1 << 16);
    picture.region(0x400000, kData, RegionRecord::kRead | RegionRecord::kExecute, "/bin/program")
        .region(kData, kDataEnd, kReadWrite, "/bin/program")
        .region(kHeap, kHeapEnd, kReadWrite, "[heap]")
        .region(0x7f00'0000'0000, kLibcData, RegionRecord::kRead | RegionRecord::kExecute, "/lib/libc.so.6")
        .region(kLibcData, kLibcDataEnd, kReadWrite, "/lib/libc.so.6")
        .region(kUnknown, kUnknownEnd, kReadWrite)
        .region(kThreadStack, kThreadStackEnd, kReadWrite)
        .region(kMapping, kMapping + 0x10000, kReadWrite | mapping_flags, mapping_path)
        .region(kStack, kStackEnd, kReadWrite, "[stack]");
    for (const Thread& thread : threads) {
      picture.thread(thread.tid, thread.kind, thread.sp, thread.thread_pointer, thread.registers,
                     {{0x401000, thread.sp + 0x100}, {0x402000, thread.sp + 0x200}});
    }
    const auto by_source = [](const Word& a, const Word& b) { return a.source < b.source; };
    std::sort(words.begin(), words.end(), by_source);
    picture.words(WordsRecord::kPlain, words).words(WordsRecord::kTagged, tagged).words(WordsRecord::kKernel, kernel);
    picture.words(WordsRecord::kPossibleXor, possible_xor);
    picture.words(WordsRecord::kPossibleCompressed, possible_compressed);
    if (whole) picture.end();
  }

  model::Report report(cli::ReportOptions options = {}) {
    const TemporaryFolder folder;
    trace.write(folder.file("trace"));
    symbols::SymbolStore store;
    options.progress = false;
    Result<cli::MadeReport> made = cli::make_report(folder.file("trace"), options, store);
    EXPECT_TRUE(made.ok());
    return std::move(made->report);
  }

  TraceBuilder trace;
  StreamBuilder* stream;
  std::vector<Word> words, tagged, kernel, possible_xor, possible_compressed;
  std::vector<Thread> threads = {{kPid, PictureThreadRecord::kTaker, kSp, 0, {}}};
  uint64_t mapping_flags = 0;
  const char* mapping_path = "";

 private:
  uint64_t next_ = kHeap + 0x10;
  uint64_t time_ = kStart + 1;
};

std::vector<Finding> leaks(const model::Report& report) {
  std::vector<Finding> found;
  for (const Finding& finding : report.findings) {
    if (finding.verdict_class == VerdictClass::kTrueLeak) found.push_back(finding);
  }
  return found;
}

// What holds the blocks of a scene that has one block, at which only `source` points.
struct Outcome {
  bool leaked = false;
  HolderKind kind = HolderKind::kNone;
  bool weak = false;
  std::string thread;
};
Outcome outcome(const model::Report& report) {
  if (!leaks(report).empty()) return {true, HolderKind::kNone, false, {}};
  EXPECT_EQ(report.findings.size(), 1u);
  const model::HeldBy& held = report.findings.at(0).held_by;
  return {false, held.kind, held.weak, held.thread};
}
Outcome pointed_to_from(uint64_t source, int64_t offset = 0, Scene scene = {}) {
  const uint64_t block = scene.block(1, 4096);
  scene.points(source, block + static_cast<uint64_t>(offset)).take();
  return outcome(scene.report());
}

bool says(const Finding& finding, const std::string& text) {
  return std::any_of(finding.evidence.begin(), finding.evidence.end(),
                     [&](const std::string& one) { return one.find(text) != std::string::npos; });
}

TEST(Holders, AVariableHolds) {
  EXPECT_EQ(pointed_to_from(kData + 0x100).kind, HolderKind::kGlobal);
  EXPECT_EQ(pointed_to_from(kData + 0x100, 4095).kind, HolderKind::kGlobal);
  EXPECT_FALSE(pointed_to_from(kData + 0x100).weak);
  const Outcome behind = pointed_to_from(kData + 0x100, 4096);
  EXPECT_FALSE(behind.leaked);
  EXPECT_TRUE(behind.weak);
  EXPECT_TRUE(pointed_to_from(kData + 0x100, 4097).leaked);
}

TEST(Holders, OfLibcOnlyPointersToStartsHold) {
  EXPECT_EQ(pointed_to_from(kLibcData + 0x100).kind, HolderKind::kGlobal);
  EXPECT_TRUE(pointed_to_from(kLibcData + 0x100, 8).leaked);
}

TEST(Holders, TheAllocatorsFreeMemoryDoesNotHold) { EXPECT_TRUE(pointed_to_from(kHeap + 0x8000).leaked); }

TEST(Holders, OfAStackWhatIsAboveItsPointerHolds) {
  const Outcome above = pointed_to_from(kSp + 0x80);
  EXPECT_EQ(above.kind, HolderKind::kStack);
  EXPECT_EQ(above.thread, "main (4000000)");
  EXPECT_TRUE(pointed_to_from(kSp - 8).leaked);
}

TEST(Holders, AStoppedThreadsRedZoneHolds) {
  for (const uint64_t below : {128u, 136u}) {
    Scene scene;
    scene.threads[0].kind = PictureThreadRecord::kStopped;
    const uint64_t block = scene.block(1, 4096);
    scene.points(kSp - below, block).take();
    EXPECT_EQ(outcome(scene.report()).leaked, below > 128);
  }
}

TEST(Holders, WhenMainReturnedItsStackHoldsNothing) {
  Scene scene;
  scene.threads[0].kind = PictureThreadRecord::kStackDead;
  scene.threads[0].sp = 0;
  scene.threads[0].registers = {0, 0};
  const uint64_t block = scene.block(1, 4096);
  scene.threads[0].registers[1] = block;
  scene.points(kSp + 0x80, block).take();
  EXPECT_TRUE(outcome(scene.report()).leaked);
}

TEST(Holders, RegistersThreadLocalMemoryAndTheKernelHold) {
  {
    Scene scene;
    scene.threads.push_back(
        {77, PictureThreadRecord::kStopped, kThreadStack + 0x80000, 0, {1, 2, scene.block(1, 4096)}});
    scene.take();
    EXPECT_EQ(outcome(scene.report()).kind, HolderKind::kRegister);
  }
  for (const bool far : {false, true}) {
    Scene scene;
    scene.threads[0].thread_pointer = kUnknown + 0x20000;
    scene.points(kUnknown + 0x20000 - (far ? 0x10008 : 0x40), scene.block(1, 4096)).take();
    const Outcome held = outcome(scene.report());
    EXPECT_EQ(held.kind, far ? HolderKind::kUnknown : HolderKind::kTls);
    EXPECT_EQ(held.weak, far);
  }
  {
    Scene scene;
    scene.kernel = {{8, scene.block(1, 4096)}};
    scene.take();
    EXPECT_EQ(outcome(scene.report()).kind, HolderKind::kKernel);
  }
}

TEST(Holders, MemoryOfUnknownOriginAndTaggedPointersHoldWeakly) {
  const Outcome unknown = pointed_to_from(kUnknown + 0x100);
  EXPECT_EQ(unknown.kind, HolderKind::kUnknown);
  EXPECT_TRUE(unknown.weak);
  Scene scene;
  scene.tagged = {{kData + 0x100, scene.block(1, 4096)}};
  scene.take();
  const model::Report report = scene.report();
  EXPECT_TRUE(outcome(report).weak);
  EXPECT_TRUE(says(report.findings[0], "tagged pointers")) << report.findings[0].evidence.back();
}

TEST(Holders, OfAnEndedThreadOnlyTheControlBlockHoldsWeakly) {
  for (const uint64_t below_top : {0x1000u, 0x3000u}) {
    Scene scene;
    trace::ThreadRecord ended;
    ended.serial = 2;
    ended.tid = 99;
    ended.stack_low = kThreadStack;
    ended.stack_high = kThreadStackEnd;
    scene.trace.stream(1).record(kStart + 5, ended);
    scene.points(kThreadStackEnd - below_top, scene.block(1, 4096)).take();
    const Outcome held = outcome(scene.report());
    EXPECT_EQ(held.leaked, below_top > 0x2000);
    EXPECT_EQ(held.weak, !held.leaked);
  }
}

TEST(Holders, ACoroutinesStackHoldsAsAWholeAndSoDoesTheOneThatWasLeft) {
  for (const uint64_t source : {kUnknown + 0x100, kStack + 0x100}) {
    Scene scene;
    scene.threads[0].sp = kUnknown + 0x8000;
    scene.points(source, scene.block(1, 4096)).take();
    EXPECT_EQ(outcome(scene.report()).kind, HolderKind::kStack);
  }
  Scene scene;  // on the heap
  const uint64_t stack = scene.block(1, 8192);
  scene.threads[0].sp = stack + 4096;
  scene.points(stack + 16, scene.block(2, 4096)).take();
  EXPECT_TRUE(leaks(scene.report()).empty());
}

TEST(Holders, AMappingOfTheProgramIsANode) {
  for (const bool held : {true, false}) {
    Scene scene;
    scene.stream->map(kStart + 10, kMapping, 0x10000, 3, 0x22, 5);
    scene.points(kMapping + 0x100, scene.block(1, 4096));
    if (held) scene.points(kData + 8, kMapping);
    scene.take();
    const Outcome outcome = holders::outcome(scene.report());
    EXPECT_FALSE(outcome.leaked);
    EXPECT_EQ(outcome.weak, !held);
    EXPECT_EQ(outcome.kind, held ? HolderKind::kGlobal : HolderKind::kHeap);
  }
}

TEST(Holders, ASharedMappingHolds) {
  Scene scene;
  scene.mapping_flags = RegionRecord::kShared;
  scene.mapping_path = "/dev/shm/queue";
  scene.stream->map(kStart + 10, kMapping, 0x10000, 3, 1, 5);
  scene.points(kMapping + 0x100, scene.block(1, 4096)).take();
  const model::Report report = scene.report();
  EXPECT_EQ(outcome(report).kind, HolderKind::kGlobal);
  EXPECT_EQ(report.findings[0].held_by.symbol, "mapping of /dev/shm/queue");
  EXPECT_EQ(report.findings[0].held_by.offset, 0x100u);
}

TEST(Holders, TheLoadersBlocksAreHeld) {
  Scene scene;
  scene.block(Scene::kLoaderSite, 4096);
  scene.take();
  EXPECT_EQ(outcome(scene.report()).kind, HolderKind::kHeap);
}

TEST(Holders, InAForkedProcessTheInheritedHeapHolds) {
  Scene scene;
  scene.trace.header().flags |= trace::kHeaderFlagForked;
  const uint64_t held = scene.block(1, 4096);
  scene.block(2, 4096);
  scene.points(kHeap + 0x8000, held).take();
  const model::Report report = scene.report();
  ASSERT_EQ(leaks(report).size(), 1u);
  EXPECT_TRUE(says(leaks(report)[0], "forked"));
  EXPECT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings.front().held_by.kind, HolderKind::kInherited);
}

TEST(Holders, ThePathHasTheOffsets) {
  Scene scene;
  const uint64_t first = scene.block(1, 4000), second = scene.block(2, 5000), third = scene.block(3, 100'000);
  scene.points(kData + 0x100, first + 8).points(first + 0x18, second).points(second + 0x20, third + 16).take();
  const model::Report report = scene.report();
  ASSERT_EQ(report.findings.size(), 3u);
  const model::HeldBy& held = report.findings[0].held_by;
  EXPECT_EQ(held.kind, HolderKind::kGlobal);
  ASSERT_EQ(held.path.size(), 3u);
  EXPECT_EQ(held.path[0].offset, 0x18u);
  EXPECT_EQ(held.path[1].offset, 0x20u);
  EXPECT_EQ(held.path[2].offset, 0u);
  EXPECT_NE(held.path[2].type.find("97.7 KB"), std::string::npos) << held.path[2].type;
  EXPECT_EQ(held.elided, 0u);
}

TEST(Holders, ALongPathIsShownInParts) {
  Scene scene;
  uint64_t before = kData + 0x100;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t next = scene.block(i == 999 ? 2 : 1, i == 999 ? 100'000 : 64);
    scene.points(before, next);
    before = next + 8;
  }
  scene.take();
  const model::HeldBy held = scene.report().findings.at(0).held_by;
  EXPECT_EQ(held.path.size(), 12u);
  EXPECT_EQ(held.elided, 988u);
  EXPECT_EQ(held.path[10].offset, 8u);
}

TEST(Lost, DirectAndIndirectPartsAreOneFinding) {
  Scene scene;
  scene.points(kData, scene.block(9, 1 << 20));
  for (int i = 0; i < 10; ++i) {
    const uint64_t head = scene.block(1, 100, 0.9 * i), payload = scene.block(2, 10'000, 0.9 * i);
    scene.points(head + 8, payload).points(payload + 8, scene.block(3, 50, 0.9 * i));
  }
  scene.take();
  const model::Report report = scene.report();
  ASSERT_EQ(leaks(report).size(), 1u);
  const Finding leak = leaks(report)[0];
  EXPECT_EQ(leak.kind, VerdictKind::kUnreachable);
  EXPECT_EQ(leak.direct_blocks, 10u);
  EXPECT_EQ(leak.direct_bytes, 1000u);
  EXPECT_EQ(leak.indirect_blocks, 20u);
  EXPECT_EQ(leak.indirect_bytes, 100'500u);
  EXPECT_EQ(leak.blocks, 30u);
  EXPECT_EQ(leak.bytes, 101'500u);
  EXPECT_EQ(leak.site, 2u);  // the payload's
  EXPECT_EQ(leak.copies, 10u);
  EXPECT_EQ(leak.confidence, 0.9);
  ASSERT_EQ(leak.keeps.size(), 2u);
  EXPECT_EQ(leak.keeps[0].bytes, 100'000u);
  EXPECT_EQ(leak.held_by.kind, HolderKind::kNone);
  ASSERT_EQ(leak.held_by.path.size(), 2u);
  EXPECT_EQ(leak.held_by.path[0].offset, 8u);
  // Only the variable's block is left for other findings.
  EXPECT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.verdict.verdict_class, VerdictClass::kTrueLeak);
  EXPECT_EQ(report.verdict.kind, VerdictKind::kUnreachable);
  EXPECT_EQ(report.verdict.confidence, 0.9);
  EXPECT_NE(report.verdict.headline.find("30 blocks lost"), std::string::npos) << report.verdict.headline;
}

TEST(Lost, ACycleIsDrawnWithItsOffsetsAndCopies) {
  Scene scene;
  for (int i = 0; i < 4; ++i) {
    const uint64_t a = scene.block(1, 100, 2.0 * i), b = scene.block(2, 200, 2.0 * i), c = scene.block(3, 300, 2.0 * i);
    scene.points(a + 0x18, b).points(b + 0x30, c + 16).points(c + 0x10, a);
    scene.points(b + 0x38, scene.block(4, 50'000, 2.0 * i));
  }
  scene.take();
  const model::Report report = scene.report();
  ASSERT_EQ(leaks(report).size(), 1u);
  const Finding leak = leaks(report)[0];
  EXPECT_EQ(leak.kind, VerdictKind::kUnreachableCycle);
  EXPECT_EQ(leak.copies, 4u);
  EXPECT_EQ(leak.direct_bytes, 2400u);
  EXPECT_EQ(leak.indirect_bytes, 200'000u);
  ASSERT_EQ(leak.cycle.size(), 3u);
  // From the member that keeps the block behind the cycle.
  EXPECT_EQ(leak.cycle[0].bytes, 200u);
  EXPECT_EQ(leak.cycle[0].offset, 0x30u);
  EXPECT_EQ(leak.cycle[1].offset, 0x10u);
  EXPECT_EQ(leak.cycle[2].offset, 0x18u);
  EXPECT_EQ(report.verdict.kind, VerdictKind::kUnreachableCycle);
}

TEST(Lost, ABlockThatPointsToItselfIsNoCycle) {
  Scene scene;
  const uint64_t block = scene.block(1, 4096);
  scene.points(block, block + 16).take();
  ASSERT_EQ(leaks(scene.report()).size(), 1u);
  EXPECT_EQ(leaks(scene.report())[0].kind, VerdictKind::kUnreachable);
}

TEST(Lost, OfOneSiteTheRestStaysAnOrdinaryFinding) {
  Scene scene;
  for (int i = 0; i < 100; ++i) {
    const uint64_t block = scene.block(1, 1000);
    if (i % 4 != 0) scene.points(kData + 8 * static_cast<uint64_t>(i), block);
  }
  scene.take();
  const model::Report report = scene.report();
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].blocks, 75u);
  EXPECT_EQ(report.findings[0].verdict_class, VerdictClass::kUndecided);
  EXPECT_EQ(report.findings[1].blocks, 25u);
  EXPECT_EQ(report.findings[1].confidence, 0.6);                      // all at once, and most of the site's are held
  EXPECT_EQ(report.verdict.verdict_class, VerdictClass::kUndecided);  // too small
}

TEST(Lost, ACutPictureProvesNothing) {
  Scene scene;
  scene.block(1, 4096);
  scene.take(0, 10, SnapshotReason::kMainReturned, false);
  const model::Report report = scene.report();
  EXPECT_TRUE(leaks(report).empty());
  EXPECT_FALSE(report.graph_snapshot.has_value());
  ASSERT_EQ(report.snapshots.size(), 1u);
  EXPECT_FALSE(report.snapshots[0].complete);
  EXPECT_FALSE(report.snapshots[0].reachability.has_value());
}

TEST(Lost, InOneSnapshotOfTheRunItIsLessSureThanInTwo) {
  for (const bool twice : {false, true}) {
    Scene scene;
    for (int i = 0; i < 10; ++i) scene.block(1, 10'000, 0.4 * i);
    scene.stream->mark(kStart + 20 * kSecond, "goes on");
    if (twice) scene.take(0, 4, SnapshotReason::kGrowth);
    scene.take(1, 5, SnapshotReason::kGrowth);
    const model::Report report = scene.report();
    ASSERT_EQ(leaks(report).size(), 1u);
    EXPECT_EQ(leaks(report)[0].confidence, twice ? 0.9 : 0.5);
    EXPECT_EQ(report.snapshots.size(), twice ? 2u : 1u);
    EXPECT_EQ(report.snapshots.back().reachability->unreachable.blocks, 10u);
  }
}

TEST(Lost, WhatIsFreedAfterwardsIsNoFindingAndLowersTheRest) {
  Scene scene;
  std::vector<uint64_t> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(scene.block(1, 1000, 0.04 * i));
  scene.stream->free(kStart + 12 * kSecond, blocks[7]).free(kStart + 12 * kSecond, blocks[9]);
  scene.stream->mark(kStart + 20 * kSecond, "goes on");
  scene.take(0, 5, SnapshotReason::kGrowth);
  const model::Report report = scene.report();
  ASSERT_EQ(leaks(report).size(), 1u);
  EXPECT_EQ(leaks(report)[0].blocks, 98u);
  EXPECT_EQ(leaks(report)[0].resurrected_blocks, 2u);
  EXPECT_LE(leaks(report)[0].confidence, 0.3);
  EXPECT_EQ(report.verdict.verdict_class, VerdictClass::kUndecided);
}

TEST(Lost, WhatTeardownFreesWasKnownToTheProgram) {
  Scene scene;
  std::vector<uint64_t> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(scene.block(1, 1000, 0.04 * i));
  scene.stream->life_end(kStart + 10 * kSecond + 100);
  scene.take();
  for (const uint64_t block : blocks) scene.stream->free(kStart + 11 * kSecond, block);
  const model::Report report = scene.report();
  ASSERT_EQ(leaks(report).size(), 1u);
  EXPECT_EQ(leaks(report)[0].blocks, 100u);
  EXPECT_LE(leaks(report)[0].confidence, 0.3);
}

TEST(Lost, AThreadWhoseRegistersAreNotKnownMayHoldAFew) {
  for (const int count : {6, 7}) {
    Scene scene;
    scene.threads.push_back({78, PictureThreadRecord::kHalfRead, kThreadStack + 0x80000, 0, {}});
    for (int i = 0; i < count; ++i) scene.block(1, 10'000, i);
    scene.take();
    const model::Report report = scene.report();
    ASSERT_EQ(leaks(report).size(), 1u);
    EXPECT_EQ(leaks(report)[0].confidence, count == 6 ? 0.3 : 0.9);
    EXPECT_EQ(says(leaks(report)[0], "registers"), count == 6);
  }
}

TEST(Lost, MemoryThatIsNotInThePictureMayHoldAsMany) {
  for (const bool gone : {true, false}) {
    Scene scene;
    scene.stream->map(kStart + 10, gone ? kMapping + 0x100000 : kMapping, 0x1000, 3, 0x22, 5);
    for (int i = 0; i < 10; ++i) scene.block(1, 10'000, i);
    scene.take();
    const model::Report report = scene.report();
    ASSERT_EQ(leaks(report).size(), 1u);
    EXPECT_EQ(leaks(report)[0].confidence, gone ? 0.3 : 0.9);
  }
}

TEST(Lost, ABlockJustBeingHandedOutIsNot) {
  Scene scene;
  scene.trace.stream(3).thread(3, 3, "other").alloc(kStart + 10 * kSecond + 50, kHeap + 0x100000, 4096, 1);
  scene.take();
  const model::Report report = scene.report();
  EXPECT_TRUE(leaks(report).empty());
  EXPECT_EQ(outcome(report).kind, HolderKind::kHeap);
}

TEST(Hidden, XorLinkedBlocksAreNeverSure) {
  for (const bool linked : {true, false}) {
    Scene scene;
    std::vector<uint64_t> blocks = {0};
    for (int i = 0; i < 40; ++i) blocks.push_back(scene.block(1, 1000, 0.2 * i));
    blocks.push_back(0);
    for (size_t i = 1; i <= 40; ++i) {
      const uint64_t link = linked ? blocks[i - 1] ^ blocks[i + 1] : 0x1230 * i;
      if (link != 0) scene.possible_xor.push_back({blocks[i] + 8, link});
    }
    scene.take();
    const model::Report report = scene.report();
    ASSERT_EQ(leaks(report).size(), 1u);
    EXPECT_EQ(leaks(report)[0].confidence, linked ? 0.3 : 0.9);
    EXPECT_EQ(says(leaks(report)[0], "xor"), linked);
  }
}

TEST(Hidden, CompressedPointersAreNeverSure) {
  enum class Base { kRegion, kBlock, kNone, kOther };
  for (const Base base : {Base::kRegion, Base::kBlock, Base::kNone, Base::kOther}) {
    for (const unsigned shift : {0u, 3u, 4u}) {
      Scene scene;
      const uint64_t first = scene.block(2, 100);
      scene.points(kData + 0x8000, first);
      const uint64_t start = base == Base::kRegion ? kHeap : base == Base::kBlock ? first : 0;
      for (int i = 0; i < 40; ++i) {
        const uint64_t block = scene.block(1, 1000 + 16 * static_cast<uint64_t>(i * i % 7), 0.2 * i);
        const uint64_t value =
            base == Base::kOther ? 0x12345678u + 40u * static_cast<unsigned>(i) : (block - start) >> shift & UINT32_MAX;
        scene.possible_compressed.push_back({kData + 4 * static_cast<uint64_t>(i), value});
      }
      scene.take();
      const model::Report report = scene.report();
      ASSERT_EQ(leaks(report).size(), 1u);
      EXPECT_EQ(leaks(report)[0].confidence, base == Base::kOther ? 0.9 : 0.3)
          << static_cast<int>(base) << " " << shift;
      EXPECT_EQ(says(leaks(report)[0], "compressed"), base != Base::kOther);
    }
  }
}

TEST(WhoHolds, AnAddressIsAnsweredWithItsPath) {
  Scene scene;
  const uint64_t first = scene.block(1, 100), second = scene.block(2, 200);
  scene.points(kData + 0x100, first).points(first + 0x18, second).take();
  cli::ReportOptions options;
  options.who_holds = model::WhoHoldsQuery{"0x1", second + 5};
  model::Report report = scene.report(options);
  ASSERT_TRUE(report.who_holds.has_value());
  ASSERT_EQ(report.who_holds->blocks.size(), 1u);
  EXPECT_EQ(report.who_holds->blocks[0].address, second);
  EXPECT_EQ(report.who_holds->blocks[0].bytes, 200u);
  EXPECT_EQ(report.who_holds->blocks[0].held_by.path.size(), 2u);
  options.who_holds->address = kHeap + 0x500000;
  report = scene.report(options);
  EXPECT_TRUE(report.who_holds->blocks.empty());
  EXPECT_EQ(report.who_holds->matched.blocks, 0u);
}

TEST(HolderTree, FoldsWhatIsAlike) {
  Scene scene;
  const uint64_t table = scene.block(1, 8000);
  scene.points(kData + 0x100, table);
  for (uint64_t i = 0; i < 1000; ++i) {
    const uint64_t item = scene.block(2, 100);
    scene.points(table + 8 * i, item).points(item + 8, scene.block(3, 1000));
  }
  uint64_t before = kSp + 0x80;
  for (int i = 0; i < 1000; ++i) {  // a list
    const uint64_t next = scene.block(4, 64);
    scene.points(before, next).points(next + 16, scene.block(5, 10));
    before = next + 8;
  }
  scene.take();
  cli::ReportOptions options;
  options.holders = true;
  const model::Report report = scene.report(options);
  ASSERT_TRUE(report.holders.has_value());
  ASSERT_EQ(report.holders->size(), 2u);
  const model::Holder& global = report.holders->at(0);
  EXPECT_EQ(global.kind, HolderKind::kGlobal);
  EXPECT_EQ(global.retained_bytes, 1'108'000u);
  ASSERT_EQ(global.children.size(), 1u);
  ASSERT_EQ(global.children[0].children.size(), 1u);
  const model::Holder& items = global.children[0].children[0];
  EXPECT_EQ(items.count, 1000u);
  EXPECT_EQ(items.bytes, 100'000u);
  EXPECT_EQ(items.retained_bytes, 1'100'000u);
  ASSERT_EQ(items.children.size(), 1u);
  EXPECT_EQ(items.children[0].count, 1000u);
  const model::Holder& stack = report.holders->at(1);
  EXPECT_EQ(stack.kind, HolderKind::kStack);
  ASSERT_EQ(stack.children.size(), 1u);
  EXPECT_EQ(stack.children[0].count, 1000u);
  EXPECT_EQ(stack.children[0].bytes, 64'000u);
  EXPECT_EQ(stack.children[0].retained_bytes, 74'000u);
  ASSERT_EQ(stack.children[0].children.size(), 1u);
  EXPECT_EQ(stack.children[0].children[0].bytes, 10'000u);
}

}  // namespace
}  // namespace tidemark::holders
