#include "analyzer/symbols/block_types.h"

#include <algorithm>
#include <array>
#include <vector>

#include "analyzer/base/short_names.h"
#include "analyzer/symbols/template_name.h"

namespace tidemark::symbols {
namespace {

// An allocation through the deepest container has some ten frames of the library.
constexpr size_t kMaxFrames = 32;
constexpr size_t kMaxNameBytes = 16384;

// Where the parts of nodes lie on 64-bit systems, in bytes. Objects that need an alignment of more than 8 lie further.
constexpr uint64_t kSharedObject = 16;        // libstdc++: vtable, two counts of 4
constexpr uint64_t kLibcxxSharedObject = 24;  // libc++: vtable, two counts of 8
constexpr uint64_t kTreeValue = 32;           // both: colour and three links
constexpr uint64_t kListValue = 16;           // both: two links
constexpr uint64_t kHashValue = 8;            // libstdc++: one link
constexpr uint64_t kLibcxxHashValue = 16;     // libc++: link and hash

// Inline namespaces of ABI versions are gone behind this, so that there is one spelling of each name.
std::string normalized(std::string_view name) {
  std::string text(name.substr(0, kMaxNameBytes));
  for (const std::string_view version : {"__cxx11::", "__1::", "__ndk1::", "__cxx1998::", "__debug::"}) {
    const std::string inside = "std::" + std::string(version);
    for (size_t at = 0; (at = text.find(inside, at)) != std::string::npos;) text.replace(at, inside.size(), "std::");
  }
  return text;
}

std::string shown(std::string_view type) { return short_name(without_parameters(type)); }

// "app::A::run" of "app::(anonymous namespace)::A<int>::run<X>()": where a closure comes from, not which instance.
std::string plain_function(std::string_view name) {
  std::string plain;
  std::string_view left = name;
  for (TemplateName split = split_template(left); !left.empty(); split = split_template(left)) {
    plain += split.name;
    left = split.rest;
  }
  for (const std::string_view nothing : {"(anonymous namespace)::", "{anonymous}::"}) {
    for (size_t at = 0; (at = plain.find(nothing, at)) != std::string::npos;) plain.erase(at, nothing.size());
  }
  if (plain.ends_with("()")) plain.resize(plain.size() - 2);
  return plain.empty() ? std::string(name) : plain;
}

// "main::{lambda()#1}", g++'s "main()::<lambda()>", clang's "main::$_0": the function; empty: no closure.
std::string function_of_closure(std::string_view type) {
  while (!type.empty() && (type.back() == '&' || type.back() == ' ')) type.remove_suffix(1);
  if (type.ends_with(" const")) type.remove_suffix(6);
  const std::string plain = without_parameters(type);
  for (const std::string_view mark : {"::{lambda", "::<lambda", "::$_", "::'lambda"}) {
    const size_t at = plain.rfind(mark);
    if (at == std::string::npos || at == 0) continue;
    if (plain.find('>', at) != std::string::npos && mark != "::<lambda") continue;  // inside an argument list
    return plain_function(short_name(plain.substr(0, at)));
  }
  return {};
}

BlockType closure_type(std::string_view type) {
  const std::string function = function_of_closure(type);
  if (!function.empty()) return {"closure of " + function, std::string(type), 0, false};
  return {"callable " + shown(type), std::string(type), 0, false};
}

std::string without_pointer(std::string_view type) {
  while (!type.empty() && (type.back() == '*' || type.back() == ' ')) type.remove_suffix(1);
  return std::string(type);
}

std::string of_pair(std::string_view pair) {
  const TemplateName split = split_template(pair);
  std::string_view key = split.argument(0);
  if (key.ends_with(" const")) key.remove_suffix(6);
  return std::string(key) + ", " + std::string(split.argument(1));
}

// A node of a tree or hash table: of a map if its values are pairs with a constant key.
BlockType node_type(std::string_view map, std::string_view set, std::string_view value, uint64_t offset) {
  const TemplateName split = split_template(value);
  const bool pair = split.name == "std::pair" && split.argument(0).ends_with(" const");
  const bool libcxx_pair = split.name == "std::__value_type" || split.name == "std::__hash_value_type";
  std::string object(value);
  if (libcxx_pair) {
    object = "std::pair<" + std::string(split.argument(0)) + " const, " + std::string(split.argument(1)) + " >";
  }
  const std::string arguments = pair || libcxx_pair ? of_pair(value) : std::string(value);
  const std::string container = std::string(pair || libcxx_pair ? map : set) + "<" + arguments + ">";
  return {"node of " + shown(container), object, offset, false};
}

// The classes that the library allocates for its own use.
std::optional<BlockType> library_class(std::string_view type) {
  const TemplateName split = split_template(type);
  const std::string_view name = split.name;
  if (!split.rest.empty() && split.rest.find_first_not_of(' ') != std::string_view::npos) return std::nullopt;
  const std::string first(split.argument(0));
  if (name == "std::_Sp_counted_ptr_inplace") return BlockType{shown(first), first, kSharedObject, false};
  if (name == "std::__shared_ptr_emplace") return BlockType{shown(first), first, kLibcxxSharedObject, false};
  if (name == "std::_Sp_counted_ptr" || name == "std::_Sp_counted_deleter" || name == "std::__shared_ptr_pointer") {
    return BlockType{"control block of " + shown(without_pointer(first)), "", 0, false};
  }
  if (name == "std::_Rb_tree_node") return node_type("std::map", "std::set", first, kTreeValue);
  if (name == "std::__tree_node") return node_type("std::map", "std::set", first, kTreeValue);
  if (name == "std::__detail::_Hash_node")
    return node_type("std::unordered_map", "std::unordered_set", first, kHashValue);
  if (name == "std::__hash_node") return node_type("std::unordered_map", "std::unordered_set", first, kLibcxxHashValue);
  if (name == "std::_List_node" || name == "std::__list_node")
    return BlockType{"node of std::list<" + shown(first) + ">", first, kListValue, false};
  if (name == "std::_Fwd_list_node" || name == "std::__forward_list_node")
    return BlockType{"node of std::forward_list<" + shown(first) + ">", first, kHashValue, false};
  if (name == "std::__function::__func") {
    BlockType closure = closure_type(first);
    closure.object_offset = 8;  // behind its vtable
    return closure;
  }
  if (name == "std::thread::_State_impl") {
    // _State_impl<_Invoker<tuple<F, arguments...>>>
    const TemplateName invoker = split_template(first);
    const TemplateName tuple = split_template(invoker.argument(0));
    const std::string function = function_of_closure(tuple.argument(0));
    return BlockType{"start of std::thread" + (function.empty() ? "" : " in " + function), "", 0, false};
  }
  return std::nullopt;
}

bool is_library(std::string_view name) {
  return name.starts_with("std::") || name.starts_with("__gnu_cxx::") || name.starts_with("boost::");
}

bool is_allocation_function(std::string_view name) {
  return name == "malloc" || name == "calloc" || name == "aligned_alloc" || name == "memalign" ||
         name == "posix_memalign" || name == "realloc" || name.starts_with("operator new");
}

// What an allocator's frame allocates: "std::__new_allocator<T>::allocate" -> T.
std::string_view element_of(const TemplateName& frame) {
  const std::string_view first = frame.argument(0);
  const bool named_allocate = frame.rest.starts_with("::allocate");
  if (frame.name == "std::allocator_traits" || frame.name == "__gnu_cxx::__alloc_traits") {
    return named_allocate ? split_template(first).argument(0) : "";
  }
  if (frame.name == "std::__allocate_guarded") return split_template(first).argument(0);
  const bool allocator = frame.name.find("lloc") != std::string_view::npos;
  return named_allocate && allocator ? first : "";
}

BlockType buffer_of(std::string_view container, std::string_view element) {
  return {"buffer of " + shown(std::string(container) + "<" + std::string(element) + ">"), std::string(element), 0,
          true};
}

std::string container_of(const TemplateName& frame) {
  const std::string_view name = frame.name;
  const auto is = [name](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (is({"std::vector", "std::_Vector_base", "std::_Bvector_base"})) return "std::vector";
  if (is({"std::deque", "std::_Deque_base"})) return "std::deque";
  if (is({"std::basic_string"})) return "std::basic_string";
  if (is({"std::_Rb_tree", "std::__tree", "std::map", "std::set", "std::multimap", "std::multiset"})) return "tree";
  if (is({"std::_Hashtable", "std::__hash_table", "std::unordered_map", "std::unordered_set", "std::unordered_multimap",
          "std::unordered_multiset"}))
    return "hash table";
  if (is({"std::list", "std::_List_base", "std::__list_imp"})) return "std::list";
  return {};
}

// The frame of a container, or of a function that makes objects; `element` is what its allocator was asked for.
std::optional<BlockType> type_of_frame(const TemplateName& frame, std::string_view element) {
  const std::string first(frame.argument(0));
  if (first.empty()) return std::nullopt;
  if (frame.name == "std::make_unique" || frame.name == "std::make_unique_for_overwrite") {
    if (!first.ends_with("[]")) return class_type(first);
    return BlockType{shown(first), first.substr(0, first.size() - 2), 0, true};
  }
  if (frame.name == "std::make_shared" || frame.name == "std::allocate_shared")
    return BlockType{shown(first), first, kSharedObject, false};
  if (frame.name == "std::__shared_count" || frame.name == "std::__shared_ptr" || frame.name == "std::shared_ptr") {
    // The constructor from a pointer: std::__shared_count<(_Lock_policy)2>::__shared_count<T*>.
    const TemplateName constructor = split_template(frame.rest);
    if (constructor.name == "::__shared_count" && constructor.argument(0).ends_with('*'))
      return BlockType{"control block of " + shown(without_pointer(constructor.argument(0))), "", 0, false};
    if (frame.name == "std::__shared_count") return std::nullopt;
    return BlockType{"control block of " + shown(first), "", 0, false};
  }
  if (frame.name == "std::_Function_base::_Base_manager") return closure_type(first);
  if (frame.name == "std::function") {
    const TemplateName constructor = split_template(frame.rest);
    if (constructor.name == "::function" && !constructor.argument(0).empty())
      return closure_type(constructor.argument(0));
    return std::nullopt;
  }
  if (frame.name == "std::thread::_State_impl") return library_class(std::string(frame.name) + "<" + first + ">");
  const std::string container = container_of(frame);
  if (container == "std::vector") return buffer_of("std::vector", first);
  if (container == "std::basic_string")
    return BlockType{"characters of " + shown(first == "char" ? "std::string" : "std::basic_string<" + first + ">"), "",
                     0, false};
  if (container == "std::deque") {
    const bool index = element == first + "*" || frame.rest.starts_with("::_M_allocate_map") ||
                       frame.rest.starts_with("::_M_reallocate_map");
    if (index) return BlockType{"index of std::deque<" + shown(first) + ">", "", 0, false};
    return BlockType{"part of std::deque<" + shown(first) + ">", first, 0, true};
  }
  if (container == "std::list") return BlockType{"node of std::list<" + shown(first) + ">", first, kListValue, false};
  if (frame.name == "std::_Rb_tree") return node_type("std::map", "std::set", frame.argument(1), kTreeValue);
  if (frame.name == "std::_Hashtable") {
    const bool buckets = element.starts_with("std::__detail::_Hash_node_base*") ||
                         frame.rest.starts_with("::_M_rehash") || frame.rest.starts_with("::_M_allocate_buckets");
    BlockType node = node_type("std::unordered_map", "std::unordered_set", frame.argument(1), kHashValue);
    if (!buckets) return node;
    return BlockType{"buckets of " + node.text.substr(std::string_view("node of ").size()), "", 0, false};
  }
  if (container == "hash table" || container == "tree") {
    const bool map = frame.name.ends_with("map");
    const std::string arguments = first + (map ? ", " + std::string(frame.argument(1)) : "");
    const std::string text = std::string(frame.name) + "<" + arguments + ">";
    if (frame.name.starts_with("std::__")) return std::nullopt;
    return BlockType{"node of " + shown(text), "", 0, false};
  }
  return std::nullopt;
}

// A multimap's nodes are those of a map; the container's own frame further out tells.
void name_container(BlockType& type, const TemplateName& frame) {
  static constexpr std::array<std::string_view, 4> kMulti = {"std::multimap", "std::multiset",
                                                             "std::unordered_multimap", "std::unordered_multiset"};
  if (std::find(kMulti.begin(), kMulti.end(), frame.name) == kMulti.end()) return;
  std::string plain(frame.name);
  plain.erase(plain.find("multi"), 5);
  const size_t at = type.text.find(plain + "<");
  if (at != std::string::npos) type.text.replace(at, plain.size(), frame.name);
}

}  // namespace

BlockType class_type(std::string_view class_name) {
  const std::string name = normalized(class_name);
  if (std::optional<BlockType> type = library_class(name)) return *type;
  const std::string function = function_of_closure(name);
  if (!function.empty()) return {"closure of " + function, name, 0, false};
  return {shown(name), name, 0, false};
}

std::optional<BlockType> allocated_type(std::span<const std::string> functions) {
  std::string element;
  std::optional<BlockType> type;
  for (size_t i = 0; i < functions.size() && i < kMaxFrames; ++i) {
    const std::string name = normalized(functions[i]);
    if (is_allocation_function(name)) continue;
    const TemplateName frame = split_template(name);
    const std::string_view asked_for = element_of(frame);
    if (!asked_for.empty()) {
      if (element.empty()) element = asked_for;
      // A program's own allocator is followed by the library's frames; the library's own by more of them.
      continue;
    }
    if (!is_library(name)) break;
    if (type) {
      name_container(*type, frame);
      continue;
    }
    if (!element.empty()) type = library_class(element);
    if (type)
      name_container(*type, frame);
    else
      type = type_of_frame(frame, element);
  }
  if (type || element.empty()) return type;
  if ((type = library_class(element))) return type;
  return BlockType{shown(element) + "[]", element, 0, true};
}

}  // namespace tidemark::symbols
