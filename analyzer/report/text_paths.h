// Paths between blocks as one line, wrapped where it is long: "A +0x18 callbacks → B +0x30 → C". Long paths are shown
// without their middle; JSON has every step.
#pragma once

#include <string>
#include <string_view>

#include "analyzer/model/report.h"

namespace tidemark::report {

// Types, variables and functions: short, printable, of bounded length.
std::string shown_name(std::string_view demangled);

// "global_store (leak.cpp:12)", "the frame of serve (x.cpp:3) in thread worker (12)", "memory of unknown origin".
std::string root_name(const model::HeldBy& held_by);

// "held by global_store (leak.cpp:12) +0x0 → std::string[] +0x20 → std::string". Lines, each indented by `indent` and
// ended by a newline; empty when there is nothing to say.
std::string held_by_lines(const model::HeldBy& held_by, size_t indent);

// "cycle: A +0x18 → B +0x30 → A"; empty without a cycle.
std::string cycle_lines(const std::vector<model::CycleMember>& cycle, size_t indent);

}  // namespace tidemark::report
