// C++ names as people write them: std::string, std::vector<int>, without the template arguments that are there by
// default. For the text report; JSON keeps the whole name.
#pragma once

#include <string>
#include <string_view>

namespace tidemark::report {

std::string short_name(std::string_view demangled);

}  // namespace tidemark::report
