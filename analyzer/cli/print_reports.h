// Reads traces and prints their reports: one trace as one report, several as a tree.
#pragma once

#include <cstddef>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/base/result.h"
#include "analyzer/cli/options.h"

namespace tidemark::cli {

struct PrintOptions {
  Format format = Format::kText;
  bool as_tree = false;  // even if there is one trace only
  std::optional<size_t> top;
  bool holders = false;
  std::optional<model::WhoHoldsQuery> who_holds;
  std::vector<model::Bound> bounds;
};

// Prints to the file that `open` gives; it is called once, when the first trace has been read, so that a failure leaves
// an older output as it was. Returns false when something could not be read or written (complained of on stderr).
bool print_reports(const std::vector<std::string>& traces, const PrintOptions& options,
                   const std::function<Result<std::FILE*>()>& open);

}  // namespace tidemark::cli
