// What a program is after it was read: a tree of nodes, and for each function definition a Code that outlives the
// program it stood in.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "object.h"

namespace tombo {

// A string cannot be changed; names are interned, so that equal names are one string.
class String final : public Object {
 public:
  static constexpr Kind kKind = Kind::kString;
  explicit String(Text text) : Object(kKind), text(std::move(text)), hash(hash_text(this->text)) {}
  [[nodiscard]] std::size_t bytes() const override {
    return sizeof *this + (text.capacity() > 15 ? text.capacity() + 1 : 0);
  }

  // FNV-1a.
  static std::uint64_t hash_text(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char character : text) hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3u;
    return hash;
  }

  Text text;
  std::uint64_t hash;
};

enum class NodeKind : std::uint8_t {
  kBlock,   // statements
  kLet,     // name, value
  kChange,  // name, value
  kDefine,  // code
  kFor,     // name, what is iterated, block
  kIf,      // condition, block, perhaps another
  kUse,     // name
  kLiteral,
  kName,
  kList,   // items
  kDict,   // keys and values by turns
  kCall,   // function, arguments
  kIndex,  // of what, index
  kUnary,
  kBinary,
  kAnd,
  kOr,
};

enum class Operator : std::uint8_t {
  kNone,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
  kEqual,
  kUnequal,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kNegate,
  kNot,
};

// A place in the program's text; both count from 1.
struct Place {
  std::uint32_t line = 0, column = 0;
};

struct Node {
  static void* operator new(std::size_t size) { return allocate(size); }
  static void operator delete(void* block, std::size_t size) { deallocate(block, size); }

  NodeKind kind = NodeKind::kLiteral;
  Operator operation = Operator::kNone;
  Place from, to;
  Ref<String> name;
  Value value;  // of a literal; the Code of a definition
  Array<std::unique_ptr<Node>> children;
};

struct Parameter {
  Ref<String> name;
  Text description;
  Place from, to;
};

class Code final : public Object {
 public:
  static constexpr Kind kKind = Kind::kCode;
  Code() : Object(kKind) {}
  [[nodiscard]] std::size_t bytes() const override { return sizeof *this; }

  Ref<String> name;
  Array<Parameter> parameters;
  Array<Ref<String>> outer_names;  // used, and neither parameters nor bound inside
  Text source;                     // for people
  std::unique_ptr<Node> body;
};

}  // namespace tombo
