// The parts of a report that follow from the recording alone, one function each.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "analyzer/model/report.h"
#include "analyzer/replay/recording.h"

namespace tidemark::cli {

void fill_process(const replay::Recording& recording, bool running, model::Process& process);
void fill_recording(const replay::Recording& recording, model::Recording& facts);
void fill_modules(const replay::Recording& recording, std::vector<model::Module>& modules);
void fill_memory(const replay::Recording& recording, model::Memory& memory);
void fill_threads(const replay::Recording& recording, std::vector<model::Thread>& threads);
// Lifetimes, marks, timeline and teardown.
void fill_times(const replay::Recording& recording, model::Report& report);
// The limits on memory, and when the process reaches them: from the report's memory, growth, working life and timeline,
// which must be filled in.
void fill_limits(const replay::Recording& recording, model::Report& report);
// `reachability` by snapshot, of those whose heap graph was solved.
void fill_snapshots(const replay::Recording& recording,
                    const std::unordered_map<uint64_t, model::Reachability>& reachability, model::Report& report);

}  // namespace tidemark::cli
