// Replay against a model that is too simple to be wrong: random events on several streams, with times thinned as the
// recorder thins them.
#include "analyzer/replay/replay.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::replay {
namespace {

using testing::StreamBuilder;
using testing::TemporaryFolder;
using testing::TraceBuilder;

constexpr uint64_t kStart = TraceBuilder::kStartTicks;

Recording replay_of(TraceBuilder& trace) {
  const TemporaryFolder folder;
  const std::string path = folder.file("trace");
  trace.write(path);
  const Result<TraceFile> file = TraceFile::open(path);
  EXPECT_TRUE(file.ok()) << (file ? "" : file.error().text);
  return replay(*file, {});
}

// Live bytes by node, and everything that the totals say, the slow way.
struct Model {
  struct Block {
    uint64_t size;
    uint32_t node, thread;
  };
  std::map<uint64_t, Block> live;
  HeapTotals totals;
  std::map<uint32_t, uint64_t> peak_by_node;
  std::map<uint32_t, uint64_t> last_allocation;  // by thread
  std::map<uint32_t, uint64_t> allocations_by_thread, frees_by_thread, bytes_by_thread;

  std::map<uint32_t, uint64_t> by_node() const {
    std::map<uint32_t, uint64_t> bytes;
    for (const auto& [address, block] : live) bytes[block.node] += block.size;
    return bytes;
  }
  void erase(uint64_t address) {
    totals.live_bytes -= live[address].size;
    --totals.live_blocks;
    live.erase(address);
  }
  void allocate(uint64_t time, uint64_t address, uint64_t size, uint32_t node, uint32_t thread) {
    if (live.count(address) != 0) {
      ++totals.overwritten;
      erase(address);
    }
    live[address] = {size, node, thread};
    ++totals.allocations;
    totals.allocated_bytes += size;
    totals.live_bytes += size;
    ++totals.live_blocks;
    ++allocations_by_thread[thread];
    bytes_by_thread[thread] += size;
    last_allocation[thread] = address;
    if (totals.live_bytes > totals.peak_bytes) {
      totals.peak_bytes = totals.live_bytes;
      totals.peak_blocks = totals.live_blocks;
      totals.peak_time = time;
      peak_by_node = by_node();
    }
  }
  void free(uint64_t address, uint32_t thread, bool by_realloc) {
    if (live.count(address) == 0) {
      ++totals.unknown_frees;
      return;
    }
    if (!by_realloc && last_allocation[thread] == address && live[address].thread == thread) ++totals.temporary;
    if (last_allocation[thread] == address) last_allocation[thread] = 0;
    ++totals.frees;
    totals.freed_bytes += live[address].size;
    ++frees_by_thread[thread];
    erase(address);
  }
};

void expect_equal(const Recording& recording, const Model& model) {
  EXPECT_EQ(recording.totals.live_bytes, model.totals.live_bytes);
  EXPECT_EQ(recording.totals.live_blocks, model.totals.live_blocks);
  EXPECT_EQ(recording.totals.peak_bytes, model.totals.peak_bytes);
  EXPECT_EQ(recording.totals.peak_blocks, model.totals.peak_blocks);
  EXPECT_EQ(recording.totals.peak_time, model.totals.peak_time);
  EXPECT_EQ(recording.totals.allocations, model.totals.allocations);
  EXPECT_EQ(recording.totals.allocated_bytes, model.totals.allocated_bytes);
  EXPECT_EQ(recording.totals.frees, model.totals.frees);
  EXPECT_EQ(recording.totals.freed_bytes, model.totals.freed_bytes);
  EXPECT_EQ(recording.totals.temporary, model.totals.temporary);
  EXPECT_EQ(recording.totals.unknown_frees, model.totals.unknown_frees);
  EXPECT_EQ(recording.totals.overwritten, model.totals.overwritten);
  const auto live = model.by_node();
  for (uint32_t id = 0; id < recording.tree.size(); ++id) {
    SCOPED_TRACE(id);
    const auto now = live.find(id);
    EXPECT_EQ(recording.tree.totals(id).live_bytes, now == live.end() ? 0 : now->second);
    const auto peak = model.peak_by_node.find(id);
    EXPECT_EQ(recording.tree.totals(id).at_peak_bytes, peak == model.peak_by_node.end() ? 0 : peak->second);
  }
  for (const ThreadTotals& thread : recording.threads) {
    if (thread.serial == 0) continue;
    const auto serial = static_cast<uint32_t>(thread.serial);
    const auto of = [&](const auto& map) { return map.count(serial) != 0 ? map.at(serial) : 0; };
    EXPECT_EQ(thread.allocations, of(model.allocations_by_thread));
    EXPECT_EQ(thread.frees, of(model.frees_by_thread));
    EXPECT_EQ(thread.allocated_bytes, of(model.bytes_by_thread));
  }
}

class RandomReplay : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomReplay, AgreesWithTheModel) {
  std::mt19937_64 random(GetParam());
  const uint32_t streams = 1 + static_cast<uint32_t>(random() % 5);
  const uint32_t nodes = 1 + static_cast<uint32_t>(random() % 40);
  TraceBuilder trace;
  Model model;
  for (uint32_t i = 0; i < streams; ++i)
    trace.stream(i, trace::kChunkAlignment * (1 + i)).thread(i + 1, 100 + i, "worker");
  for (uint32_t id = 1; id <= nodes; ++id) trace.stream(0).node(id, static_cast<uint32_t>(random() % id), 0x1000 + id);

  uint64_t time = kStart + 1000, last_stamp = 0;
  uint32_t last_stream = UINT32_MAX;
  uint64_t bias = random() % 3;  // grow, stay, shrink
  for (int i = 0; i < 20'000; ++i) {
    if (i % 4000 == 0) bias = random() % 3;
    const auto stream = static_cast<uint32_t>(random() % streams);
    time += 1 + trace::kOrderSlackTicks + random() % 50;  // far enough apart that no order is mended
    // An event right behind one of the same stream needs no time: it takes the one before.
    const bool timed = stream != last_stream || random() % 2 == 0;
    last_stream = stream;
    const uint64_t stamp = timed ? time : 0;
    if (timed) last_stamp = time;
    StreamBuilder& to = trace.stream(stream);
    const auto node = 1 + static_cast<uint32_t>(random() % nodes);
    const uint64_t size = random() % 20 == 0 ? random() % 10'000'000 : random() % 300;
    uint64_t fresh =
        0x5500'0000'0000 + (random() % 6000) * (random() % 50 == 0 ? 8 : 16) + (random() % 500 == 0 ? 1 : 0);
    const bool may_overwrite = random() % 100 == 0;
    while (!may_overwrite && model.live.count(fresh) != 0) fresh += 16;
    const auto pick = [&]() -> uint64_t {
      if (model.live.empty() || random() % 50 == 0) return 0x7700'0000'0000 + (random() % 1000) * 16;
      auto at = model.live.lower_bound(0x5500'0000'0000 + (random() % 6000) * 16);
      return at == model.live.end() ? model.live.begin()->first : at->first;
    };
    const uint64_t choice = random() % 10;
    if (choice < 4 + bias) {
      to.alloc(stamp, fresh, size, node);
      model.allocate(last_stamp, fresh, size, node, stream + 1);
    } else if (choice < 9) {
      // Half of the time at once what was allocated last, so that there are temporary blocks.
      const uint64_t last = model.last_allocation[stream + 1];
      const uint64_t address = last != 0 && random() % 2 == 0 ? last : pick();
      to.free(stamp, address);
      model.free(address, stream + 1, false);
    } else {
      const uint64_t old = pick();
      const uint64_t address = random() % 3 == 0 ? old : fresh;
      uint64_t after = 0;
      if (timed) last_stamp = after = (time += 1 + trace::kOrderSlackTicks);
      to.realloc(stamp, after, old, address, size, node);
      model.free(old, stream + 1, true);
      model.allocate(last_stamp, address, size, node, stream + 1);
    }
  }
  expect_equal(replay_of(trace), model);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomReplay, ::testing::Range(0u, 30u));

TEST(Replay, AReallocSpansOtherThreadsEvents) {
  // Thread 1 moves a block away from A; while its realloc runs, thread 2 gets the address A.
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "one").node(1, 0, 0x1000).alloc(kStart + 10, 0xa000, 100, 1);
  trace.stream(1).thread(2, 2, "two").alloc(kStart + 25, 0xa000, 7, 1);
  trace.stream(0).realloc(kStart + 20, kStart + 30, 0xa000, 0xb000, 200, 1);
  const Recording recording = replay_of(trace);
  EXPECT_EQ(recording.totals.overwritten, 0u);
  EXPECT_EQ(recording.totals.live_bytes, 207u);
  EXPECT_EQ(recording.totals.frees, 1u);
  EXPECT_EQ(recording.totals.allocations, 3u);
}

TEST(Replay, AFreeJustBeforeItsAllocationInAnotherStreamBelongsToIt) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "one").node(1, 0, 0x1000).alloc(kStart + 100, 0xa000, 100, 1);
  trace.stream(1).thread(2, 2, "two").free(kStart + 90, 0xa000).free(kStart + 95, 0xb000);
  trace.stream(0).alloc(kStart + 1000, 0xb000, 7, 1);  // too late to belong to the free of 0xb000
  const Recording recording = replay_of(trace);
  EXPECT_EQ(recording.totals.live_bytes, 7u);
  EXPECT_EQ(recording.totals.frees, 1u);
  EXPECT_EQ(recording.totals.unknown_frees, 1u);
  EXPECT_EQ(recording.totals.peak_bytes, 100u);
  EXPECT_EQ(recording.threads[recording.threads[1].serial == 2 ? 1 : 2].frees, 1u);
}

TEST(Replay, AnAllocationJustBeforeTheFreeOfTheBlockThatWasThereComesAfterIt) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "one").node(1, 0, 0x1000).node(2, 0, 0x2000).alloc(kStart + 10, 0xa000, 100, 1);
  trace.stream(1).thread(2, 2, "two").alloc(kStart + 90, 0xa000, 7, 2);
  trace.stream(0).free(kStart + 100, 0xa000);
  const Recording recording = replay_of(trace);
  EXPECT_EQ(recording.totals.live_bytes, 7u);
  EXPECT_EQ(recording.tree.totals(2).live_bytes, 7u);
  EXPECT_EQ(recording.totals.overwritten, 0u);
  EXPECT_EQ(recording.totals.frees, 1u);
  EXPECT_EQ(recording.totals.freed_bytes, 100u);
}

TEST(Replay, AStreamsOwnOrderIsNeverMended) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "one").node(1, 0, 0x1000).free(kStart + 90, 0xa000).alloc(kStart + 100, 0xa000, 100, 1);
  trace.stream(0).alloc(kStart + 200, 0xb000, 1, 1).alloc(kStart + 210, 0xb000, 2, 1).free(kStart + 220, 0xb000);
  const Recording recording = replay_of(trace);
  EXPECT_EQ(recording.totals.live_bytes, 100u);
  EXPECT_EQ(recording.totals.unknown_frees, 1u);
  EXPECT_EQ(recording.totals.overwritten, 1u);
  EXPECT_EQ(recording.totals.frees, 1u);
}

TEST(Replay, ReallocOfAnUnknownBlockCountsItsAllocation) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "one").node(1, 0, 0x1000).realloc(kStart + 20, kStart + 30, 0xa000, 0xb000, 200, 1);
  const Recording recording = replay_of(trace);
  EXPECT_EQ(recording.totals.allocations, 1u);
  EXPECT_EQ(recording.totals.frees, 0u);
  EXPECT_EQ(recording.totals.unknown_frees, 1u);
}

TEST(Replay, TheEndIsTheFirstLifeEnd) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000).node(2, 0, 0x2000);
  trace.stream(0).alloc(kStart + 10, 0xa000, 100, 1).alloc(kStart + 20, 0xb000, 50, 2);
  trace.stream(0).life_end(kStart + 30).free(kStart + 40, 0xa000).life_end(kStart + 50).free(kStart + 60, 0xb000);
  const Recording recording = replay_of(trace);
  EXPECT_TRUE(recording.life_end_seen);
  EXPECT_EQ(recording.end.time, kStart + 30);
  EXPECT_EQ(recording.end.live_bytes, 150u);
  EXPECT_EQ(recording.end.live_blocks, 2u);
  EXPECT_EQ(recording.end.sites[1].bytes, 100u);
  EXPECT_EQ(recording.end.sites[2].blocks, 1u);
  EXPECT_EQ(recording.totals.freed_bytes - recording.end.freed_bytes, 150u);
  EXPECT_EQ(recording.totals.live_bytes, 0u);
  EXPECT_EQ(recording.totals.peak_bytes, 150u);
}

TEST(Replay, MarksHoldTheExactLiveBytesAndTheNearestSample) {
  TraceBuilder trace;
  trace::SampleRecord early, late;
  early.monotonic_ns = 5'000'000'100;
  early.rss = 1000;
  early.max_rss = 1000;
  late = early;
  late.rss = 2000;
  late.max_rss = 3000;
  trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000);
  trace.stream(0).record(kStart + 10, early).alloc(kStart + 20, 0xa000, 100, 1).mark(kStart + 90, "near the second");
  trace.stream(0).free(kStart + 95, 0xa000).record(kStart + 100, late).mark(kStart + 101, "behind it");
  const Recording recording = replay_of(trace);
  ASSERT_EQ(recording.marks.size(), 2u);
  EXPECT_EQ(recording.marks[0].text, "near the second");
  EXPECT_EQ(recording.marks[0].live_bytes, 100u);
  EXPECT_EQ(recording.marks[0].sample->rss, 2000u);
  EXPECT_EQ(recording.marks[1].live_bytes, 0u);
  EXPECT_EQ(recording.marks[1].max_rss, 3000u);
  EXPECT_EQ(recording.marks[1].allocations, 1u);
  EXPECT_EQ(recording.marks[1].allocated_bytes, 100u);
  EXPECT_EQ(recording.samples.max_rss, 3000u);
  EXPECT_EQ(recording.samples.max_rss_time, kStart + 100);
}

TEST(Replay, ANodeMayBeUsedBeforeItsDefinitionIsMet) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "main").alloc(kStart + 10, 0xa000, 100, 5);
  trace.stream(1).thread(2, 2, "other").alloc(kStart + 20, 0xb000, 1, 0).node(5, 0, 0x4242);
  const Recording recording = replay_of(trace);
  EXPECT_EQ(recording.tree.node(5).pc, 0x4242u);
  EXPECT_EQ(recording.tree.totals(5).live_bytes, 100u);
}

TEST(Replay, ANodeIdOutOfAllProportionClaimsNoMemory) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "main").alloc(kStart + 10, 0xa000, 100, UINT32_MAX);
  const Recording recording = replay_of(trace);
  EXPECT_LT(recording.tree.size(), 10u);
  EXPECT_EQ(recording.totals.live_bytes, 100u);
  EXPECT_FALSE(recording.damage.empty());
}

TEST(Replay, CodeKeepsItsModuleAfterUnloadAndReuse) {
  TraceBuilder trace;
  StreamBuilder& stream = trace.stream(0).thread(1, 1, "main");
  stream.module(kStart + 1, 0, 0x10000, 0x20000, 0x10000, "/lib/first.so")
      .node(1, 0, 0x10100)
      .alloc(kStart + 2, 0xa000, 1, 1);
  trace::ModuleUnloadRecord unload;
  unload.index = 0;
  stream.record(kStart + 3, unload).module(kStart + 4, 1, 0x18000, 0x28000, 0x18000, "/lib/second.so");
  stream.node(2, 0, 0x18100).alloc(kStart + 5, 0xb000, 1, 2).node(3, 0, 0x99999).alloc(kStart + 6, 0xc000, 1, 3);
  stream.module(kStart + 7, 2, 0x90000, 0xa0000, 0x90000, "/lib/late.so");
  const Recording recording = replay_of(trace);
  ASSERT_EQ(recording.modules.size(), 3u);
  EXPECT_EQ(recording.modules[recording.tree.node(1).module].path, "/lib/first.so");
  EXPECT_EQ(recording.modules[recording.tree.node(2).module].path, "/lib/second.so");
  EXPECT_EQ(recording.modules[recording.tree.node(3).module].path, "/lib/late.so");
  EXPECT_EQ(recording.modules[0].unloaded, kStart + 3);
}

TEST(Replay, CutStacksAreCountedByReason) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "main").node(1, 0, trace::kCutNoUnwindInfo).node(2, 1, 0x1000).node(3, 2, 0x2000);
  trace.stream(0)
      .alloc(kStart + 1, 0xa000, 1, 3)
      .alloc(kStart + 2, 0xb000, 1, 2)
      .node(4, 0, 0x3000)
      .alloc(kStart + 3, 0xc000, 1, 4);
  const Recording recording = replay_of(trace);
  EXPECT_EQ(recording.cut_stacks[trace::kCutNoUnwindInfo], 2u);
  EXPECT_EQ(recording.cut_stacks[trace::kCutUnreadable], 0u);
}

TEST(Replay, ProgramMapsAreCountedApart) {
  TraceBuilder trace;
  trace::MapRecord map;
  map.address = 0x10000;
  map.size = 0x4001;
  trace::UnmapRecord unmap;
  unmap.address = 0x11000;
  unmap.size = 0x1000;
  trace::RemapRecord remap;
  remap.old_address = 0x12000;
  remap.old_size = 0x3000;
  remap.new_address = 0x50000;
  remap.new_size = 0x10000;
  trace.stream(0).thread(1, 1, "main").record(kStart + 1, map).record(kStart + 2, unmap).record(kStart + 3, remap);
  const Recording recording = replay_of(trace);
  EXPECT_EQ(recording.program_map_count, 1u);
  EXPECT_EQ(recording.end.program_map_bytes, 0x11000u);
  EXPECT_EQ(recording.totals.live_bytes, 0u);
}

TEST(Replay, UntilLeavesLaterEventsOut) {
  TraceBuilder trace;
  trace.stream(0)
      .thread(1, 1, "main")
      .node(1, 0, 0x1000)
      .alloc(kStart + 10, 0xa000, 100, 1)
      .alloc(kStart + 20, 0xb000, 100, 1);
  const TemporaryFolder folder;
  trace.write(folder.file("trace"));
  const Result<TraceFile> file = TraceFile::open(folder.file("trace"));
  ASSERT_TRUE(file.ok());
  ReplayOptions options;
  options.until_ticks = kStart + 15;
  EXPECT_EQ(replay(*file, options).totals.live_bytes, 100u);
}

TEST(Replay, ChunksOfZerosAreSteppedOver) {
  TraceBuilder trace;
  trace.stream(0).thread(1, 1, "main").node(1, 0, 0x1000).alloc(kStart + 10, 0xa000, 100, 1);
  std::vector<uint8_t> bytes = trace.bytes();
  const std::vector<uint8_t> chunk(bytes.begin() + trace::kHeaderBytes, bytes.end());
  bytes.insert(bytes.begin() + trace::kHeaderBytes, 3 * trace::kChunkAlignment, 0);  // claimed, never begun
  const uint64_t claimed = bytes.size();
  std::memcpy(bytes.data() + offsetof(trace::FileHeader, claimed_bytes), &claimed, sizeof(claimed));
  const TemporaryFolder folder;
  testing::write_file(folder.file("trace"), bytes);
  const Result<TraceFile> file = TraceFile::open(folder.file("trace"));
  ASSERT_TRUE(file.ok());
  const Recording recording = replay(*file, {});
  EXPECT_EQ(recording.totals.live_bytes, 100u);
  EXPECT_TRUE(recording.damage.empty());
}

}  // namespace
}  // namespace tidemark::replay
