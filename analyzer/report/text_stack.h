// Stacks for a terminal: one frame per line. Repeated frames of a recursion and rows of library frames are folded, very
// deep stacks shortened in the middle, and what comes before main is left out. JSON has every frame.
#pragma once

#include <string>

#include "analyzer/model/report.h"

namespace tidemark::report {

// Lines, each indented by `indent` and ended by a newline.
std::string stack_lines(const model::Report& report, const model::Stack& stack, size_t indent);

// "make_strings (hold.cpp:31)" of the innermost frame that is no plumbing (library templates, wrappers of malloc);
// empty without frames.
std::string stack_summary(const model::Report& report, const model::Stack& stack);

// The same with who called it: "numbered_string (demo.h:96), called by leak (leak.cpp:19)".
std::string stack_origin(const model::Report& report, const model::Stack& stack);

}  // namespace tidemark::report
