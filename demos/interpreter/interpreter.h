// The interpreter: walks the tree of a program. Its variables, names and library live as long as it does, or until a
// :reset.
//
// Not thread-safe, and one at a time has the collector.
#pragma once

#include <span>
#include <string_view>

#include "intern_table.h"
#include "library.h"
#include "types.h"

namespace tombo {

class Interpreter {
 public:
  struct Options {
    bool load_library = true;          // all of it at once; otherwise a library when it is used
    std::size_t short_strings = 4096;  // how many short strings are kept for reuse
    std::size_t recursion_limit = 1000;
    void (*on_mark)(const char* moment) = nullptr;  // what a program's mark("moment") does
  };

  explicit Interpreter(const Options& options);
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;
  ~Interpreter();

  // Runs a program; its value is that of its last statement. Throws Error.
  Value run(std::string_view source);
  // What a user types: a program, or `:reset`.
  Value input(std::string_view line);
  // Back to how it was made: the user's variables and functions are gone.
  void reset();
  // All of the standard library, where it was not loaded at the beginning.
  void load_library();

  Value call(const Value& function, std::span<Value> arguments);

  // A string for a text that was computed: short ones are shared.
  Value string(std::string_view text);
  void set_global(std::string_view name, Value value);

  [[nodiscard]] InternTable& names() { return names_; }
  [[nodiscard]] const Library& library() const { return library_; }
  [[nodiscard]] std::size_t short_strings() const { return short_strings_.size(); }
  // How much of the machine's stack its calls have taken at most, in bytes.
  [[nodiscard]] std::size_t peak_stack_bytes() const { return peak_stack_bytes_; }
  void mark(const char* moment) const {
    if (options_.on_mark != nullptr) options_.on_mark(moment);
  }
  void set_recursion_limit(std::size_t limit) { recursion_limit_ = limit; }

 private:
  Value evaluate(const Node& node, Environment& scope);
  Value evaluate_block(const Node& node, Environment& scope);
  Value evaluate_change(const Node& node, Environment& scope);
  Value evaluate_define(const Node& node, Environment& scope);
  Value evaluate_for(const Node& node, Environment& scope);
  Value evaluate_if(const Node& node, Environment& scope);
  Value evaluate_name(const Node& node, Environment& scope);
  Value evaluate_list(const Node& node, Environment& scope);
  Value evaluate_dict(const Node& node, Environment& scope);
  Value evaluate_call(const Node& node, Environment& scope);
  Value evaluate_index(const Node& node, Environment& scope);
  Value evaluate_unary(const Node& node, Environment& scope);
  Value evaluate_binary(const Node& node, Environment& scope);
  Value call_function(Function& function, std::span<Value> arguments);
  Value call_native(Native& native, std::span<Value> arguments);
  Value add(const Value& left, const Value& right);

  void use(const Ref<String>& name);
  void bind(Environment& scope, const Ref<String>& name, Value value);
  // The variable's value in its slot or cell; null: there is none of that name.
  Value* find_variable(Environment& scope, const Ref<String>& name);
  void set_up();

  InternTable names_;
  InternTable short_strings_;
  Library library_;
  Ref<Environment> builtins_;
  Ref<Environment> globals_;
  Function* current_function_ = nullptr;
  std::size_t depth_ = 0;
  std::uintptr_t outermost_call_ = 0;  // its frame's address
  std::size_t peak_stack_bytes_ = 0;
  std::size_t recursion_limit_;
  Options options_;
};

}  // namespace tombo
