// What the parts of the text report share: a buffer of lines, and shares in percent.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

namespace tidemark::report {

using Text = fmt::memory_buffer;

template <class... Arguments>
void line(Text& text, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Arguments>(arguments)...);
  text.push_back('\n');
}

// Ended by a full stop, unless it has an end.
inline std::string sentence(std::string text) {
  if (!text.empty() && text.back() != '.' && text.back() != '!' && text.back() != '?') text += '.';
  return text;
}

inline std::string percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? std::string("0%")
                    : fmt::format("{:.1f}%", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace tidemark::report
