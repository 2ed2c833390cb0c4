// What a unit's evidence says: class, kind, confidence, and why. The rules in order, with their constants and what they
// were calibrated on: docs/verdicts.md. No name, path or text of the program is looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyzer/classify/history.h"
#include "analyzer/classify/life.h"
#include "analyzer/classify/trend.h"
#include "analyzer/model/report.h"
#include "analyzer/replay/recording.h"

namespace tidemark::classify {

// Of one or more sites.
struct Evidence {
  explicit Evidence(size_t slices) : history(slices) {}

  History history;
  double floor = 0;          // bytes that are too few to speak of a trend
  model::BlockSum held;      // when the working life ends
  uint64_t weak_bytes = 0;   // of these, held only by what proves little
  bool graph = false;        // a heap snapshot shows that the rest is reachable
  uint64_t first_birth = 0;  // ticks
  uint64_t allocations = 0;
  uint64_t resurrected_blocks = 0;  // called unreachable in a snapshot, and freed later
  std::optional<uint64_t> bound_bytes;
};

struct Judgement {
  model::VerdictClass verdict_class = model::VerdictClass::kUndecided;
  model::VerdictKind kind = model::VerdictKind::kNone;
  double confidence = 0;
  std::string summary;
  std::vector<std::string> evidence;
  model::Growth growth;
  FoundTrend trend;
};

class Rules {
 public:
  // Both must outlive this.
  Rules(const replay::Recording& recording, const Life& life);

  Judgement judge(const Evidence& evidence) const;
  // Trend and growth alone, of memory whose class is known.
  Judgement describe(const Evidence& evidence) const;
  std::vector<model::GenerationSlice> generations(const History& history) const;

 private:
  struct Facts;
  Facts find_facts(const Evidence& evidence) const;
  void add_growth_facts(const History& history, const FoundTrend& trend, Facts& facts) const;
  void judge_growing(const Evidence& evidence, const Facts& facts, Judgement& judgement) const;
  void judge_held(const Evidence& evidence, const Facts& facts, Judgement& judgement) const;
  bool stood_still(std::span<const double> live) const;
  bool rises_late(const History& history) const;
  void add_growth(const Evidence& evidence, Judgement& judgement) const;

  std::string when(size_t slice) const;  // "0.52 s", of a slice's end

  const replay::Recording& recording_;
  const Life& life_;
};

}  // namespace tidemark::classify
