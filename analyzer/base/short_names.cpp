#include "analyzer/base/short_names.h"

#include <array>
#include <cstddef>

namespace tidemark {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// Takes out every argument that begins with `argument` ("std::allocator<") together with the comma before it.
void remove_arguments(std::string& text, std::string_view argument) {
  const std::string start = ", " + std::string(argument);
  size_t at = 0;
  while ((at = text.find(start, at)) != std::string::npos) {
    size_t end = at + start.size();
    for (int depth = 1; end < text.size() && depth > 0; ++end) {
      if (text[end] == '<') ++depth;
      if (text[end] == '>' && text[end - 1] != '-') --depth;
    }
    // Only a whole last argument: what follows closes the list, or is another one.
    const size_t next = text.find_first_not_of(' ', end);
    if (next != std::string::npos && (text[next] == '>' || text[next] == ','))
      text.erase(at, end - at);
    else
      at = end;
  }
}

}  // namespace

std::string short_name(std::string_view demangled) {
  std::string text(demangled);
  replace_all(text, "[abi:cxx11]", "");
  if (text.find("std::") == std::string::npos) return text;
  // Inline namespaces of the standard libraries' ABI versions.
  for (const std::string_view version : {"std::__cxx11::", "std::__1::", "std::__ndk1::"})
    replace_all(text, version, "std::");
  replace_all(text, "std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string");
  replace_all(text, "std::basic_string<wchar_t, std::char_traits<wchar_t>, std::allocator<wchar_t> >", "std::wstring");
  static constexpr std::array<std::string_view, 6> kDefaults = {
      "std::allocator<", "std::char_traits<", "std::less<", "std::hash<", "std::equal_to<", "std::default_delete<"};
  for (const std::string_view argument : kDefaults) remove_arguments(text, argument);
  replace_all(text, " >", ">");
  return text;
}

std::string shortest_name(std::string_view demangled) {
  std::string text = short_name(demangled);
  replace_all(text, "(anonymous namespace)::", "");
  return text;
}

}  // namespace tidemark
