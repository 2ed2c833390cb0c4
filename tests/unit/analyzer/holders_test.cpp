// What holds a block, what does not, and how that is shown.
#include <gtest/gtest.h>

#include "tests/unit/analyzer/holders_scene.h"

namespace tidemark::holders {
namespace {

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
