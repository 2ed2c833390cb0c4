#include "analyzer/symbols/dwarf_types.h"

#include <dwarf.h>
#include <fmt/format.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "analyzer/base/short_names.h"

namespace tidemark::symbols {
namespace {

constexpr int kMaxTypeDepth = 32;       // of types within types
constexpr int kMaxAliases = 64;         // typedefs, const and volatile in a row
constexpr size_t kMaxNameBytes = 4096;  // of a member's path or a type's name
constexpr uint64_t kPointerBytes = 8;

bool is_alias(int tag) {
  switch (tag) {
    case DW_TAG_typedef:
    case DW_TAG_const_type:
    case DW_TAG_volatile_type:
    case DW_TAG_restrict_type:
    case DW_TAG_atomic_type:
      return true;
    default:
      return false;
  }
}

bool is_class(int tag) { return tag == DW_TAG_class_type || tag == DW_TAG_structure_type || tag == DW_TAG_union_type; }

// The type itself: without aliases, and not the stub that stands for one in a type unit.
Dwarf_Die plain(Dwarf_Die type) {
  for (int step = 0; step < kMaxAliases; ++step) {
    const int tag = dwarf_tag(&type);
    std::optional<Dwarf_Die> next;
    if (is_alias(tag)) {
      next = referred(&type, DW_AT_type);
    } else if (is_class(tag) && dwarf_hasattr(&type, DW_AT_signature) != 0) {
      next = referred(&type, DW_AT_signature);
    }
    if (!next) break;
    type = *next;
  }
  return type;
}

// The numbers of elements of an array's dimensions; 0: not stated.
std::vector<uint64_t> dimensions(Dwarf_Die* array) {
  std::vector<uint64_t> counts;
  for_each_child(array, [&](Dwarf_Die& child) {
    if (dwarf_tag(&child) != DW_TAG_subrange_type) return true;
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;
    if (dwarf_formudata(dwarf_attr(&child, DW_AT_count, &attribute), &value) == 0)
      counts.push_back(value);
    else if (dwarf_formudata(dwarf_attr(&child, DW_AT_upper_bound, &attribute), &value) == 0)
      counts.push_back(value + 1);
    else
      counts.push_back(0);
    return counts.size() < kMaxTypeDepth;
  });
  return counts;
}

std::optional<uint64_t> place_of(Dwarf_Die* member) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(member, DW_AT_data_member_location, &attribute) != nullptr) {
    if (dwarf_formudata(&attribute, &value) == 0) return value;
    Dwarf_Op* steps = nullptr;
    size_t count = 0;
    if (dwarf_getlocation(&attribute, &steps, &count) == 0 && count == 1 && steps[0].atom == DW_OP_plus_uconst)
      return steps[0].number;
    return std::nullopt;  // a virtual base: computed when it runs
  }
  if (dwarf_formudata(dwarf_attr(member, DW_AT_data_bit_offset, &attribute), &value) == 0) return value / 8;
  return 0;  // members of unions
}

void append(std::string& path, std::string_view name) {
  if (path.size() + name.size() > kMaxNameBytes) return;
  if (!path.empty()) path += '.';
  path += name;
}

}  // namespace

std::string DwarfTypes::qualified_name(Dwarf_Die die) {
  const auto [found, added] = qualified_names_.try_emplace(die.addr);
  std::string& name = found->second;
  if (!added) return name;
  const char* const own = text_of(&die, DW_AT_name);
  name = scopes_of(die, budget_) + (own != nullptr ? std::string(own, ::strnlen(own, kMaxNameBytes)) : "{unnamed}");
  return name;
}

std::string DwarfTypes::name(Dwarf_Die type) { return short_name(name(type, 0)); }

std::string DwarfTypes::name(Dwarf_Die type, int depth) {
  if (depth > kMaxTypeDepth) return "...";
  const int tag = dwarf_tag(&type);
  const auto inner = [&]() -> std::string {
    const std::optional<Dwarf_Die> to = referred(&type, DW_AT_type);
    return to ? name(*to, depth + 1) : std::string("void");
  };
  // const and volatile stand before a type, but behind a pointer.
  const auto with = [&](const char* word) {
    const std::string of = inner();
    if (of.ends_with(']')) return of;  // of an array the elements' own say it
    return of.ends_with('*') ? of + " " + word : std::string(word) + " " + of;
  };
  switch (tag) {
    case DW_TAG_pointer_type:
      return inner() + "*";
    case DW_TAG_reference_type:
      return inner() + "&";
    case DW_TAG_rvalue_reference_type:
      return inner() + "&&";
    case DW_TAG_const_type:
      return with("const");
    case DW_TAG_volatile_type:
      return with("volatile");
    case DW_TAG_atomic_type:
      return with("_Atomic");
    case DW_TAG_restrict_type:
      return inner();
    case DW_TAG_subroutine_type:
      return inner() + " ()";
    case DW_TAG_ptr_to_member_type:
      return "pointer to member";
    case DW_TAG_array_type: {
      std::string text = inner();
      for (const uint64_t count : dimensions(&type)) text += count == 0 ? "[]" : fmt::format("[{}]", count);
      return text;
    }
    default:
      return qualified_name(type);
  }
}

uint64_t DwarfTypes::size(Dwarf_Die type, int depth) {
  if (depth > kMaxTypeDepth) return 0;
  type = plain(type);
  Dwarf_Attribute attribute;
  Dwarf_Word bytes = 0;
  if (dwarf_formudata(dwarf_attr(&type, DW_AT_byte_size, &attribute), &bytes) == 0) return bytes;
  switch (dwarf_tag(&type)) {
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
      return kPointerBytes;
    case DW_TAG_enumeration_type:
    case DW_TAG_subrange_type: {
      const std::optional<Dwarf_Die> to = referred(&type, DW_AT_type);
      return to ? size(*to, depth + 1) : 0;
    }
    case DW_TAG_array_type: {
      const std::optional<Dwarf_Die> to = referred(&type, DW_AT_type);
      uint64_t total = to ? size(*to, depth + 1) : 0;
      for (const uint64_t count : dimensions(&type)) {
        if (__builtin_mul_overflow(total, count, &total)) return 0;
      }
      return total;
    }
    default:
      return 0;
  }
}

bool DwarfTypes::is_library_type(Dwarf_Die* type) {
  const std::string name = qualified_name(*type);
  for (const std::string_view space : {"std::", "__gnu_cxx::", "__cxxabiv1::"}) {
    if (name.starts_with(space)) return true;
  }
  Dwarf_Die unit;
  if (dwarf_diecu(type, &unit, nullptr, nullptr) == nullptr || dwarf_srclang(&unit) != DW_LANG_Rust) return false;
  return name.starts_with("alloc::") || name.starts_with("core::");
}

bool DwarfTypes::is_wrapper(Dwarf_Die* type, std::string_view name) {
  return short_name(qualified_name(*type)).starts_with(name);
}

std::optional<DwarfTypes::Member> DwarfTypes::member_at(Dwarf_Die* type, uint64_t offset, int depth) {
  const bool is_union = dwarf_tag(type) == DW_TAG_union_type;
  std::optional<Member> best;
  for_each_child(type, [&](Dwarf_Die& child) {
    if (!budget_.take()) return false;
    const int tag = dwarf_tag(&child);
    if (tag != DW_TAG_member && tag != DW_TAG_inheritance) return true;
    if (dwarf_hasattr(&child, DW_AT_external) != 0 || dwarf_hasattr(&child, DW_AT_declaration) != 0) return true;
    const std::optional<Dwarf_Die> of = referred(&child, DW_AT_type);
    const std::optional<uint64_t> place = place_of(&child);
    if (!of || !place || *place > offset) return true;
    const Member member{child, *of, *place, size(*of, depth + 1), tag == DW_TAG_inheritance};
    if (member.bytes != 0 && offset - member.offset >= member.bytes) return true;
    // Empty bases and members lie on top of others; tails of bases are used by members.
    const auto rank = [](const Member& m) { return m.offset * 2 + (m.base ? 0 : 1); };
    const bool better = !best || (best->base && !member.base) ||
                        (best->base == member.base && !is_union &&
                         (rank(member) > rank(*best) || (rank(member) == rank(*best) && member.bytes > best->bytes)));
    if (better) best = member;
    return true;
  });
  return best;
}

bool DwarfTypes::find_field(Dwarf_Die type, uint64_t offset, int depth, Field& field) {
  if (depth > kMaxTypeDepth) return true;
  const Dwarf_Die stated = type;
  type = plain(type);
  const int tag = dwarf_tag(&type);
  if (tag == DW_TAG_array_type) {
    const std::optional<Dwarf_Die> element = referred(&type, DW_AT_type);
    const uint64_t bytes = element ? size(*element) : 0;
    const std::vector<uint64_t> counts = dimensions(&type);
    if (bytes == 0 || counts.empty()) {
      field.type = name(stated);
      return true;
    }
    uint64_t index = offset / bytes;
    std::string places;
    for (size_t dimension = counts.size(); dimension-- > 0;) {
      const uint64_t count = counts[dimension];
      const bool first = dimension == 0;
      if (first && count != 0 && index >= count) return false;
      places = fmt::format("[{}]", first || count == 0 ? index : index % count) + places;
      if (count != 0) index /= count;
    }
    if (field.path.size() + places.size() <= kMaxNameBytes) field.path += places;
    return find_field(*element, offset % bytes, depth + 1, field);
  }
  const bool is_array = is_class(tag) && is_wrapper(&type, "std::array<");
  if (!is_class(tag) || (is_library_type(&type) && !is_array && !is_wrapper(&type, "std::pair<"))) {
    field.type = name(stated);
    return true;
  }
  std::optional<Member> member = member_at(&type, offset, depth);
  if (!member) return false;
  const char* const own = text_of(&member->die, DW_AT_name);
  if (!member->base && own != nullptr && !is_array) append(field.path, own);
  return find_field(member->type, offset - member->offset, depth + 1, field);
}

std::optional<Field> DwarfTypes::field(Dwarf_Die type, uint64_t offset) {
  const uint64_t bytes = size(type);
  if (bytes != 0 && offset >= bytes) return std::nullopt;
  Field field;
  if (!find_field(type, offset, 0, field)) return std::nullopt;
  return field;
}

}  // namespace tidemark::symbols
