#include "analyzer/symbols/type_index.h"

#include <dwarf.h>

#include <algorithm>
#include <functional>

#include "analyzer/base/short_names.h"
#include "analyzer/symbols/demangle.h"

namespace tidemark::symbols {
namespace {

constexpr size_t kMaxNameBytes = 16384;
constexpr size_t kNameBytesPerEntry = 256;  // what hashing costs as much as visiting an entry

bool in_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

uint64_t hash(std::string_view text) { return std::hash<std::string_view>()(text); }

}  // namespace

std::string plain_spelling(std::string_view name) {
  std::string text = short_name(name.substr(0, kMaxNameBytes));
  for (const std::string_view nothing : {"(anonymous namespace)::", "{anonymous}::", "()"}) {
    for (size_t at = 0; (at = text.find(nothing, at)) != std::string::npos;) text.erase(at, nothing.size());
  }
  for (const std::string_view keyword : {"struct ", "class ", "union ", "enum "}) {
    if (text.starts_with(keyword)) text.erase(0, keyword.size());
  }
  std::string plain;
  plain.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char before = plain.empty() ? '<' : plain.back();
    if (text[i] == ' ') {
      const bool between_words = in_identifier(before) && i + 1 < text.size() && in_identifier(text[i + 1]);
      if (between_words) plain += ' ';
      continue;
    }
    // The suffix of a number: 3ul, 3UL and 3 are the same.
    if (is_digit(text[i]) && !in_identifier(before)) {
      while (i < text.size() && is_digit(text[i])) plain += text[i++];
      while (i < text.size() && (text[i] == 'u' || text[i] == 'U' || text[i] == 'l' || text[i] == 'L')) ++i;
      --i;
      continue;
    }
    plain += text[i];
  }
  return plain;
}

TypeIndex::TypeIndex(Dwarf* dwarf, EntryBudget& budget) : budget_(budget) {
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die, split;
  uint8_t kind = 0;
  while (dwarf_get_units(dwarf, unit, &unit, nullptr, &kind, &die, &split) == 0) {
    const bool is_split = kind == DW_UT_skeleton && split.addr != nullptr;
    const Dwarf_Die types = is_split ? split : die;
    unit_of_.emplace(types.addr, units_.size());
    units_.push_back({types});
  }
}

void TypeIndex::collect(Dwarf_Die* scope, const std::string& name, bool functions, int depth) {
  if (depth > kMaxScopeDepth) return;
  for_each_child(scope, [&](Dwarf_Die& child) {
    if (!budget_.take()) return false;
    const int tag = dwarf_tag(&child);
    switch (tag) {
      case DW_TAG_namespace:
      case DW_TAG_module: {
        const char* const own = text_of(&child, DW_AT_name);
        collect(&child, own == nullptr ? name : name + own + "::", functions, depth + 1);
        return true;
      }
      case DW_TAG_class_type:
      case DW_TAG_structure_type:
      case DW_TAG_union_type:
      case DW_TAG_typedef: {
        const char* const own = text_of(&child, DW_AT_name);
        if (own == nullptr) return true;
        const bool alias = tag == DW_TAG_typedef;
        if (alias && name.starts_with("std::")) return true;
        // Stubs of types that have units of their own count as definitions; so do nested classes' that stand outside.
        const bool declared =
            dwarf_hasattr(&child, DW_AT_declaration) != 0 && dwarf_hasattr(&child, DW_AT_signature) == 0;
        const bool outside = dwarf_hasattr(&child, DW_AT_specification) != 0;
        const std::string whole = (outside ? scopes_of(child, budget_) : name) + own;
        // Long names are generated; hostile ones would cost more than their entries.
        if (whole.size() > kMaxNameBytes) return true;
        budget_.left -= std::min<uint64_t>(budget_.left, whole.size() / kNameBytesPerEntry);
        if (!met_.insert(hash(whole) ^ (declared ? 1 : 0)).second && !functions) return true;
        if (!declared) types_.try_emplace(hash(plain_spelling(whole)), child);
        // A class may be declared only, and yet have types in it.
        if (!alias) collect(&child, whole + "::", functions, depth + 1);
        return true;
      }
      case DW_TAG_subprogram:
      case DW_TAG_lexical_block: {
        if (!functions) return true;
        const bool function = tag == DW_TAG_subprogram;
        const char* const linkage = function ? linkage_name(&child) : nullptr;  // has its own scopes
        const char* const own = function ? text_of(&child, DW_AT_name) : nullptr;
        const std::string inside = linkage != nullptr ? demangle(linkage) + "::"
                                   : own != nullptr   ? name + own + "::"
                                                      : name;
        collect(&child, inside, functions, depth + 1);
        return true;
      }
      default:
        return true;
    }
  });
}

void TypeIndex::read(Unit& unit, bool functions) {
  if (unit.functions_read || (unit.read && !functions)) return;
  unit.read = true;
  unit.functions_read = functions;
  collect(&unit.die, "", functions, 0);
}

std::optional<Dwarf_Die> TypeIndex::look_up(uint64_t key) const {
  const auto found = types_.find(key);
  return found == types_.end() ? std::nullopt : std::optional<Dwarf_Die>(found->second);
}

std::optional<Dwarf_Die> TypeIndex::find(std::string_view name, std::optional<Dwarf_Die> hint) {
  const std::string plain = plain_spelling(name);
  const uint64_t key = hash(plain);
  std::optional<Dwarf_Die> type = look_up(key);
  if (type || plain.empty()) return type;
  if (hint) {
    const auto unit = unit_of_.find(hint->addr);
    if (unit != unit_of_.end()) {
      read(units_[unit->second], true);
      if ((type = look_up(key))) return type;
    }
  }
  while (next_ < units_.size() && budget_.left > 0) {
    read(units_[next_++], false);
    if ((type = look_up(key))) return type;
  }
  return type;
}

}  // namespace tidemark::symbols
