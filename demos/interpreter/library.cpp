#include "library.h"

#include <algorithm>
#include <array>

#include "interpreter.h"
#include "lexer.h"
#include "parser.h"

namespace tombo {

namespace {

struct ParametersOf {
  std::string_view operator()(double (*)(double)) const { return "number"; }
  std::string_view operator()(double (*)(double, double)) const { return "left, right"; }
  std::string_view operator()(Conversion) const { return "amount"; }
  std::string_view operator()(Text (*)(const Text&)) const { return "text"; }
  std::string_view operator()(double (*)(const Text&)) const { return "text"; }
  std::string_view operator()(bool (*)(const Text&)) const { return "text"; }
  std::string_view operator()(double (*)(std::span<const double>)) const { return "numbers"; }
  std::string_view operator()(Value (*)(Interpreter&, Arguments)) const { return ""; }
};

// An argument for the example of a function, by what its parameter is called.
std::string_view example_argument(std::string_view parameter) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kExamples = {{
      {"text", "\"a text of several words\""},
      {"part", "\"words\""},
      {"other", "\"letters\""},
      {"list", "[3, 1, 4, 1, 5, 9, 2, 6]"},
      {"numbers", "[3, 1, 4, 1, 5, 9, 2, 6]"},
      {"dict", "{\"name\": \"Alice\", \"age\": 30}"},
      {"key", "\"name\""},
      {"value", "\"anything\""},
      {"left", "6.25"},
  }};
  for (const auto& [name, example] : kExamples) {
    if (parameter == name) return example;
  }
  return "2";
}

Text words_of(std::string_view name) {
  Text words(name);
  std::ranges::replace(words, '_', ' ');
  return words;
}

struct Call {
  Interpreter& interpreter;
  Arguments arguments;

  Value operator()(double (*function)(double)) const { return number_value(function(to_number(arguments[0]))); }
  Value operator()(double (*function)(double, double)) const {
    return number_value(function(to_number(arguments[0]), to_number(arguments[1])));
  }
  Value operator()(Conversion conversion) const {
    return number_value(to_number(arguments[0]) * conversion.factor + conversion.offset);
  }
  Value operator()(Text (*function)(const Text&)) const {
    return interpreter.string(function(text_argument(arguments, 0)));
  }
  Value operator()(double (*function)(const Text&)) const {
    return number_value(function(text_argument(arguments, 0)));
  }
  Value operator()(bool (*function)(const Text&)) const {
    return Value::boolean(function(text_argument(arguments, 0)));
  }
  Value operator()(double (*function)(std::span<const double>)) const {
    const List& list = list_argument(arguments, 0);
    if (list.items().empty()) throw Error("the list is empty");
    Array<double> numbers;
    numbers.reserve(list.items().size());
    for (const Value& item : list.items()) numbers.push_back(to_number(item));
    return number_value(function(numbers));
  }
  Value operator()(Value (*function)(Interpreter&, Arguments)) const { return function(interpreter, arguments); }
};

template <typename Type>
Type& argument(Arguments arguments, std::size_t index, Kind kind) {
  auto* object = index < arguments.size() ? arguments[index].as<Type>() : nullptr;
  if (object == nullptr) throw Error(std::string("a ") + kind_name(kind) + " was expected");
  return *object;
}

}  // namespace

const Text& text_argument(Arguments arguments, std::size_t index) {
  return argument<String>(arguments, index, Kind::kString).text;
}
List& list_argument(Arguments arguments, std::size_t index) { return argument<List>(arguments, index, Kind::kList); }
Dict& dict_argument(Arguments arguments, std::size_t index) { return argument<Dict>(arguments, index, Kind::kDict); }

std::size_t count_argument(Arguments arguments, std::size_t index) {
  const double number = index < arguments.size() ? to_number(arguments[index]) : -1;
  if (!(number >= 0 && number <= 1e9)) throw Error("a count was expected");
  return static_cast<std::size_t>(number);
}

Native::Native(Interpreter& interpreter, const Entry& entry, std::string_view library)
    : Object(kKind), name(interpreter.names().intern(entry.name)), entry_(&entry), library_(library) {
  std::string_view rest = entry.parameters.empty() ? std::visit(ParametersOf(), entry.operation) : entry.parameters;
  least_arguments = static_cast<std::size_t>(rest.empty() ? 0 : 1 + std::ranges::count(rest, ','));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 2));
    if (one.ends_with('?')) {  // may be left out
      one.remove_suffix(1);
      --least_arguments;
    }
    Parameter parameter;
    parameter.name = interpreter.names().intern(one);
    parameter.description = Text("what ") + words_of(entry.name) + " takes as its " + Text(one);
    parameters.push_back(std::move(parameter));
  }
  if (library.empty()) return;
  read_example(interpreter);
  write_help(library);
  recent_calls_.resize(kRecentCalls);
}

void Native::read_example(Interpreter& interpreter) {
  example_ = Text("let answer = ") + name->text + "(";
  for (const Parameter& parameter : parameters) {
    if (&parameter != parameters.data()) example_ += ", ";
    example_ += example_argument(parameter.name->text);
  }
  example_ += ")\nprintln(\"" + name->text + " of the example: \" + str(answer))\n";
  example_tokens_ = read_tokens(example_);
  example_tree_ = parse(example_tokens_, example_, interpreter.names());
}

void Native::write_help(std::string_view library) {
  const Text words = words_of(entry_->name);
  const auto line = [this](const Text& text) { help.push_back(text); };
  help.reserve(20 + parameters.size());
  line("NAME");
  line("    " + name->text + " - " + words + ", of the library " + Text(library));
  line("");
  line("USAGE");
  line("    use " + Text(library) + " and then call it, as in the example.");
  line("");
  line("PARAMETERS");
  for (const Parameter& parameter : parameters) {
    line("    " + parameter.name->text + "    " + parameter.description + "; an error when it is of another type");
  }
  line("");
  line("RESULT");
  line("    A new value. The arguments stay as they are, and what is made on the way is freed when it returns.");
  line("");
  line("EXAMPLE");
  for (std::size_t begin = 0; begin < example_.size();) {
    const std::size_t end = example_.find('\n', begin);
    line("    " + example_.substr(begin, end - begin));
    begin = end + 1;
  }
  line("");
  line("SEE ALSO");
  line("    The other functions of " + Text(library) + ": use " + Text(library) + " makes all of them known.");
}

Value Native::call(Interpreter& interpreter, Arguments arguments) const {
  return std::visit(Call{interpreter, arguments}, entry_->operation);
}

void Native::record_call(Arguments arguments, const Value& result) {
  if (recent_calls_.empty()) return;
  const auto number = [](const Value& value) {
    return value.is_integer() || value.kind() == Kind::kFloat ? to_number(value) : 0;
  };
  CallRecord& record = recent_calls_[calls_ % kRecentCalls];
  record.number = ++calls_;
  record.first_argument = arguments.empty() ? 0 : number(arguments[0]);
  record.result = number(result);
  record.result_kind = result.kind();
  for (std::size_t i = 0; i < std::size(record.argument_kinds); ++i) {
    record.argument_kinds[i] = i < arguments.size() ? arguments[i].kind() : Kind::kNone;
  }
}

std::size_t Native::bytes() const {
  return sizeof *this + parameters.capacity() * sizeof(Parameter) + help.capacity() * sizeof(Text) +
         example_tokens_.capacity() * sizeof(Token) + recent_calls_.capacity() * sizeof(CallRecord);
}

std::span<const Ref<Native>> Library::builtins(Interpreter& interpreter) {
  builtins_.reserve(builtin_entries().size());
  for (const Entry& entry : builtin_entries()) builtins_.push_back(make<Native>(interpreter, entry, ""));
  return builtins_;
}

namespace {

template <typename Do>
void for_each_library(Do what) {
  for (const auto& group :
       {number_libraries(), unit_libraries(), text_libraries(), list_libraries(), system_libraries()}) {
    for (const LibraryEntries& library : group) what(library);
  }
}

}  // namespace

void Library::load_all(Interpreter& interpreter) {
  for_each_library([&](const LibraryEntries& library) { load(interpreter, library); });
}

const Library::Loaded& Library::load(Interpreter& interpreter, const LibraryEntries& library) {
  Loaded& loaded = loaded_.emplace_back();
  loaded.name = library.name;
  loaded.functions.reserve(library.entries.size());
  for (const Entry& entry : library.entries) {
    loaded.functions.push_back(make<Native>(interpreter, entry, library.name));
  }
  return loaded;
}

std::span<const Ref<Native>> Library::use(Interpreter& interpreter, std::string_view name) {
  for (const Loaded& loaded : loaded_) {
    if (loaded.name == name) return loaded.functions;
  }
  std::span<const Ref<Native>> functions;
  for_each_library([&](const LibraryEntries& library) {
    if (library.name == name) functions = load(interpreter, library).functions;
  });
  return functions;
}

std::size_t Library::functions() const {
  std::size_t count = 0;
  for (const Loaded& loaded : loaded_) count += loaded.functions.size();
  return count;
}

}  // namespace tombo
