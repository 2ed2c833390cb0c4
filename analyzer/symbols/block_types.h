// What a heap block holds, as far as names tell: the class whose vtable it points to, or the template arguments of the
// functions that allocated it. Knows libstdc++ and libc++.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tidemark::symbols {

struct BlockType {
  std::string text;            // for people: "app::Session", "node of std::map<int, A>", "closure of main"
  std::string object;          // the type whose members the block holds, for ModuleSymbols::field_at; empty: none
  uint64_t object_offset = 0;  // where it (or the first one) lies in the block, in bytes
  bool repeated = false;       // an array of `object`
};

// Of an object of this class (demangled): most stand for themselves, some are the standard library's wrappers.
BlockType class_type(std::string_view class_name);

// `functions` innermost first, demangled without parameters, as ModuleSymbols::resolve() has them; only the
// allocation's own frames are looked at, up to the first that is not the standard library's. Nothing: they do not tell
// (plain new, C).
std::optional<BlockType> allocated_type(std::span<const std::string> functions);

}  // namespace tidemark::symbols
