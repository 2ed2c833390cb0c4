// Findings of unreachable memory: their parts, their cycles, and how sure it is that nothing holds them.
#include <gtest/gtest.h>

#include "tests/unit/analyzer/holders_scene.h"

namespace tidemark::holders {
namespace {

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
  EXPECT_NE(report.findings[0].verdict_class, VerdictClass::kTrueLeak);
  EXPECT_EQ(report.findings[1].blocks, 25u);
  EXPECT_EQ(report.findings[1].confidence, 0.6);                     // all at once, and most of the site's are held
  EXPECT_NE(report.verdict.verdict_class, VerdictClass::kTrueLeak);  // too small
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

}  // namespace
}  // namespace tidemark::holders
