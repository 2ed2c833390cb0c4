#include "types.h"

#include <cmath>
#include <cstdio>

namespace tombo {

void List::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return;
  if (capacity > UINT32_MAX) throw Error("the list is too long");
  auto* items = static_cast<Value*>(allocate(capacity * sizeof(Value)));
  for (std::size_t i = 0; i < size_; ++i) {
    new (&items[i]) Value(std::move(items_[i]));
    items_[i].~Value();
  }
  if (items_ != nullptr) deallocate(items_, capacity_ * sizeof(Value));
  items_ = items;
  capacity_ = static_cast<std::uint32_t>(capacity);
}

void List::append(Value value) {
  if (size_ == capacity_) {
    const std::size_t size = std::size_t{size_} + 1;
    reserve((size + size / 8 + 6) & ~std::size_t{3});
  }
  new (&items_[size_++]) Value(std::move(value));
}

void List::free_items() {
  Value* items = std::exchange(items_, nullptr);
  const std::size_t size = std::exchange(size_, 0);
  const std::size_t capacity = std::exchange(capacity_, 0);
  for (std::size_t i = 0; i < size; ++i) items[i].~Value();
  if (items != nullptr) deallocate(items, capacity * sizeof(Value));
}

void List::visit(See see, void* context) {
  for (const Value& item : items()) visit_value(item, see, context);
}

void List::clear() { free_items(); }

namespace {

// Integers are their own hash, spread by a multiplication.
std::uint64_t hash_of(const Value& key) {
  if (const auto* string = key.as<String>()) return string->hash;
  if (key.is_integer()) return static_cast<std::uint64_t>(key.as_integer()) * 0x9e3779b97f4a7c15u >> 8;
  throw Error(std::string("a key must be a string or an integer, and not ") + kind_name(key.kind()));
}

}  // namespace

void Table::allocate_slots(std::size_t capacity) {
  slots_ = static_cast<Slot*>(allocate(capacity * sizeof(Slot)));
  capacity_ = static_cast<std::uint32_t>(capacity);
  for (Slot& slot : slots()) new (&slot) Slot;
}

void Table::free_slots() {
  for (Slot& slot : slots()) slot.~Slot();
  deallocate(slots_, bytes());
}

Table::Slot& Table::place(std::uint64_t hash, const Value& key) const {
  for (std::size_t i = hash;; ++i) {
    Slot& slot = slots_[i & (capacity_ - 1)];
    if (slot.key.is_none() || slot.key.is_same(key) || (slot.hash == hash && equal(slot.key, key))) return slot;
  }
}

Table::Slot* Table::find(const Value& key) const {
  Slot& slot = place(hash_of(key), key);
  return slot.key.is_none() ? nullptr : &slot;
}

void Table::set(const Value& key, Value value) {
  const std::uint64_t hash = hash_of(key);
  Slot* slot = &place(hash, key);
  if (slot->key.is_none()) {
    if ((size_ + 1) * 3 > capacity_ * 2) {
      const std::span<Slot> old = slots();
      allocate_slots(old.size() * 2);
      for (Slot& left : old) {
        if (!left.key.is_none()) std::swap(place(left.hash, left.key), left);
        left.~Slot();
      }
      deallocate(old.data(), old.size_bytes());
      ++version_;
      slot = &place(hash, key);
    }
    ++size_;
    slot->hash = hash;
    slot->key = key;
  }
  slot->value = std::move(value);
}

bool Table::remove(const Value& key) {
  Slot* slot = find(key);
  if (slot == nullptr) return false;
  Slot removed = std::move(*slot);
  *slot = Slot();
  // Those behind it that could not have its place move up.
  const std::size_t mask = capacity_ - 1;
  std::size_t hole = static_cast<std::size_t>(slot - slots_);
  for (std::size_t i = (hole + 1) & mask; !slots_[i].key.is_none(); i = (i + 1) & mask) {
    if (((i - slots_[i].hash) & mask) < ((i - hole) & mask)) continue;
    slots_[hole] = std::exchange(slots_[i], Slot());
    hole = i;
  }
  --size_;
  ++version_;
  return true;
}

void Table::clear() {
  for (Slot& slot : slots()) {
    const Slot removed = std::exchange(slot, Slot());
  }
  size_ = 0;
  ++version_;
}

void Table::visit(Container::See see, void* context, void (*visit_value)(const Value&, Container::See, void*)) const {
  for (const Slot& slot : slots()) visit_value(slot.value, see, context);
}

void Environment::visit(See see, void* context) {
  if (parent) see(context, *parent);
  variables.visit(see, context, visit_value);
}

void Environment::clear() {
  variables.clear();
  parent = {};
}

void Function::visit(See see, void* context) {
  if (closure) see(context, *closure);
}

void Function::clear() { closure = {}; }

Value float_value(double number) { return make<Float>(number); }

Value number_value(double number) {
  constexpr double kExact = 1LL << 53;
  if (number == std::floor(number) && std::fabs(number) <= kExact) {
    return Value::integer(static_cast<std::int64_t>(number));
  }
  return float_value(number);
}

bool equal(const Value& left, const Value& right) {
  if (left.is_same(right)) return true;
  if (const auto* string = left.as<String>()) {
    const auto* other = right.as<String>();
    return other != nullptr && string->hash == other->hash && string->text == other->text;
  }
  if (left.kind() == Kind::kFloat || right.kind() == Kind::kFloat) {
    const auto is_number = [](Kind kind) { return kind == Kind::kFloat || kind == Kind::kInteger; };
    return is_number(left.kind()) && is_number(right.kind()) && to_number(left) == to_number(right);
  }
  const auto* list = left.as<List>();
  const auto* other = right.as<List>();
  return list != nullptr && other != nullptr &&
         std::equal(list->items().begin(), list->items().end(), other->items().begin(), other->items().end(), equal);
}

bool is_true(const Value& value) {
  switch (value.kind()) {
    case Kind::kNone:
      return false;
    case Kind::kBoolean:
      return value.as_boolean();
    case Kind::kInteger:
      return value.as_integer() != 0;
    case Kind::kFloat:
      return value.as<Float>()->number != 0;
    case Kind::kString:
      return !value.as<String>()->text.empty();
    case Kind::kList:
      return !value.as<List>()->items().empty();
    case Kind::kDict:
      return value.as<Dict>()->table.size() != 0;
    default:
      return true;
  }
}

double to_number(const Value& value) {
  if (value.is_integer()) return static_cast<double>(value.as_integer());
  if (const auto* number = value.as<Float>()) return number->number;
  if (value.kind() == Kind::kBoolean) return value.as_boolean() ? 1 : 0;
  throw Error(std::string("a number was expected, and not ") + kind_name(value.kind()));
}

const char* kind_name(Kind kind) {
  constexpr std::array<const char*, 13> kNames = {
      "None", "boolean", "integer",     "float", "string",   "range",           "list",
      "dict", "cell",    "environment", "code",  "function", "library function"};
  return kNames[static_cast<std::size_t>(kind)];
}

Text to_text(const Value& value) {
  char digits[32];
  switch (value.kind()) {
    case Kind::kNone:
      return "None";
    case Kind::kBoolean:
      return value.as_boolean() ? "True" : "False";
    case Kind::kInteger:
      std::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(value.as_integer()));
      return digits;
    case Kind::kFloat:
      std::snprintf(digits, sizeof digits, "%.12g", value.as<Float>()->number);
      return digits;
    case Kind::kString:
      return value.as<String>()->text;
    case Kind::kList: {
      Text text = "[";
      for (const Value& item : value.as<List>()->items()) {
        if (text.size() > 1) text += ", ";
        text += item.is_same(value) ? Text("[...]") : to_text(item);
      }
      return text + "]";
    }
    case Kind::kDict: {
      Text text = "{";
      for (const Table::Slot& slot : value.as<Dict>()->table.slots()) {
        if (slot.key.is_none()) continue;
        if (text.size() > 1) text += ", ";
        text += to_text(slot.key) + ": " + (slot.value.is_same(value) ? Text("{...}") : to_text(slot.value));
      }
      return text + "}";
    }
    default:
      return Text("<") + kind_name(value.kind()) + ">";
  }
}

}  // namespace tombo
