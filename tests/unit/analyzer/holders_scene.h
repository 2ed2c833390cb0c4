// Scenes for tests of what holds a block: a trace with a picture, from which a report is made. Every scene has an
// executable with data, a heap of glibc's, and a main thread with a stack.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/cli/make_report.h"
#include "analyzer/holders/holders.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::holders {
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

inline constexpr uint64_t kStart = TraceBuilder::kStartTicks;
inline constexpr uint64_t kSecond = TraceBuilder::kTicksPerSecond;
inline constexpr uint64_t kData = 0x500000, kDataEnd = 0x510000;
inline constexpr uint64_t kLibcData = 0x7f00'0010'0000, kLibcDataEnd = 0x7f00'0011'0000;
inline constexpr uint64_t kLoaderCode = 0x7f00'0030'0000;
inline constexpr uint64_t kHeap = 0x1000'0000, kHeapEnd = 0x1100'0000;
inline constexpr uint64_t kUnknown = 0x7f10'0000'0000, kUnknownEnd = 0x7f10'0010'0000;
inline constexpr uint64_t kThreadStack = 0x7f20'0000'0000, kThreadStackEnd = 0x7f20'0010'0000;
inline constexpr uint64_t kStack = 0x7ffd'0000'0000, kStackEnd = 0x7ffd'0010'0000, kSp = 0x7ffd'000f'0000;
inline constexpr uint64_t kMapping = 0x7f40'0000'0000;
inline constexpr uint64_t kReadWrite = RegionRecord::kRead | RegionRecord::kWrite | RegionRecord::kScanned;
inline constexpr uint32_t kPid = 4'000'000;

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

  static inline constexpr uint32_t kLoaderSite = 20;

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

inline std::vector<Finding> leaks(const model::Report& report) {
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
inline Outcome outcome(const model::Report& report) {
  if (!leaks(report).empty()) return {true, HolderKind::kNone, false, {}};
  EXPECT_EQ(report.findings.size(), 1u);
  const model::HeldBy& held = report.findings.at(0).held_by;
  return {false, held.kind, held.weak, held.thread};
}
inline Outcome pointed_to_from(uint64_t source, int64_t offset = 0, Scene scene = {}) {
  const uint64_t block = scene.block(1, 4096);
  scene.points(source, block + static_cast<uint64_t>(offset)).take();
  return outcome(scene.report());
}

inline bool says(const Finding& finding, const std::string& text) {
  return std::any_of(finding.evidence.begin(), finding.evidence.end(),
                     [&](const std::string& one) { return one.find(text) != std::string::npos; });
}

}  // namespace tidemark::holders
