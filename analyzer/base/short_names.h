// C++ names as people write them: std::string, std::vector<int>, without the template arguments that are there by
// default. For names that people read; the JSON report keeps functions' whole names.
#pragma once

#include <string>
#include <string_view>

namespace tidemark {

std::string short_name(std::string_view demangled);

// The same without "(anonymous namespace)::", for lines of text, where the source file stands beside most names.
std::string shortest_name(std::string_view demangled);

}  // namespace tidemark
