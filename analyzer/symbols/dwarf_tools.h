// Small things that every reader of debug information needs. Debug information is as hostile as any input: libdw
// answers errors, and what walks it bounds its depth and the number of entries it visits.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tidemark::symbols {

// Deeper nesting of scopes than this is no code that people wrote.
inline constexpr int kMaxScopeDepth = 200;

// How many entries (DIEs) may still be visited; one takes about 300 ns, with those below it
// that are skipped.
struct EntryBudget {
  uint64_t left;
  bool take() noexcept { return left > 0 && left-- > 0; }
};

// Calls visit(child) as long as it answers true. Entries that do not ascend (broken sibling references) end it.
template <class Visitor>
void for_each_child(Dwarf_Die* die, Visitor visit) {
  Dwarf_Die child;
  if (dwarf_child(die, &child) != 0) return;
  for (const void* last = nullptr; child.addr > last;) {
    last = child.addr;
    Dwarf_Die current = child;  // `visit` may change it
    if (!visit(current) || dwarf_siblingof(&child, &child) != 0) return;
  }
}

// Attributes, also those of the declaration or abstract function that an entry refers to. nullptr, 0, nothing: absent.
const char* text_of(Dwarf_Die* die, unsigned attribute);
const char* linkage_name(Dwarf_Die* die);
uint64_t number(Dwarf_Die* die, unsigned attribute);
std::optional<Dwarf_Die> referred(Dwarf_Die* die, unsigned attribute);

// A source file as an absolute path, if the unit says relative to what.
std::string absolute(const char* file, Dwarf_Die* unit);

// The source file that an entry says it is declared in; empty: not known.
std::string declaration_file(Dwarf_Die* die);

// What a scope adds to the names inside it; local classes are named after their function, too. Empty: nothing.
std::string scope_name(Dwarf_Die* scope, int tag);

// The scopes of a name, as they stand before it: "space::Class::", "function()::". Those of its declaration, as a
// definition may stand outside of its class.
std::string scopes_of(Dwarf_Die die, EntryBudget& budget);

}  // namespace tidemark::symbols
