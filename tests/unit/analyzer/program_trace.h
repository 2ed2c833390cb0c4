// The trace of a program that works in rounds, for tests of the classification: sites, blocks, marks, and what is
// judged of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/classify/classify.h"
#include "analyzer/cli/report_parts.h"
#include "analyzer/replay/replay.h"
#include "tests/unit/analyzer/trace_builder.h"

namespace tidemark::testing {

class ProgramTrace {
 public:
  static constexpr uint64_t kRoundTicks = TraceBuilder::kTicksPerSecond / 100;

  ProgramTrace() : events_(trace_.stream(0)) {
    events_.thread(1, 1, "main");
    work_ = site();
    main_ = site();
  }

  // A call-tree node below `caller`; 0: a caller of its own, which it shares with no other site.
  uint32_t site(uint32_t caller = 0) {
    const uint32_t id = ++nodes_;
    events_.node(id, caller, 0x1000 + id * 0x10);
    return id;
  }

  uint64_t allocate(uint32_t site, uint64_t size) {
    const uint64_t address = next_address_;
    next_address_ += (size + 4095) / 4096 * 4096;
    events_.alloc(++time_, address, size, site);
    return address;
  }
  void free(uint64_t address) { events_.free(++time_, address); }
  void free_all(std::vector<uint64_t>& blocks) {
    for (const uint64_t block : blocks) free(block);
    blocks.clear();
  }
  uint64_t reallocate(uint64_t old, uint32_t site, uint64_t size) {
    const uint64_t address = next_address_;
    next_address_ += (size + 4095) / 4096 * 4096;
    events_.realloc(time_ + 1, time_ + 2, old, address, size, site);
    time_ += 2;
    return address;
  }

  // The end of a round: ordinary work that leaves nothing, and time.
  void round() {
    for (int i = 0; i < 20; ++i) free(allocate(work_, 100));
    time_ += kRoundTicks;
  }
  void rounds(int count) {
    for (int i = 0; i < count; ++i) round();
  }
  void mark() { events_.mark(++time_, "mark"); }
  // Start-up: something small that stays, then rounds.
  void start() {
    allocate(main_, 2000);
    rounds(20);
  }
  void end_life() { events_.life_end(++time_); }

  TraceBuilder& trace() noexcept { return trace_; }

  // Of the first `bytes` of the file.
  replay::Recording recording(size_t bytes = SIZE_MAX) {
    const TemporaryFolder folder;
    std::vector<uint8_t> all = trace_.bytes();
    if (bytes < all.size()) all.resize(bytes);
    write_file(folder.file("trace"), all);
    const Result<replay::TraceFile> file = replay::TraceFile::open(folder.file("trace"));
    EXPECT_TRUE(file.ok());
    return replay::replay(*file, {});
  }

 private:
  TraceBuilder trace_;
  StreamBuilder& events_;
  uint64_t time_ = TraceBuilder::kStartTicks;
  uint64_t next_address_ = 0x10000000;
  uint32_t nodes_ = 0, work_ = 0, main_ = 0;
};

struct Judged {
  replay::Recording recording;
  model::Memory memory;
  classify::Findings findings;
  model::Verdict verdict;

  // The finding that shows `site`; one of its own class and no bytes if there is none.
  const model::Finding& at(uint32_t site) const {
    static const model::Finding none = [] {
      model::Finding finding;
      finding.summary = "there is no such finding";
      return finding;
    }();
    for (const classify::Found& found : findings.found) {
      if (found.finding.site == site && found.finding.folded_sites == 0) return found.finding;
    }
    return none;
  }
};

// Everything is reachable, if not told otherwise.
inline classify::Context with_graph() {
  classify::Context context;
  context.graph = true;
  return context;
}

inline Judged judged(replay::Recording recording, const classify::Context& context = with_graph()) {
  Judged all{std::move(recording), {}, {}, {}};
  cli::fill_memory(all.recording, all.memory);
  all.findings = classify::find(all.recording, all.memory, context);
  all.verdict = classify::judge(all.recording, all.memory, all.findings);
  return all;
}

inline std::string name_of(model::VerdictClass verdict_class, model::VerdictKind kind) {
  const char* const text = model::name(kind);
  return model::name(verdict_class) + (text == nullptr ? std::string() : std::string("/") + text);
}
inline std::string name_of(const model::Finding& finding) { return name_of(finding.verdict_class, finding.kind); }
inline std::string name_of(const model::Verdict& verdict) { return name_of(verdict.verdict_class, verdict.kind); }

}  // namespace tidemark::testing
