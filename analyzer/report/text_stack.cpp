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
constexpr size_t kFoldedPlumbing = 3;  // fewer frames of a library at the inner end are shown

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

}  // namespace

std::string stack_lines(const model::Report& report, const model::Stack& stack, size_t indent) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < stack.frames.size() && is_plumbing(report.frames[stack.frames[begin]].function)) ++begin;
  // Of the library's frames at the inner end the outermost says what was wanted; JSON has them all.
  begin = begin >= kFoldedPlumbing ? begin - 1 : 0;
  for (size_t at = begin; at < stack.frames.size();) {
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
  const model::Frame* shown = nullptr;
  for (const uint32_t index : stack.frames) {
    const model::Frame& frame = report.frames[index];
    if (is_plumbing(frame.function)) continue;
    shown = &frame;
    break;
  }
  if (shown == nullptr && !stack.frames.empty()) shown = &report.frames[stack.frames.front()];
  if (shown == nullptr) return {};
  if (shown->function.empty()) return place_of(*shown);
  return fmt::format("{} ({})", shortened(printable(shortest_name(shown->function)), 80), place_of(*shown));
}

}  // namespace tidemark::report
