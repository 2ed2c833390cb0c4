// Growth in words: how fast, what it looks like, and when a limit is reached.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analyzer/model/report.h"

namespace tidemark::report {

// "5.0 MB an hour"; of a run that was observed for minutes only "1.4 KB a second (5.0 MB an hour)". `bytes_per_hour` is
// not negative.
std::string rate(double bytes_per_hour, double observed_s);

// "grows steadily, 5.0 MB an hour, 1.2 MB per mark"; empty when the trend was not worked out.
std::string growth_phrase(const model::Growth& growth, double observed_s);

// "At 5.0 MB an hour the cgroup's limit of 512.0 MB is reached in 3 days.", of the limit that is reached first; or that
// the process died near one. Empty when there is neither.
std::string limit_sentence(const model::Report& report);

// Bars of eighths, a column for each value; 0 is blank.
std::string chart(const std::vector<uint64_t>& columns, uint64_t highest);

}  // namespace tidemark::report
