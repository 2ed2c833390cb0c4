// One trace to one report: wires replay, ledger, classify and symbols together.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/base/result.h"
#include "analyzer/model/report.h"
#include "analyzer/symbols/module_symbols.h"

namespace tidemark::cli {

struct ReportOptions {
  std::optional<size_t> top;  // findings and peak stacks; empty: all findings, kPeakStacks peak stacks
  size_t resolve = SIZE_MAX;  // findings whose stacks are resolved: what will be shown
  bool progress = true;       // a bar on stderr, if that is a terminal
  bool holders = false;       // fill in Report::holders
  std::optional<model::WhoHoldsQuery> who_holds;  // fill in Report::who_holds
  std::vector<model::Bound> bounds;               // that the user declares; the first that matches a site counts
};

inline constexpr size_t kPeakStacks = 20;

struct MadeReport {
  model::Report report;
  std::vector<std::string> warnings;  // for stderr: what in the trace is damaged, which symbols are missing
};

// `store` keeps modules open between reports.
Result<MadeReport> make_report(const std::string& trace_path, const ReportOptions& options,
                               symbols::SymbolStore& store);

}  // namespace tidemark::cli
