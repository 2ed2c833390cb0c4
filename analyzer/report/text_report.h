// A report for a terminal. The first five lines alone tell what happened; the rest is the evidence, largest first.
#pragma once

#include <cstddef>
#include <string>

#include "analyzer/model/report.h"

namespace tidemark::report {

struct TextOptions {
  size_t top = 10;  // stacks, threads and so on of each kind
};

std::string text_report(const model::Report& report, const TextOptions& options);

// "maxrss 91.9 MB is a high-water mark reached at 1.20 s; the process now holds 34.0 MB, of which 12.0 MB live." With
// the reason when this program did not reach it itself. Empty without process samples.
std::string max_rss_sentence(const model::Report& report);

}  // namespace tidemark::report
