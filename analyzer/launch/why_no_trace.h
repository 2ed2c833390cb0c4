// Why a program left no trace, as far as can be seen from its file.
#pragma once

#include <optional>
#include <string>

namespace tidemark::launch {

// One sentence.
std::string why_no_trace(const std::string& program);

// The file that execvp(program) runs.
std::optional<std::string> find_program(const std::string& program);

}  // namespace tidemark::launch
