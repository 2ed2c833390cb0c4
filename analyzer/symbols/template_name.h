// Splits demangled C++ names: "std::vector<int, A>::push_back<B>" has the template std::vector, the arguments int and
// A, and the rest ::push_back<B>.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidemark::symbols {

struct TemplateName {
  std::string_view name;                    // before the first argument list; the whole, if there is none
  std::vector<std::string_view> arguments;  // of the first list, without spaces around them
  std::string_view rest;                    // behind the first list
  std::string_view argument(size_t index) const { return index < arguments.size() ? arguments[index] : ""; }
};

// Points into `text`. Unbalanced text has no arguments.
TemplateName split_template(std::string_view text);

// Without the parameter lists of functions that are scopes: "f(int)::{lambda(char)#1}" becomes "f()::{lambda()#1}".
std::string without_parameters(std::string_view text);

}  // namespace tidemark::symbols
