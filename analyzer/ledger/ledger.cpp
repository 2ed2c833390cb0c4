#include "analyzer/ledger/ledger.h"

#include <algorithm>
#include <utility>

#include "analyzer/ledger/address_map.h"
#include "analyzer/ledger/page_account.h"
#include "analyzer/replay/picture.h"

namespace tidemark::ledger {
namespace {

using model::LedgerKind;
using replay::CutBlock;
using replay::CutHeap;
using replay::Recording;

void learn(const std::vector<CutBlock>& blocks, SizeClasses& classes) {
  for (size_t i = 0; i + 1 < blocks.size(); ++i) {
    // One in flight may be a realloc's older place.
    if (blocks[i].in_flight != 0 || blocks[i + 1].in_flight != 0) continue;
    classes.learn(blocks[i].size, blocks[i + 1].address - blocks[i].address);
  }
  classes.settle();
}

// Without pages: what the kernel counts by kind, and what live blocks take at most.
model::Ledger of_sample(const Recording& recording, const replay::ProcessSample& sample) {
  model::Ledger ledger;
  ledger.time_s = recording.clock.seconds(sample.time);
  ledger.rss_bytes = sample.rss;
  // The trace's pages are file pages to the kernel (on tmpfs shared ones), and the recorder's here.
  uint64_t files = sample.rss_file, shared = sample.rss_shmem;
  uint64_t trace = sample.recorder_trace_bytes;
  const uint64_t in_files = std::min(files, trace);
  files -= in_files;
  trace -= in_files;
  shared -= std::min(shared, trace);
  uint64_t sum = 0;
  for (const model::LedgerRow& row : {model::LedgerRow{LedgerKind::kLive, recording.end.live_bytes},
                                      {LedgerKind::kMappedFiles, files},
                                      {LedgerKind::kSharedMemory, shared},
                                      {LedgerKind::kRecorder, sample.recorder_bytes}}) {
    sum += row.bytes;
    if (row.bytes != 0) ledger.rows.push_back(row);
  }
  ledger.unexplained_bytes = static_cast<int64_t>(sample.rss - sum);
  return ledger;
}

// How much was there of chunks of the trace that were being made present: pages of files that the kernel counts, beyond
// those that the picture saw.
uint64_t claimed_present(const trace::PictureEndRecord& end, uint64_t seen) {
  const uint64_t files = end.rss_file + end.rss_shmem;
  const uint64_t known = std::min(files, seen) + std::min(files - std::min(files, seen), end.trace_bytes);
  return std::min(end.trace_claimed, files - known);
}

// When the highest resident set was reached, but for the last percent (which may come much later, and means nothing),
// and how much was live at most since the sample before.
void fill_high_water(const Recording& recording, model::Memory& memory) {
  const uint64_t enough = recording.samples.max_rss - recording.samples.max_rss / 100;
  for (const replay::HighWaterStep& step : recording.samples.steps) {
    if (step.max_rss < enough) continue;
    const uint64_t start = recording.header.start_ticks;
    const uint64_t from = step.after > start ? step.after - start : 0, to = step.time > start ? step.time - start : 0;
    const replay::Timeline& timeline = recording.timeline;
    uint64_t live = 0;
    for (size_t i = 0; i < timeline.count() && timeline.begin_of(i) <= to; ++i) {
      if (i + 1 < timeline.count() && timeline.begin_of(i + 1) <= from) continue;
      live = std::max(live, timeline.slice(i).most_live_bytes);
    }
    memory.max_rss_time_s = std::max(0.0, recording.clock.seconds(step.time));
    memory.max_rss_live_bytes = live;
    return;
  }
}

}  // namespace

void Ledgers::add(const CutHeap& cut) {
  const trace::PictureEndRecord& end = cut.picture.head.end;
  // A recorder before this measurement, or /proc that cannot be read.
  if (end.rss == 0 || cut.file.header().page_bytes != 4096) return;
  learn(cut.blocks, classes_);
  PageAccount account(cut.blocks, classes_, cut.heap.used_pages(), cut.forked);
  account.add(LedgerKind::kRecorder, end.trace_bytes);
  account.run(map_addresses(cut), replay::read_pages(cut.file, cut.picture.head));
  account.add(LedgerKind::kRecorder, claimed_present(end, account.file_bytes()));
  model::Ledger& ledger = ledgers_[cut.picture.head.id];
  ledger = {};
  ledger.source = model::LedgerSource::kSnapshot;
  ledger.snapshot = cut.picture.head.id;
  ledger.rss_bytes = end.rss;
  account.fill(ledger);
}

void Ledgers::finish(const Recording& recording, model::Report& report) {
  model::Memory& memory = report.memory;
  fill_high_water(recording, memory);
  if (recording.samples.at_end) {
    const replay::ProcessSample& sample = *recording.samples.at_end;
    memory.rss_bytes_at_end = sample.rss;
    // Samples from outside do not know what the recorder holds.
    if (sample.recorder_bytes != 0) memory.recorder_bytes_at_end = sample.recorder_bytes;
    memory.ledger = of_sample(recording, sample);
  }
  for (model::Snapshot& snapshot : report.snapshots) {
    const auto found = ledgers_.find(snapshot.id);
    if (found == ledgers_.end()) continue;
    found->second.time_s = snapshot.time_s;
    const bool at_end =
        snapshot.reason == model::SnapshotReason::kMainReturned || snapshot.reason == model::SnapshotReason::kExit;
    if (at_end) found->second.source = model::LedgerSource::kEndSnapshot;
    snapshot.ledger = found->second;
    // A snapshot may see more than any sample did.
    if (memory.max_rss_bytes.value_or(UINT64_MAX) < found->second.rss_bytes) {
      memory.max_rss_bytes = found->second.rss_bytes;
      memory.max_rss_time_s = snapshot.time_s;
      memory.max_rss_live_bytes = snapshot.live_bytes;
    }
    // The end is the first moment that is called so; teardown follows.
    if (memory.ledger && memory.ledger->source == model::LedgerSource::kEndSnapshot) continue;
    memory.ledger = found->second;
    if (!at_end) continue;
    memory.rss_bytes_at_end = found->second.rss_bytes;
    memory.recorder_bytes_at_end = found->second.bytes(LedgerKind::kRecorder);
  }
  if (memory.ledger) memory.allocator_cached_bytes = memory.ledger->allocator_cached_bytes();
}

}  // namespace tidemark::ledger
