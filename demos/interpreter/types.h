// The types of the language: numbers, strings, ranges, lists, dicts, and what functions and their variables are made
// of.
#pragma once

#include <array>
#include <span>
#include <stdexcept>
#include <string_view>

#include "collector.h"
#include "syntax.h"

namespace tombo {

// What a program did wrong; for people.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Float final : public Object {
 public:
  static constexpr Kind kKind = Kind::kFloat;
  explicit Float(double number) : Object(kKind), number(number) {}
  [[nodiscard]] std::size_t bytes() const override { return sizeof *this; }

  double number;
};

// The integers from `first` up to, and without, `last`.
class Range final : public Object {
 public:
  static constexpr Kind kKind = Kind::kRange;
  Range(std::int64_t first, std::int64_t last) : Object(kKind), first(first), last(last) {}
  [[nodiscard]] std::size_t bytes() const override { return sizeof *this; }

  std::int64_t first, last;
};

// Grows as CPython's lists do, by an eighth: 8,856 bytes for 1000 items that were appended one by one.
class List final : public Container {
 public:
  static constexpr Kind kKind = Kind::kList;
  List() : Container(kKind) {}
  ~List() override { free_items(); }

  [[nodiscard]] std::span<Value> items() const { return {items_, size_}; }
  void reserve(std::size_t capacity);
  void append(Value value);

  [[nodiscard]] std::size_t bytes() const override { return sizeof *this + capacity_ * sizeof(Value); }
  void visit(See see, void* context) override;
  void clear() override;

 private:
  void free_items();

  Value* items_ = nullptr;
  std::uint32_t size_ = 0, capacity_ = 0;
};
static_assert(sizeof(List) == 56, "as much as CPython's");

// Keys (strings, integers) and their values, in open addressing.
class Table {
 public:
  explicit Table(std::size_t capacity) { allocate_slots(capacity); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() { free_slots(); }

  struct Slot {
    std::uint64_t hash = 0;
    Value key;  // None: empty
    Value value;
  };

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<Slot> slots() const { return {slots_, capacity_}; }
  // Its slot, or null.
  [[nodiscard]] Slot* find(const Value& key) const;
  void set(const Value& key, Value value);
  bool remove(const Value& key);
  void clear();
  // While it stays the same, so do the places of all keys that were found.
  [[nodiscard]] std::uint32_t version() const { return version_; }

  [[nodiscard]] std::size_t bytes() const { return capacity_ * sizeof(Slot); }
  void visit(Container::See see, void* context, void (*visit_value)(const Value&, Container::See, void*)) const;

 private:
  void allocate_slots(std::size_t capacity);
  void free_slots();
  [[nodiscard]] Slot& place(std::uint64_t hash, const Value& key) const;

  Slot* slots_ = nullptr;
  std::uint32_t capacity_ = 0, size_ = 0, version_ = 0;
};

class Dict final : public Container {
 public:
  static constexpr Kind kKind = Kind::kDict;
  Dict() : Container(kKind), table(8) {}
  [[nodiscard]] std::size_t bytes() const override { return sizeof *this + table.bytes(); }
  void visit(See see, void* context) override { table.visit(see, context, visit_value); }
  void clear() override { table.clear(); }

  Table table;
};

// A variable that a function took with it from where it was defined: both have the cell in their environments.
class Cell final : public Container {
 public:
  static constexpr Kind kKind = Kind::kCell;
  explicit Cell(Value value) : Container(kKind), value(std::move(value)) {}
  [[nodiscard]] std::size_t bytes() const override { return sizeof *this; }
  void visit(See see, void* context) override { visit_value(value, see, context); }
  void clear() override { value = {}; }

  Value value;
};

// The variables of a scope: of the program, of a call, or those that a function took with it. A scope's parent is where
// names are looked up that it does not have.
class Environment final : public Container {
 public:
  static constexpr Kind kKind = Kind::kEnvironment;
  explicit Environment(Ref<Environment> parent) : Container(kKind), parent(std::move(parent)), variables(16) {}
  [[nodiscard]] std::size_t bytes() const override { return sizeof *this + variables.bytes(); }
  void visit(See see, void* context) override;
  void clear() override;

  Ref<Environment> parent;
  Table variables;
};

class Function final : public Container {
 public:
  static constexpr Kind kKind = Kind::kFunction;
  Function(Ref<Code> code, Ref<Environment> closure)
      : Container(kKind), code(std::move(code)), closure(std::move(closure)) {}
  [[nodiscard]] std::size_t bytes() const override { return sizeof *this; }
  void visit(See see, void* context) override;
  void clear() override;

  // Where a global variable was found last.
  struct CachedPlace {
    const String* name = nullptr;
    std::uint32_t version = 0;
    std::uint32_t slot = 0;
  };
  static constexpr std::size_t kCachedPlaces = 73;

  Ref<Code> code;
  Ref<Environment> closure;
  std::array<CachedPlace, kCachedPlaces> cached_places;
};

[[nodiscard]] Value number_value(double number);  // an integer where it is one
[[nodiscard]] Value float_value(double number);
[[nodiscard]] bool equal(const Value& left, const Value& right);
[[nodiscard]] bool is_true(const Value& value);
// Throws Error where it is none.
[[nodiscard]] double to_number(const Value& value);
[[nodiscard]] const char* kind_name(Kind kind);
// As `print` writes it.
[[nodiscard]] Text to_text(const Value& value);

}  // namespace tombo
