#include "analyzer/symbols/dwarf_tools.h"

#include <dwarf.h>

#include <vector>

#include "analyzer/symbols/demangle.h"

namespace tidemark::symbols {

const char* text_of(Dwarf_Die* die, unsigned attribute) {
  Dwarf_Attribute found;
  return dwarf_formstring(dwarf_attr_integrate(die, attribute, &found));
}

const char* linkage_name(Dwarf_Die* die) {
  const char* const name = text_of(die, DW_AT_linkage_name);
  return name != nullptr ? name : text_of(die, DW_AT_MIPS_linkage_name);
}

uint64_t number(Dwarf_Die* die, unsigned attribute) {
  Dwarf_Attribute found;
  Dwarf_Word value = 0;
  return dwarf_formudata(dwarf_attr_integrate(die, attribute, &found), &value) == 0 ? value : 0;
}

std::optional<Dwarf_Die> referred(Dwarf_Die* die, unsigned attribute) {
  Dwarf_Attribute found;
  Dwarf_Die to;
  if (dwarf_formref_die(dwarf_attr_integrate(die, attribute, &found), &to) == nullptr) return std::nullopt;
  return to;
}

std::string absolute(const char* file, Dwarf_Die* unit) {
  if (file == nullptr) return {};
  if (file[0] == '/') return file;
  Dwarf_Attribute attribute;
  const char* const folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
  return folder == nullptr ? std::string(file) : std::string(folder) + "/" + file;
}

// dwarf_decl_file() ends the process if a unit has no usable table of files (elfutils 0.188).
std::string declaration_file(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  Dwarf_Word index = 0;
  Dwarf_Die unit;
  if (dwarf_formudata(dwarf_attr_integrate(die, DW_AT_decl_file, &attribute), &index) != 0) return {};
  // The attribute may stand in another unit than the entry that refers to it.
  if (dwarf_cu_die(attribute.cu, &unit, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) == nullptr) return {};
  Dwarf_Files* files = nullptr;
  if (dwarf_getsrcfiles(&unit, &files, nullptr) != 0) return {};
  return absolute(dwarf_filesrc(files, index, nullptr, nullptr), &unit);
}

std::string scope_name(Dwarf_Die* scope, int tag) {
  if (tag == DW_TAG_lexical_block) return {};
  if (const char* name = text_of(scope, DW_AT_name)) return name;
  if (tag == DW_TAG_namespace) return "(anonymous namespace)";
  // A class without a name that has functions is a lambda's.
  return tag == DW_TAG_class_type || tag == DW_TAG_structure_type ? "{lambda}" : "";
}

namespace {

constexpr int kMaxReferences = 8;
constexpr size_t kMaxNameBytes = 4096;

// The entries around `die`, from its unit's to the one right around it; empty if they could not be found.
// libdw has no parents; dwarf_getscopes_die() recurses as deep as the input likes. Entries stand in the order of the
// tree, so that the last sibling that begins at or before one is around it.
std::vector<Dwarf_Die> scopes_around(Dwarf_Die* die, EntryBudget& budget) {
  std::vector<Dwarf_Die> scopes;
  Dwarf_Die scope;
  if (dwarf_diecu(die, &scope, nullptr, nullptr) == nullptr) return scopes;
  while (scope.addr < die->addr && scopes.size() < kMaxScopeDepth) {
    scopes.push_back(scope);
    Dwarf_Die around;
    bool found = false;
    for_each_child(&scope, [&](Dwarf_Die& child) {
      if (child.addr > die->addr || !budget.take()) return false;
      around = child;
      found = true;
      return true;
    });
    if (!found) break;
    scope = around;
  }
  if (scope.addr != die->addr) scopes.clear();
  return scopes;
}

}  // namespace

std::string scopes_of(Dwarf_Die die, EntryBudget& budget) {
  for (int step = 0; step < kMaxReferences; ++step) {
    Dwarf_Attribute attribute;
    Dwarf_Die next;
    const bool refers = dwarf_attr(&die, DW_AT_specification, &attribute) != nullptr ||
                        dwarf_attr(&die, DW_AT_abstract_origin, &attribute) != nullptr;
    if (!refers || dwarf_formref_die(&attribute, &next) == nullptr) break;
    die = next;
  }
  std::string scopes;
  for (Dwarf_Die& scope : scopes_around(&die, budget)) {
    switch (const int tag = dwarf_tag(&scope)) {
      case DW_TAG_subprogram:
        if (const char* linkage = linkage_name(&scope))
          scopes = demangle(linkage) + "()::";  // has its own scopes
        else
          scopes += scope_name(&scope, tag) + "()::";
        break;
      case DW_TAG_namespace:
      case DW_TAG_module:
      case DW_TAG_class_type:
      case DW_TAG_structure_type:
      case DW_TAG_union_type:
        scopes += scope_name(&scope, tag) + "::";
        break;
      default:
        break;
    }
    if (scopes.size() > kMaxNameBytes) break;
  }
  return scopes;
}

}  // namespace tidemark::symbols
