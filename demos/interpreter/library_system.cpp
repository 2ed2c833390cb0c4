// Files, the interpreter itself, and the functions that are there without a library.

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "interpreter.h"

namespace tombo {

namespace {

Text read(Arguments arguments) {
  std::ifstream file(text_argument(arguments, 0).c_str(), std::ios::binary);
  if (!file) throw Error("cannot read " + std::string(text_argument(arguments, 0)));
  return {std::istreambuf_iterator<char>(file), {}};
}

Value read_lines(Interpreter& interpreter, Arguments arguments) {
  const Text content = read(arguments);
  Ref<List> lines = make<List>();
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    lines->append(interpreter.string(std::string_view(content).substr(begin, end - begin)));
    begin = end + 1;
  }
  return lines;
}

Value write_file(Interpreter&, Arguments arguments) {
  std::ofstream file(text_argument(arguments, 0).c_str(), std::ios::binary);
  file << text_argument(arguments, 1);
  if (!file.flush()) throw Error("cannot write " + std::string(text_argument(arguments, 0)));
  return {};
}

constexpr std::array kIo = std::to_array<Entry>({
    {"read_file", [](Interpreter& i, Arguments arguments) { return i.string(read(arguments)); }, "path"},
    {"read_lines", read_lines, "path"},
    {"write_file", write_file, "path, text"},
    {"file_exists",
     [](Interpreter&, Arguments arguments) {
       return Value::boolean(std::ifstream(text_argument(arguments, 0).c_str()).good());
     },
     "path"},
});

Value integer(std::size_t number) { return Value::integer(static_cast<std::int64_t>(number)); }

Value help(Interpreter&, Arguments arguments) {
  const auto* native = arguments[0].as<Native>();
  if (native == nullptr) throw Error("there is help for functions of the library only");
  Ref<List> lines = make<List>();
  for (const Text& line : native->help) lines->append(make<String>(line));
  return lines;
}

Value set_recursion_limit(Interpreter& interpreter, Arguments arguments) {
  interpreter.set_recursion_limit(count_argument(arguments, 0));
  return {};
}

constexpr std::array kSys = std::to_array<Entry>({
    {"getsizeof", [](Interpreter&, Arguments a) { return integer(a[0].is_object() ? a[0].object()->bytes() : 0); },
     "value"},
    {"memory_used", [](Interpreter&, Arguments) { return integer(memory_use.bytes); }},
    {"collect", [](Interpreter&, Arguments) { return integer(collector.collect()); }},
    {"set_recursion_limit", set_recursion_limit, "limit"},
    {"kind_of", [](Interpreter& i, Arguments a) { return i.string(kind_name(a[0].kind())); }, "value"},
    {"help", help, "function"},
});

Value write(Arguments arguments, const char* end) {
  const Text text = arguments.empty() ? Text() : to_text(arguments[0]);
  std::printf("%s%s", text.c_str(), end);
  return {};
}

Value range(Interpreter&, Arguments arguments) {
  for (const Value& argument : arguments) {
    if (!argument.is_integer()) throw Error("a range is one of integers");
  }
  const bool has_first = arguments.size() > 1;
  return make<Range>(has_first ? arguments[0].as_integer() : 0, arguments[has_first ? 1 : 0].as_integer());
}

Value length(Interpreter&, Arguments arguments) {
  if (const auto* list = arguments[0].as<List>()) return integer(list->items().size());
  if (const auto* dict = arguments[0].as<Dict>()) return integer(dict->table.size());
  return integer(text_argument(arguments, 0).size());
}

Value append(Interpreter&, Arguments arguments) {
  list_argument(arguments, 0).append(arguments[1]);
  return {};
}

Value mark(Interpreter& interpreter, Arguments arguments) {
  interpreter.mark(text_argument(arguments, 0).c_str());
  return {};
}

constexpr std::array kBuiltins = std::to_array<Entry>({
    {"print", [](Interpreter&, Arguments arguments) { return write(arguments, ""); }, "value?"},
    {"println", [](Interpreter&, Arguments arguments) { return write(arguments, "\n"); }, "value?"},
    {"range", range, "first, last?"},
    {"len", length, "value"},
    {"append", append, "list, value"},
    {"str", [](Interpreter& i, Arguments arguments) { return i.string(to_text(arguments[0])); }, "value"},
    {"mark", mark, "text"},
});

constexpr std::array kLibraries = std::to_array<LibraryEntries>({{"io", kIo}, {"sys", kSys}});

}  // namespace

std::span<const LibraryEntries> system_libraries() { return kLibraries; }
std::span<const Entry> builtin_entries() { return kBuiltins; }

}  // namespace tombo
