// A report in which everything that heap snapshots show has a value, for the tests of JSON and text. Like the demos: a
// store held by a global variable, and requests whose objects hold each other.
#pragma once

#include "analyzer/model/report.h"

namespace tidemark::testing {

inline model::HeldBy held_by_global_store() {
  model::HeldBy held_by;
  held_by.kind = model::HolderKind::kGlobal;
  held_by.symbol = "global_store";
  held_by.offset = 0;
  held_by.field = "_M_start";
  held_by.module = "/opt/demos/leak";
  held_by.file = "/src/demos/leak.cpp";
  held_by.line = 12;
  const char* const string = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
  held_by.path = {{std::string(string) + "[]", 0x20, "_M_p"}, {string, 0, {}}};
  return held_by;
}

inline std::vector<model::CycleMember> transcriber_cycle() {
  return {{"ConversationTranscriber", 96, 0x18, "recognized"},
          {"EventSignal", 64, 0x30, "callbacks"},
          {"on_transcribed closure", 32, 0x10, {}}};
}

inline model::Report filled_report() {
  model::Report report;
  report.process.command = "demo";
  report.recording.mode = "full";
  report.memory.live_bytes_at_end = report.memory.peak_live_bytes = 200 << 20;
  report.memory.live_blocks_at_end = report.memory.peak_live_blocks = 1'001'070;
  report.verdict.headline = "memory is lost";
  report.frames.push_back({"make_request", "/src/demos/transcriber.cpp", 40, "/opt/demos/transcriber", 0x1234, false});
  report.frames.push_back({"fill_store", "/src/demos/leak.cpp", 30, "/opt/demos/leak", 0x2345, true});

  model::Finding& lost = report.findings.emplace_back();
  lost.verdict_class = model::VerdictClass::kTrueLeak;
  lost.kind = model::VerdictKind::kUnreachableCycle;
  lost.bytes = (80 << 20) + 2000;
  lost.blocks = 1030;
  lost.confidence = 0.9;
  lost.sites = 3;
  lost.summary = "One cycle is left behind at every request, and nothing leads to it any more.";
  lost.generations = {{0.5, 40 << 20, 500, 40 << 20, 500, 40 << 20, 500}, {2, 80 << 20, 1030, 40 << 20, 530, 0, 0}};
  lost.bound_bytes = 1 << 20;
  lost.evidence = {"unreachable at main's return and in 2 snapshots before"};
  lost.growth = {"linear", 1e9, 8.4e6};
  lost.stack.frames = {0};
  lost.cycle = transcriber_cycle();
  lost.direct_blocks = 1000;
  lost.direct_bytes = 2000;
  lost.indirect_blocks = 30;
  lost.indirect_bytes = 80 << 20;
  lost.copies = 10;
  lost.resurrected_blocks = 2;
  lost.keeps = {
      {"AudioBuffer", 10, 80'000'000}, {"Header", 1, 500}, {"A", 2, 40}, {"B", 2, 30}, {"C", 2, 20}, {"D", 1, 10}};
  model::Finding& held = report.findings.emplace_back();
  held.bytes = 56'000'000;
  held.blocks = 1'000'000;
  held.stack.frames = {1};
  held.held_by = held_by_global_store();

  model::Snapshot& growth = report.snapshots.emplace_back();
  growth.id = 1;
  growth.time_s = 1.5;
  growth.reason = model::SnapshotReason::kGrowth;
  growth.live_blocks = 500'000;
  growth.live_bytes = 30 << 20;
  model::Snapshot& last = report.snapshots.emplace_back();
  last.id = 2;
  last.time_s = 2.04;
  last.reason = model::SnapshotReason::kMainReturned;
  last.complete = true;
  last.outside = true;
  last.pause_s = 0.0008;
  last.duration_s = 0.25;
  last.threads = 4;
  last.half_read_threads = 1;
  last.live_blocks = 1'001'070;
  last.live_bytes = 200 << 20;
  last.reachability = model::Reachability{{1'000'030, 100 << 20}, {10, 20 << 20}, {1030, 80 << 20}};
  last.scanned_bytes = 300 << 20;
  last.swapped_bytes = 3 << 20;
  last.unreadable_bytes = 4096;
  model::Ledger& ledger = last.ledger.emplace();
  ledger.source = model::LedgerSource::kEndSnapshot;
  ledger.snapshot = 2;
  ledger.time_s = 2.04;
  ledger.rss_bytes = (300 << 20) + 8192;
  ledger.rows = {{model::LedgerKind::kLive, 180 << 20},
                 {model::LedgerKind::kPinnedPages, 70 << 20},
                 {model::LedgerKind::kFreePages, 50 << 20}};
  ledger.unexplained_bytes = 8192;
  ledger.live_absent_bytes = 19 << 20;
  ledger.live_swapped_bytes = 1 << 20;
  ledger.swapped_bytes = 3 << 20;
  ledger.pinned_pages = 20'000;
  ledger.pinning_sites = 40;
  ledger.pinned_by = {{7, 25'000, 1 << 20, 19'000, 60 << 20, report.findings[1].stack}};
  report.memory.ledger = ledger;
  report.memory.allocator_cached_bytes = ledger.allocator_cached_bytes();
  report.snapshots_skipped = {
      {model::SnapshotReason::kGrowth, model::SkipReason::kMemory, 2, "Cannot allocate memory"}};
  report.graph_snapshot = 2;

  model::Holder strings{
      "", model::HolderKind::kBlock, held_by_global_store().path[1].type, 1'000'000, 54 << 20, 54 << 20, {}, 0, {}};
  model::Holder few{"", model::HolderKind::kBlock, "Settings", 1, 100, 100, {}, 0, {}};
  model::Holder rest{"", model::HolderKind::kOthers, "", 7, 0, 1 << 20, {}, 0, {}};
  model::Holder array{"", model::HolderKind::kBlock, held_by_global_store().path[0].type, 1, 32 << 20, 87 << 20, {},
                      0,  {strings, few, rest}};
  model::Holder store{"global_store",
                      model::HolderKind::kGlobal,
                      "std::vector<Text, std::allocator<Text> >",
                      1,
                      0,
                      87 << 20,
                      "/src/demos/leak.cpp",
                      12,
                      {array}};
  model::Holder requests{"", model::HolderKind::kNone, "ConversationTranscriber", 10, 960, 80 << 20, {}, 0, {}};
  report.holders = std::vector<model::Holder>{store, requests};

  model::WhoHolds who_holds{"fill_store", {1'000'000, 54 << 20}, {}};
  who_holds.blocks.push_back({0x55d0c0a012c0, 999'999, 54 << 20, 7, report.findings[1].stack, held_by_global_store()});
  model::HeldBlocks& odd = who_holds.blocks.emplace_back();
  odd.address = 0x7f0000001000;
  odd.blocks = 1;
  odd.bytes = 32;
  odd.stack = report.findings[1].stack;
  odd.held_by.weak = true;
  odd.held_by.kind = model::HolderKind::kTls;
  odd.held_by.symbol = "cache";
  odd.held_by.thread = "worker (1234)";
  odd.held_by.path = {{"Node", 8, {}}, {"Node", 0, {}}};
  odd.held_by.elided = 1000;
  report.who_holds = std::move(who_holds);

  report.growth = {"linear", 144e9, 8.4e6};
  report.working_life = {0.1, 2.04, 200 << 20, 1'001'070};
  report.marks = {{"request 1", 0.5, 48 << 20, 600, 60 << 20, 70 << 20, 0, 0, 50 << 20, 700, 2 << 20, 100},
                  {"request 2", 1.5, 56 << 20, 700, {}, {}, 48 << 20, 600, 10 << 20, 300, 2 << 20, 200}};
  report.limits = {{"cgroup", 512 << 20, 290 << 20, 6.7}, {"data", 1 << 30, {}, {}}};
  return report;
}

}  // namespace tidemark::testing
