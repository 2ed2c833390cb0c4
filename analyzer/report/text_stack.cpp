#include "analyzer/report/text_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "analyzer/base/short_names.h"
#include "analyzer/base/text.h"
#include "analyzer/base/units.h"

namespace tidemark::report {
namespace {

constexpr size_t kMaxLines = 32;  // per stack; of a longer one the beginning and the last kTailLines are shown
constexpr size_t kTailLines = 4;
constexpr size_t kMaxPeriod = 4;  // recursion through up to so many functions is folded
constexpr size_t kMaxNameBytes = 160;
constexpr size_t kFoldedPlumbing = 3;  // fewer frames of a library in a row are shown

std::string place_of(const model::Frame& frame) {
  const std::string module = frame.module.empty() ? std::string("?") : printable(base_name(frame.module));
  if (frame.file.empty()) return fmt::format("{}+{:#x}", module, frame.offset);
  const std::string file = printable(base_name(frame.file));
  return frame.line != 0 ? fmt::format("{}:{}", file, frame.line) : file;
}

std::string line_of(const model::Frame& frame) {
  const std::string place = place_of(frame);
  const char* const inlined = frame.inlined ? "  (inlined)" : "";
  if (frame.function.empty()) return place + inlined;
  return fmt::format("{}  {}{}", shortened(printable(shortest_name(frame.function)), kMaxNameBytes), place, inlined);
}

// Whether the `period` frames at `at` are the same as the `period` frames before them.
bool repeats(const std::vector<uint32_t>& frames, size_t at, size_t period) {
  return at >= period && at + period <= frames.size() &&
         std::equal(frames.begin() + static_cast<ptrdiff_t>(at), frames.begin() + static_cast<ptrdiff_t>(at + period),
                    frames.begin() + static_cast<ptrdiff_t>(at - period));
}

// Frames that say how memory was asked for, not what for: library templates and wrappers of malloc.
bool is_plumbing(std::string_view function) {
  static constexpr std::string_view kPrefixes[] = {
      "std::", "__gnu_cxx::", "operator new", "alloc::", "core::", "<alloc::", "<core::", "__rust", "hashbrown::"};
  if (std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                  [&](std::string_view prefix) { return function.substr(0, prefix.size()) == prefix; })) {
    return true;
  }
  static constexpr std::string_view kParts[] = {"malloc", "calloc", "realloc", "strdup"};
  std::string lower(function);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::any_of(std::begin(kParts), std::end(kParts),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

// Below main, or below a thread's function.
bool is_start(std::string_view function) {
  static constexpr std::string_view kNames[] = {"__libc_start_call_main",
                                                "__libc_start_main",
                                                "__libc_start_main_impl",
                                                "_start",
                                                "start_thread",
                                                "clone",
                                                "clone3",
                                                "__clone3"};
  const std::string_view plain = function.substr(0, function.find('@'));
  return std::find(std::begin(kNames), std::end(kNames), plain) != std::end(kNames);
}

// The innermost frame that is no plumbing; the innermost of all if there is none.
size_t first_of_program(const model::Report& report, const model::Stack& stack) {
  for (size_t at = 0; at < stack.frames.size(); ++at) {
    if (!is_plumbing(report.frames[stack.frames[at]].function)) return at;
  }
  return 0;
}

std::string name_and_place(const model::Frame& frame) {
  if (frame.function.empty()) return place_of(frame);
  return fmt::format("{} ({})", shortened(printable(shortest_name(frame.function)), 80), place_of(frame));
}

}  // namespace

std::string stack_lines(const model::Report& report, const model::Stack& stack, size_t indent) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < stack.frames.size() && is_plumbing(report.frames[stack.frames[begin]].function)) ++begin;
  // Of the library's frames at the inner end the outermost says what was wanted; JSON has them all.
  begin = begin >= kFoldedPlumbing ? begin - 1 : 0;
  // Every process and thread starts in the same way.
  size_t end = stack.frames.size();
  while (!stack.cut && end > begin + 1 && is_start(report.frames[stack.frames[end - 1]].function)) --end;
  for (size_t at = begin; at < end;) {
    size_t plumbing = 0;
    while (at != begin && at + plumbing < end && is_plumbing(report.frames[stack.frames[at + plumbing]].function)) {
      ++plumbing;
    }
    if (plumbing >= kFoldedPlumbing) {
      lines.push_back(fmt::format("... {} library frames", format_count(plumbing)));
      at += plumbing;
      continue;
    }
    size_t folded = 0;
    for (size_t period = 1; period <= kMaxPeriod && folded == 0; ++period) {
      size_t times = 0;
      while (repeats(stack.frames, at + times * period, period)) ++times;
      // Two lines more are not worth a fold.
      if (times * period < 3) continue;
      folded = times * period;
      lines.push_back(period == 1 ? fmt::format("... the same frame {} more times", format_count(times))
                                  : fmt::format("... the same {} frames {} more times", period, format_count(times)));
    }
    if (folded != 0) {
      at += folded;
    } else {
      lines.push_back(line_of(report.frames[stack.frames[at++]]));
      if (at == begin + 1 && begin != 0) lines.back() += fmt::format("  (and {} library frames inside)", begin);
    }
  }
  if (stack.cut) lines.emplace_back("... (the stack could not be followed further)");
  if (lines.size() > kMaxLines) {
    const size_t hidden = lines.size() - kMaxLines + 1;
    const auto from = lines.begin() + static_cast<ptrdiff_t>(kMaxLines - 1 - kTailLines);
    *from = fmt::format("... {} more lines", format_count(hidden));
    lines.erase(from + 1, from + static_cast<ptrdiff_t>(hidden));
  }
  std::string text;
  for (const std::string& line : lines) text += fmt::format("{:{}}{}\n", "", indent, line);
  return text;
}

std::string stack_summary(const model::Report& report, const model::Stack& stack) {
  const size_t at = first_of_program(report, stack);
  return at == stack.frames.size() ? std::string() : name_and_place(report.frames[stack.frames[at]]);
}

std::string stack_origin(const model::Report& report, const model::Stack& stack) {
  const size_t at = first_of_program(report, stack);
  std::string text = stack_summary(report, stack);
  for (size_t caller = at + 1; caller < stack.frames.size(); ++caller) {
    const model::Frame& frame = report.frames[stack.frames[caller]];
    if (is_plumbing(frame.function) || is_start(frame.function)) continue;
    // Recursion says nothing about where it came from.
    if (frame.function == report.frames[stack.frames[at]].function) continue;
    return text + ", called by " + name_and_place(frame);
  }
  return text;
}

}  // namespace tidemark::report
