// What debug information says about types: their names, sizes, and which member lies at an offset. Answers are kept per
// type, and the work is bounded by the budget: when it is spent, names lose their scopes. Not thread-safe.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "analyzer/symbols/dwarf_tools.h"

namespace tidemark::symbols {

// A member of a type: "a.b[2].c". Base classes and members without a name add nothing to the path. It ends at types of
// the standard library: what is inside a vector is the vector. Of these only pairs and arrays have parts that people
// know.
struct Field {
  std::string path;  // empty: the whole object
  std::string type;
};

class DwarfTypes {
 public:
  // `budget` must outlive this.
  explicit DwarfTypes(EntryBudget& budget) : budget_(budget) {}

  // As people write it: std::string, const char*, app::Server[4].
  std::string name(Dwarf_Die type);
  // In bytes; 0: not known.
  uint64_t size(Dwarf_Die type) { return size(type, 0); }
  // What covers the byte at `offset`; nothing if that is padding or beyond the end.
  std::optional<Field> field(Dwarf_Die type, uint64_t offset);

  // The name of a variable, function or type with its scopes, template arguments as the compiler wrote them.
  std::string qualified_name(Dwarf_Die die);

 private:
  struct Member {
    Dwarf_Die die, type;
    uint64_t offset = 0;
    uint64_t bytes = 0;  // 0: not known
    bool base = false;
  };

  std::string name(Dwarf_Die type, int depth);
  uint64_t size(Dwarf_Die type, int depth);
  bool is_library_type(Dwarf_Die* type);
  bool is_wrapper(Dwarf_Die* type, std::string_view name);
  std::optional<Member> member_at(Dwarf_Die* type, uint64_t offset, int depth);
  bool find_field(Dwarf_Die type, uint64_t offset, int depth, Field& field);

  EntryBudget& budget_;
  std::unordered_map<const void*, std::string> qualified_names_;  // by the entry's place
};

}  // namespace tidemark::symbols
