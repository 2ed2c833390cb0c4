// Lists, what is computed from lists of numbers, and dicts.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "interpreter.h"

namespace tombo {

namespace {

using Numbers = std::span<const double>;

bool less(const Value& left, const Value& right) {
  const auto* text = left.as<String>();
  const auto* other = right.as<String>();
  if (text != nullptr && other != nullptr) return text->text < other->text;
  return to_number(left) < to_number(right);
}

Value list_of(std::span<const Value> items) {
  Ref<List> list = make<List>();
  list->reserve(items.size());
  for (const Value& item : items) list->append(item);
  return list;
}

std::span<Value> some_items(Arguments arguments) {
  const std::span<Value> items = list_argument(arguments, 0).items();
  if (items.empty()) throw Error("the list is empty");
  return items;
}

Value reverse_list(Interpreter&, Arguments arguments) {
  Value result = list_of(list_argument(arguments, 0).items());
  std::ranges::reverse(result.as<List>()->items());
  return result;
}

Value sort(Interpreter&, Arguments arguments) {
  Value result = list_of(list_argument(arguments, 0).items());
  std::ranges::stable_sort(result.as<List>()->items(), less);
  return result;
}

Value unique(Interpreter&, Arguments arguments) {
  Ref<List> result = make<List>();
  for (const Value& item : list_argument(arguments, 0).items()) {
    if (std::ranges::none_of(result->items(), [&](const Value& other) { return equal(item, other); })) {
      result->append(item);
    }
  }
  return result;
}

Value slice(Interpreter&, Arguments arguments) {
  const std::span<Value> items = list_argument(arguments, 0).items();
  const std::size_t begin = std::min(count_argument(arguments, 1), items.size());
  return list_of(items.subspan(begin, std::min(count_argument(arguments, 2), items.size() - begin)));
}

Value concatenate(Interpreter&, Arguments arguments) {
  Value result = list_of(list_argument(arguments, 0).items());
  for (const Value& item : list_argument(arguments, 1).items()) result.as<List>()->append(item);
  return result;
}

Value index_of(Interpreter&, Arguments arguments) {
  const std::span<Value> items = list_argument(arguments, 0).items();
  const auto found = std::ranges::find_if(items, [&](const Value& item) { return equal(item, arguments[1]); });
  return Value::integer(found == items.end() ? -1 : found - items.begin());
}

Value filled(Interpreter&, Arguments arguments) {
  Ref<List> list = make<List>();
  const std::size_t count = count_argument(arguments, 1);
  list->reserve(count);
  for (std::size_t i = 0; i < count; ++i) list->append(arguments[0]);
  return list;
}

Value map(Interpreter& interpreter, Arguments arguments) {
  const Ref<List> from(&list_argument(arguments, 0));
  Ref<List> result = make<List>();
  for (std::size_t i = 0; i < from->items().size(); ++i) {
    Value argument = from->items()[i];
    result->append(interpreter.call(arguments[1], {&argument, 1}));
  }
  return result;
}

Value filter(Interpreter& interpreter, Arguments arguments) {
  const Ref<List> from(&list_argument(arguments, 0));
  Ref<List> result = make<List>();
  for (std::size_t i = 0; i < from->items().size(); ++i) {
    Value argument = from->items()[i];
    if (is_true(interpreter.call(arguments[1], {&argument, 1}))) result->append(from->items()[i]);
  }
  return result;
}

Value set_item(Interpreter&, Arguments arguments) {
  const std::span<Value> items = list_argument(arguments, 0).items();
  const std::size_t at = count_argument(arguments, 1);
  if (at >= items.size()) throw Error("the list has no such item");
  items[at] = arguments[2];
  return {};
}

constexpr std::array kLists = std::to_array<Entry>({
    {"first", [](Interpreter&, Arguments arguments) { return some_items(arguments).front(); }, "list"},
    {"last", [](Interpreter&, Arguments arguments) { return some_items(arguments).back(); }, "list"},
    {"rest", [](Interpreter&, Arguments arguments) { return list_of(some_items(arguments).subspan(1)); }, "list"},
    {"reverse_list", reverse_list, "list"},
    {"sort", sort, "list"},
    {"unique", unique, "list"},
    {"slice", slice, "list, begin, length"},
    {"concatenate", concatenate, "list, list"},
    {"index_of", index_of, "list, value"},
    {"filled", filled, "value, count"},
    {"map", map, "list, function"},
    {"filter", filter, "list, function"},
    {"set_item", set_item, "list, index, value"},
});

constexpr Operation of(double (*function)(Numbers)) { return function; }

double sum(Numbers numbers) { return std::accumulate(numbers.begin(), numbers.end(), 0.0); }
double mean(Numbers numbers) { return sum(numbers) / static_cast<double>(numbers.size()); }
double variance(Numbers numbers) {
  const double middle = mean(numbers);
  double squares = 0;
  for (const double number : numbers) squares += (number - middle) * (number - middle);
  return squares / static_cast<double>(numbers.size());
}
double median(Numbers numbers) {
  Array<double> sorted(numbers.begin(), numbers.end());
  std::ranges::sort(sorted);
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
double geometric_mean(Numbers numbers) {
  double logarithms = 0;
  for (const double number : numbers) logarithms += std::log(number);
  return std::exp(logarithms / static_cast<double>(numbers.size()));
}

constexpr std::array kStatistics = std::to_array<Entry>({
    {"sum", of(sum)},
    {"mean", of(mean)},
    {"median", of(median)},
    {"smallest", of([](Numbers numbers) { return std::ranges::min(numbers); })},
    {"largest", of([](Numbers numbers) { return std::ranges::max(numbers); })},
    {"spread", of([](Numbers numbers) { return std::ranges::max(numbers) - std::ranges::min(numbers); })},
    {"variance", of(variance)},
    {"deviation", of([](Numbers numbers) { return std::sqrt(variance(numbers)); })},
    {"product",
     of([](Numbers numbers) { return std::accumulate(numbers.begin(), numbers.end(), 1.0, std::multiplies<>()); })},
    {"sum_of_squares",
     of([](Numbers numbers) { return std::inner_product(numbers.begin(), numbers.end(), numbers.begin(), 0.0); })},
    {"geometric_mean", of(geometric_mean)},
});

template <Value Table::Slot::*Part>
Value parts(Interpreter&, Arguments arguments) {
  Ref<List> list = make<List>();
  for (const Table::Slot& slot : dict_argument(arguments, 0).table.slots()) {
    if (!slot.key.is_none()) list->append(slot.*Part);
  }
  return list;
}

Value get(Interpreter&, Arguments arguments) {
  const Table::Slot* slot = dict_argument(arguments, 0).table.find(arguments[1]);
  return slot == nullptr ? arguments[2] : slot->value;
}

Value put(Interpreter&, Arguments arguments) {
  dict_argument(arguments, 0).table.set(arguments[1], arguments[2]);
  return {};
}

Value merge(Interpreter&, Arguments arguments) {
  Ref<Dict> result = make<Dict>();
  for (std::size_t i = 0; i < 2; ++i) {
    for (const Table::Slot& slot : dict_argument(arguments, i).table.slots()) {
      if (!slot.key.is_none()) result->table.set(slot.key, slot.value);
    }
  }
  return result;
}

Value clear(Interpreter&, Arguments arguments) {
  dict_argument(arguments, 0).table.clear();
  return {};
}

constexpr std::array kDicts = std::to_array<Entry>({
    {"keys", parts<&Table::Slot::key>, "dict"},
    {"values", parts<&Table::Slot::value>, "dict"},
    {"has_key",
     [](Interpreter&, Arguments arguments) {
       return Value::boolean(dict_argument(arguments, 0).table.find(arguments[1]) != nullptr);
     },
     "dict, key"},
    {"get", get, "dict, key, value"},
    {"put", put, "dict, key, value"},
    {"remove_key",
     [](Interpreter&, Arguments arguments) {
       return Value::boolean(dict_argument(arguments, 0).table.remove(arguments[1]));
     },
     "dict, key"},
    {"merge", merge, "dict, dict"},
    {"clear", clear, "dict"},
});

constexpr std::array kLibraries = std::to_array<LibraryEntries>({
    {"lists", kLists},
    {"statistics", kStatistics},
    {"dicts", kDicts},
});

}  // namespace

std::span<const LibraryEntries> list_libraries() { return kLibraries; }

}  // namespace tombo
