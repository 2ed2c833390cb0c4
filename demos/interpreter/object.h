// Objects with reference counts, and the values that hold them.
//
// A Value is one word: a small integer, None, True or False in the word itself, or the address of an object. The count
// of an object is the number of Values and Refs that hold it, so that it goes with the last of them. Containers, the
// objects that can hold others, can also be in cycles, where no count ever falls to zero: collector.h.
#pragma once

#include <cassert>
#include <cstdint>
#include <utility>

#include "memory_use.h"

namespace tombo {

enum class Kind : std::uint8_t {
  kNone,
  kBoolean,
  kInteger,
  kFloat,
  kString,
  kRange,
  kList,
  kDict,
  kCell,
  kEnvironment,
  kCode,
  kFunction,
  kNative,
};

class Object {
 public:
  explicit Object(Kind kind) : kind_(kind) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;

  // Out of line: GCC 12 takes one that it inlines, beside one that it does not, for a mismatch.
  static void* operator new(std::size_t size);
  static void operator delete(void* block, std::size_t size);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] std::uint32_t references() const { return references_; }
  // The object with its tables, and without what it refers to.
  [[nodiscard]] virtual std::size_t bytes() const = 0;

  void retain() { ++references_; }
  void release() {
    if (--references_ == 0) {
      delete this;
    } else if (may_be_in_cycle_) {
      became_candidate();
    }
  }

 private:
  void became_candidate();

  std::uint32_t references_ = 0;
  Kind kind_;

 protected:
  // Whether a count that fell, but not to zero, makes it a candidate of the collector.
  bool may_be_in_cycle_ = false;
};

// Holds an object whose type is known; may be empty.
template <typename Type>
class Ref {
 public:
  Ref() = default;
  explicit Ref(Type* object) : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }

  Type* get() const { return object_; }
  Type* operator->() const { return object_; }
  Type& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  Type* object_ = nullptr;
};

template <typename Type, typename... Arguments>
[[nodiscard]] Ref<Type> make(Arguments&&... arguments) {
  return Ref<Type>(new Type(std::forward<Arguments>(arguments)...));
}

class Value {
 public:
  Value() = default;  // None
  explicit Value(Object* object) : word_(reinterpret_cast<std::uintptr_t>(object)) { object->retain(); }
  template <typename Type>
  Value(const Ref<Type>& object) : Value(object.get()) {}  // NOLINT(google-explicit-constructor): a value as it is
  Value(const Value& other) : word_(other.word_) {
    if (is_object()) object()->retain();
  }
  Value(Value&& other) noexcept : word_(std::exchange(other.word_, kNoneWord)) {}
  Value& operator=(Value other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~Value() {
    if (is_object()) object()->release();
  }

  static Value boolean(bool value) { return Value(Word{value ? kTrueWord : kFalseWord}); }
  // Of at most 63 bits.
  static Value integer(std::int64_t value) { return Value(Word{static_cast<std::uintptr_t>(value) << 1 | 1}); }
  static constexpr std::int64_t kMostInteger = INT64_MAX >> 1;

  [[nodiscard]] bool is_object() const { return (word_ & 3) == 0; }
  [[nodiscard]] bool is_integer() const { return (word_ & 1) != 0; }
  [[nodiscard]] bool is_none() const { return word_ == kNoneWord; }
  [[nodiscard]] bool is_same(const Value& other) const { return word_ == other.word_; }
  [[nodiscard]] std::uintptr_t word() const { return word_; }

  [[nodiscard]] Kind kind() const {
    if (is_integer()) return Kind::kInteger;
    if (is_object()) return object()->kind();
    return is_none() ? Kind::kNone : Kind::kBoolean;
  }
  [[nodiscard]] Object* object() const {
    assert(is_object());
    return reinterpret_cast<Object*>(word_);
  }
  [[nodiscard]] std::int64_t as_integer() const { return static_cast<std::int64_t>(word_) >> 1; }
  [[nodiscard]] bool as_boolean() const { return word_ == kTrueWord; }

  // The object, where it is of that type; otherwise null.
  template <typename Type>
  [[nodiscard]] Type* as() const {
    return kind() == Type::kKind ? static_cast<Type*>(object()) : nullptr;
  }

 private:
  struct Word {
    std::uintptr_t bits;
  };
  explicit Value(Word word) : word_(word.bits) {}

  // Addresses of objects end in four zero bits, integers in a one.
  static constexpr std::uintptr_t kNoneWord = 2, kFalseWord = 6, kTrueWord = 10;
  std::uintptr_t word_ = kNoneWord;
};

}  // namespace tombo
