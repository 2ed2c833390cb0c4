// The standard library: 308 functions in 35 libraries, written in C++. A function that is loaded has what a help system
// and a profiler want of it: its help page, an example as a tree that is ready to run, and its most recent calls.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "lexer.h"

#include "types.h"

namespace tombo {

class Interpreter;

using Arguments = std::span<Value>;
struct Conversion {
  double factor;
  double offset = 0;
};
// What a function does; its parameters follow from the type, but for the last.
using Operation = std::variant<double (*)(double), double (*)(double, double), Conversion, Text (*)(const Text&),
                               double (*)(const Text&), bool (*)(const Text&), double (*)(std::span<const double>),
                               Value (*)(Interpreter&, Arguments)>;

struct Entry {
  std::string_view name;
  Operation operation;
  std::string_view parameters = {};  // "text, width": those of a general operation
};
struct LibraryEntries {
  std::string_view name;
  std::span<const Entry> entries;
};

// Where they are written.
[[nodiscard]] std::span<const LibraryEntries> number_libraries();
[[nodiscard]] std::span<const LibraryEntries> unit_libraries();
[[nodiscard]] std::span<const LibraryEntries> text_libraries();
[[nodiscard]] std::span<const LibraryEntries> list_libraries();
[[nodiscard]] std::span<const LibraryEntries> system_libraries();
[[nodiscard]] std::span<const Entry> builtin_entries();

class Native final : public Object {
 public:
  static constexpr Kind kKind = Kind::kNative;
  // `library` empty: a builtin, which has neither help nor records.
  Native(Interpreter& interpreter, const Entry& entry, std::string_view library);

  Value call(Interpreter& interpreter, Arguments arguments) const;
  void record_call(Arguments arguments, const Value& result);
  [[nodiscard]] std::size_t bytes() const override;

  Ref<String> name;
  Array<Parameter> parameters;
  std::size_t least_arguments;
  Array<Text> help;

 private:
  struct CallRecord {
    std::uint64_t number = 0;
    double first_argument = 0, result = 0;
    Kind argument_kinds[4] = {};
    Kind result_kind = Kind::kNone;
  };
  static constexpr std::size_t kRecentCalls = 433;

  void write_help(std::string_view library);
  void read_example(Interpreter& interpreter);

  const Entry* entry_;
  std::string_view library_;
  Text example_;
  Array<Token> example_tokens_;
  std::unique_ptr<Node> example_tree_;
  Array<CallRecord> recent_calls_;
  std::uint64_t calls_ = 0;
};

class Library {
 public:
  [[nodiscard]] std::span<const Ref<Native>> builtins(Interpreter& interpreter);
  void load_all(Interpreter& interpreter);
  // The functions of a library, which is loaded where it is not yet. Empty: there is none of that name.
  [[nodiscard]] std::span<const Ref<Native>> use(Interpreter& interpreter, std::string_view name);

  [[nodiscard]] std::size_t libraries() const { return loaded_.size(); }
  [[nodiscard]] std::size_t functions() const;

 private:
  struct Loaded {
    std::string_view name;
    Array<Ref<Native>> functions;
  };
  const Loaded& load(Interpreter& interpreter, const LibraryEntries& library);

  Array<Ref<Native>> builtins_;
  Array<Loaded> loaded_;
};

// How operations take their arguments; all throw Error for what is of another type.
[[nodiscard]] const Text& text_argument(Arguments arguments, std::size_t index);
[[nodiscard]] List& list_argument(Arguments arguments, std::size_t index);
[[nodiscard]] Dict& dict_argument(Arguments arguments, std::size_t index);
[[nodiscard]] std::size_t count_argument(Arguments arguments, std::size_t index);

}  // namespace tombo
