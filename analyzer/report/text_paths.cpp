#include "analyzer/report/text_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "analyzer/base/short_names.h"
#include "analyzer/base/text.h"
#include "analyzer/base/units.h"

namespace tidemark::report {
namespace {

constexpr size_t kMaxNameBytes = 100;
constexpr size_t kMaxReadBytes = 4096;  // of a name: shortening one costs more than its length
constexpr size_t kMaxColumns = 120;
constexpr size_t kMaxSteps = 10;  // of a longer path the first ones and the last are shown
constexpr std::string_view kArrow = " →";

// Terminals show a character in one column, mostly; bytes 10xxxxxx continue one.
size_t columns(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// "+0x18 recognized"
std::string place(uint64_t offset, const std::optional<std::string>& field) {
  std::string text = fmt::format("+{:#x}", offset);
  if (field && !field->empty()) text += " " + shown_name(*field);
  return text;
}

// The steps from `begin` to `end`, each with the place of its pointer to the next one. Equal ones in a row, as in a
// list, are one part; behind kMaxSteps parts follows how many steps there are besides, and `elided` more.
template <class Step>
void add_steps(std::vector<std::string>& parts, const Step* begin, const Step* end, uint64_t elided) {
  size_t shown = 0;
  while (begin != end && shown < kMaxSteps) {
    const Step* next = begin + 1;
    while (next != end && next->type == begin->type && next->offset == begin->offset && next->field == begin->field)
      ++next;
    parts.push_back(fmt::format("{} {}", shown_name(begin->type), place(begin->offset, begin->field)));
    if (next - begin > 1) parts.back() += fmt::format(" ({} times)", format_count(static_cast<uint64_t>(next - begin)));
    begin = next;
    ++shown;
  }
  elided += static_cast<uint64_t>(end - begin);
  if (elided != 0) parts.push_back(fmt::format("… {} more …", format_count(elided)));
}

// `parts` joined by arrows behind `label`; lines end behind an arrow, and go on below the first part.
std::string wrapped(std::string_view label, const std::vector<std::string>& parts, size_t indent) {
  const size_t inner = indent + columns(label);
  std::string text = std::string(indent, ' ') + std::string(label);
  size_t used = inner;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    const size_t needed = columns(parts[i]) + (last ? 0 : columns(kArrow));
    if (i != 0 && used + 1 + needed > kMaxColumns) {
      text += "\n" + std::string(inner, ' ');
      used = inner;
    } else if (i != 0) {
      text += ' ';
      ++used;
    }
    text += parts[i];
    if (!last) text += kArrow;
    used += needed;
  }
  return text + "\n";
}

// Whether the symbol is but a place in the module ("libx.so+0x1230 (.bss)"): there is no more to say of it.
bool is_place(const model::HeldBy& held_by) {
  return held_by.symbol && !held_by.module.empty() &&
         held_by.symbol->starts_with(std::string(base_name(held_by.module)) + "+0x");
}

std::string source_of(const model::HeldBy& held_by) {
  if (!held_by.file.empty()) {
    const std::string file = shortened(printable(base_name(held_by.file)), kMaxNameBytes);
    return held_by.line != 0 ? fmt::format(" ({}:{})", file, held_by.line) : fmt::format(" ({})", file);
  }
  if (held_by.module.empty() || is_place(held_by)) return {};
  return fmt::format(" ({})", shortened(printable(base_name(held_by.module)), kMaxNameBytes));
}

std::string thread_of(const model::HeldBy& held_by, const char* before) {
  return held_by.thread.empty()
             ? std::string()
             : fmt::format("{}thread {}", before, shortened(printable(held_by.thread), kMaxNameBytes));
}

}  // namespace

std::string shown_name(std::string_view demangled) {
  if (demangled.empty()) return "?";
  return shortened(printable(shortest_name(demangled.substr(0, kMaxReadBytes))), kMaxNameBytes);
}

std::string root_name(const model::HeldBy& held_by) {
  const bool named = held_by.symbol && !held_by.symbol->empty();
  const std::string symbol = named ? shown_name(*held_by.symbol) + source_of(held_by) : std::string();
  switch (held_by.kind) {
    case model::HolderKind::kGlobal:
      return named ? symbol : "a variable without a name" + source_of(held_by);
    case model::HolderKind::kTls:
      return (named ? "thread-local " + symbol : std::string("thread-local memory")) + thread_of(held_by, " of ");
    case model::HolderKind::kStack:
      return (named ? "the frame of " + symbol : std::string("a stack")) + thread_of(held_by, named ? " in " : " of ");
    case model::HolderKind::kRegister:
      return std::string("a register") + (named ? " in " + symbol : "") + thread_of(held_by, named ? ", " : " of ");
    case model::HolderKind::kKernel:
      return "the kernel" + (named ? " (" + symbol + ")" : std::string(" (epoll)"));
    case model::HolderKind::kInherited:
      return "the heap inherited by fork";
    case model::HolderKind::kHeap:
      return "a block that counts as held";
    case model::HolderKind::kMapping:
      return "a mapping of the program" + (named ? " (" + symbol + ")" : source_of(held_by));
    case model::HolderKind::kNone:
      return "nothing";
    default:
      return "memory of unknown origin" + (named ? " (" + symbol + ")" : source_of(held_by));
  }
}

std::string held_by_lines(const model::HeldBy& held_by, size_t indent) {
  const bool lost = held_by.kind == model::HolderKind::kNone;
  // The way to a block that nothing holds is worth a line only if it leads through others.
  if (lost && held_by.path.size() < 2) return {};
  std::vector<std::string> parts;
  if (!lost) {
    const bool variable = held_by.kind == model::HolderKind::kGlobal || held_by.kind == model::HolderKind::kTls;
    std::string root = root_name(held_by);
    if ((variable && !is_place(held_by)) || held_by.offset != 0 || held_by.field) {
      root += " " + place(held_by.offset, held_by.field);
    }
    parts.push_back(std::move(root));
  }
  if (!held_by.path.empty()) {
    const model::PathStep* const begin = held_by.path.data();
    const model::PathStep* const last = begin + held_by.path.size() - 1;
    add_steps(parts, begin, last, held_by.elided);
    // No pointer goes out of the held block.
    parts.push_back(shown_name(last->type));
  }
  return wrapped(lost ? "lost with " : held_by.weak ? "held weakly by " : "held by ", parts, indent);
}

std::string cycle_lines(const std::vector<model::CycleMember>& cycle, size_t indent) {
  if (cycle.empty()) return {};
  std::vector<std::string> parts;
  add_steps(parts, cycle.data(), cycle.data() + cycle.size(), 0);
  parts.push_back(shown_name(cycle.front().type));
  return wrapped("cycle: ", parts, indent);
}

}  // namespace tidemark::report
