#include "analyzer/symbols/dwarf_index.h"

#include <dwarf.h>

#include <algorithm>
#include <utility>

#include "analyzer/symbols/demangle.h"
#include "analyzer/symbols/dwarf_tools.h"

namespace tidemark::symbols {
namespace {

template <class Visitor>
void for_each_range(Dwarf_Die* die, Visitor visit) {
  ptrdiff_t offset = 0;
  Dwarf_Addr base = 0, low = 0, high = 0;
  while ((offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
    if (low < high) visit(low, high);
  }
}

bool holds_functions(int tag) {
  switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_subprogram:
    case DW_TAG_lexical_block:
      return true;
    default:
      return false;
  }
}

// Appends the inlined calls around `address` below `scope`, outermost first.
void find_inlined(Dwarf_Die* scope, uint64_t address, int depth, std::vector<Dwarf_Die>& calls) {
  if (depth > kMaxScopeDepth) return;
  Dwarf_Die child;
  if (dwarf_child(scope, &child) != 0) return;
  do {
    const int tag = dwarf_tag(&child);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block && tag != DW_TAG_try_block &&
        tag != DW_TAG_catch_block)
      continue;
    if (dwarf_haspc(&child, address) == 1) {
      if (tag == DW_TAG_inlined_subroutine) calls.push_back(child);
      find_inlined(&child, address, depth + 1, calls);
      return;
    }
    // A block may state no range of its own and still hold inlined calls.
    if (tag != DW_TAG_inlined_subroutine && dwarf_hasattr(&child, DW_AT_ranges) == 0 &&
        dwarf_hasattr(&child, DW_AT_low_pc) == 0) {
      const size_t before = calls.size();
      find_inlined(&child, address, depth + 1, calls);
      if (calls.size() != before) return;
    }
  } while (dwarf_siblingof(&child, &child) == 0);
}

// The declaration that stands in its namespace or class: an inlined call or a definition refers to it.
Dwarf_Off declaration_of(Dwarf_Die die) {
  constexpr int kMaxSteps = 8;
  for (int step = 0; step < kMaxSteps; ++step) {
    Dwarf_Attribute attribute;
    Dwarf_Die next;
    const bool refers = dwarf_attr(&die, DW_AT_abstract_origin, &attribute) != nullptr ||
                        dwarf_attr(&die, DW_AT_specification, &attribute) != nullptr;
    if (!refers || dwarf_formref_die(&attribute, &next) == nullptr) break;
    die = next;
  }
  return dwarf_dieoffset(&die);
}

}  // namespace

DwarfIndex::DwarfIndex(Dwarf* dwarf) {
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die, split;
  uint8_t kind = 0;
  while (dwarf_get_units(dwarf, unit, &unit, nullptr, &kind, &die, &split) == 0) {
    if (kind == DW_UT_type || kind == DW_UT_partial) continue;
    const bool is_split = kind == DW_UT_skeleton && split.addr != nullptr;
    const auto index = static_cast<uint32_t>(units_.size());
    const size_t before = ranges_.size();
    for_each_range(&die, [&](uint64_t low, uint64_t high) { ranges_.push_back({low, high, index}); });
    if (ranges_.size() != before) units_.push_back({die, is_split ? split : die});
  }
  std::sort(ranges_.begin(), ranges_.end(), [](const UnitRange& a, const UnitRange& b) { return a.low < b.low; });
}

void DwarfIndex::collect(Dwarf_Die* scope, const std::string& name, int depth, UnitFunctions& functions) {
  if (depth > kMaxScopeDepth) return;
  for_each_child(scope, [&](Dwarf_Die& child) {
    const int tag = dwarf_tag(&child);
    if (!holds_functions(tag)) return true;
    if (tag == DW_TAG_subprogram) {
      for_each_range(&child, [&](uint64_t low, uint64_t high) { functions.ranges.push_back({low, high, child}); });
      if (!name.empty() && linkage_name(&child) == nullptr) functions.scopes.emplace(dwarf_dieoffset(&child), name);
    }
    const std::string own = scope_name(&child, tag);
    collect(&child, own.empty() ? name : name + own + "::", depth + 1, functions);
    return true;
  });
}

const DwarfIndex::UnitFunctions& DwarfIndex::functions_of(uint32_t unit) {
  const auto [found, added] = functions_.try_emplace(unit);
  UnitFunctions& functions = found->second;
  if (!added) return functions;
  collect(&units_[unit].functions, "", 0, functions);
  std::sort(functions.ranges.begin(), functions.ranges.end(),
            [](const Function& a, const Function& b) { return a.low < b.low; });
  return functions;
}

std::optional<uint32_t> DwarfIndex::unit_index(uint64_t address) const {
  auto range = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                [](uint64_t wanted, const UnitRange& a) { return wanted < a.low; });
  if (range == ranges_.begin() || (--range)->high <= address) return std::nullopt;
  return range->unit;
}

std::optional<Dwarf_Die> DwarfIndex::unit_at(uint64_t address) const {
  const std::optional<uint32_t> index = unit_index(address);
  return index ? std::optional<Dwarf_Die>(units_[*index].functions) : std::nullopt;
}

std::vector<SourceFrame> DwarfIndex::find(uint64_t address) {
  std::vector<SourceFrame> frames;
  const std::optional<uint32_t> index = unit_index(address);
  if (!index) return frames;
  Unit& unit = units_[*index];

  // The line table tells where the innermost function is; each inlined call tells where it was called from.
  std::string file;
  uint32_t line_number = 0;
  if (Dwarf_Line* line = dwarf_getsrc_die(&unit.lines, address)) {
    int value = 0;
    if (dwarf_lineno(line, &value) == 0 && value > 0) line_number = static_cast<uint32_t>(value);
    file = absolute(dwarf_linesrc(line, nullptr, nullptr), &unit.lines);
  }

  const UnitFunctions& functions = functions_of(*index);
  const auto name_of = [&functions](Dwarf_Die& die) -> std::string {
    if (const char* name = linkage_name(&die)) return demangle(name);
    const char* const name = text_of(&die, DW_AT_name);
    if (name == nullptr) return {};
    const auto scope = functions.scopes.find(declaration_of(die));
    return scope == functions.scopes.end() ? std::string(name) : scope->second + name;
  };
  auto function = std::upper_bound(functions.ranges.begin(), functions.ranges.end(), address,
                                   [](uint64_t wanted, const Function& a) { return wanted < a.low; });
  if (function == functions.ranges.begin() || (--function)->high <= address) {
    if (!file.empty()) frames.push_back({"", file, line_number, false});
    return frames;
  }
  Dwarf_Die outermost = function->die;
  std::vector<Dwarf_Die> calls;
  find_inlined(&outermost, address, 0, calls);

  Dwarf_Files* files = nullptr;
  if (dwarf_getsrcfiles(&unit.lines, &files, nullptr) != 0) files = nullptr;
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    frames.push_back({name_of(*call), std::move(file), line_number, true});
    file = files == nullptr
               ? std::string()
               : absolute(dwarf_filesrc(files, number(&*call, DW_AT_call_file), nullptr, nullptr), &unit.lines);
    line_number = static_cast<uint32_t>(number(&*call, DW_AT_call_line));
  }
  frames.push_back({name_of(outermost), std::move(file), line_number, false});
  return frames;
}

}  // namespace tidemark::symbols
