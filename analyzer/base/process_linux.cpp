#include <fmt/format.h>

#include <string>
#include <string_view>

#include "analyzer/base/file.h"
#include "analyzer/base/process.h"
#include "analyzer/base/units.h"

namespace tidemark {

std::optional<ProcessState> process_state(uint32_t pid) {
  const std::string text = read_small_file(fmt::format("/proc/{}/stat", pid));
  // The second field is the name in parentheses, which may hold blanks and parentheses itself.
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 3 > text.size()) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(name_end + 2);
  ProcessState state;
  state.state = rest.front();
  constexpr int kStateField = 3, kStartTimeField = 22;
  for (int field = kStateField; field < kStartTimeField; ++field) {
    const size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(blank + 1);
  }
  const auto start = parse_number(rest.substr(0, rest.find_first_of(" \n")));
  if (!start) return std::nullopt;
  state.start_time = *start;
  return state;
}

bool process_lives(uint32_t pid, uint64_t start_time) {
  const auto state = process_state(pid);
  return state && state->start_time == start_time && state->state != 'Z' && state->state != 'X';
}

}  // namespace tidemark
