#include "interpreter.h"

#include <cmath>

#include "parser.h"

namespace tombo {

namespace {

constexpr std::size_t kShortString = 15;

// Sets a variable to another value until the end of a scope, also when that is left by an exception.
template <typename Type>
class Temporarily {
 public:
  Temporarily(Type& variable, Type value) : variable_(variable), old_(std::exchange(variable, value)) {}
  Temporarily(const Temporarily&) = delete;
  Temporarily& operator=(const Temporarily&) = delete;
  ~Temporarily() { variable_ = old_; }

 private:
  Type& variable_;
  Type old_;
};

[[noreturn]] void fail(const Node& node, const std::string& what) {
  throw Error("line " + std::to_string(node.from.line) + ": " + what);
}

std::string quoted(const Ref<String>& name) { return "'" + std::string(name->text) + "'"; }

}  // namespace

Interpreter::Interpreter(const Options& options)
    : short_strings_(options.short_strings), recursion_limit_(options.recursion_limit), options_(options) {
  set_up();
}

Interpreter::~Interpreter() {
  // Functions of the program hold the globals that hold them.
  globals_->clear();
  builtins_->clear();
}

void Interpreter::set_up() {
  builtins_ = make<Environment>(Ref<Environment>());
  globals_ = make<Environment>(builtins_);
  for (const Ref<Native>& native : library_.builtins(*this)) builtins_->variables.set(native->name, native);
  if (options_.load_library) library_.load_all(*this);
}

void Interpreter::load_library() {
  options_.load_library = true;
  library_.load_all(*this);
}

void Interpreter::reset() {
  globals_->clear();
  builtins_->clear();
  globals_ = builtins_ = {};
  library_ = Library();
  names_ = InternTable();
  short_strings_ = InternTable(options_.short_strings);
  set_up();
}

Value Interpreter::run(std::string_view source) {
  const Array<Token> tokens = read_tokens(source);
  const std::unique_ptr<Node> program = parse(tokens, source, names_);
  return evaluate(*program, *globals_);
}

Value Interpreter::input(std::string_view line) {
  if (line != ":reset") return run(line);
  reset();
  return {};
}

Value Interpreter::string(std::string_view text) {
  if (text.size() <= kShortString) return short_strings_.intern(text);
  return make<String>(Text(text));
}

void Interpreter::set_global(std::string_view name, Value value) {
  bind(*globals_, names_.intern(name), std::move(value));
}

Value Interpreter::evaluate(const Node& node, Environment& scope) {
  switch (node.kind) {
    case NodeKind::kBlock:
      return evaluate_block(node, scope);
    case NodeKind::kLet:
      bind(scope, node.name, evaluate(*node.children[0], scope));
      return {};
    case NodeKind::kChange:
      return evaluate_change(node, scope);
    case NodeKind::kDefine:
      return evaluate_define(node, scope);
    case NodeKind::kFor:
      return evaluate_for(node, scope);
    case NodeKind::kIf:
      return evaluate_if(node, scope);
    case NodeKind::kUse:
      use(node.name);
      return {};
    case NodeKind::kLiteral:
      return node.value;
    case NodeKind::kName:
      return evaluate_name(node, scope);
    case NodeKind::kList:
      return evaluate_list(node, scope);
    case NodeKind::kDict:
      return evaluate_dict(node, scope);
    case NodeKind::kCall:
      return evaluate_call(node, scope);
    case NodeKind::kIndex:
      return evaluate_index(node, scope);
    case NodeKind::kUnary:
      return evaluate_unary(node, scope);
    case NodeKind::kBinary:
      return evaluate_binary(node, scope);
    case NodeKind::kAnd:
    case NodeKind::kOr: {
      Value left = evaluate(*node.children[0], scope);
      if (is_true(left) == (node.kind == NodeKind::kOr)) return left;
      return evaluate(*node.children[1], scope);
    }
  }
  return {};
}

Value Interpreter::evaluate_block(const Node& node, Environment& scope) {
  Value last;
  for (const std::unique_ptr<Node>& statement : node.children) last = evaluate(*statement, scope);
  return last;
}

Value Interpreter::evaluate_change(const Node& node, Environment& scope) {
  Value value = evaluate(*node.children[0], scope);
  Value* variable = find_variable(scope, node.name);
  if (variable == nullptr) fail(node, quoted(node.name) + " is not there to be changed: let it be first");
  *variable = std::move(value);
  return {};
}

Value Interpreter::evaluate_define(const Node& node, Environment& scope) {
  const Ref<Code> code(node.value.as<Code>());
  const Ref<Environment> closure = make<Environment>(globals_);
  const Ref<Function> function = make<Function>(code, closure);
  // What it uses of the variables around it becomes cells that both have; globals need none.
  if (&scope != globals_.get()) {
    for (const Ref<String>& name : code->outer_names) {
      Table::Slot* slot = nullptr;
      for (Environment* outer = &scope; slot == nullptr && outer != globals_.get(); outer = outer->parent.get()) {
        slot = outer->variables.find(name);
      }
      if (slot == nullptr) {
        if (name.get() != code->name.get()) continue;
        scope.variables.set(name, Value());
        slot = scope.variables.find(name);
      }
      if (slot->value.kind() != Kind::kCell) slot->value = make<Cell>(slot->value);
      closure->variables.set(name, slot->value);
    }
  }
  bind(scope, code->name, function);
  return function;
}

Value Interpreter::evaluate_for(const Node& node, Environment& scope) {
  const Value iterated = evaluate(*node.children[0], scope);
  const Node& block = *node.children[1];
  if (const auto* range = iterated.as<Range>()) {
    for (std::int64_t i = range->first; i < range->last; ++i) {
      bind(scope, node.name, Value::integer(i));
      evaluate(block, scope);
    }
  } else if (const auto* list = iterated.as<List>()) {
    for (std::size_t i = 0; i < list->items().size(); ++i) {
      bind(scope, node.name, list->items()[i]);
      evaluate(block, scope);
    }
  } else {
    fail(node, std::string("nothing to go through: ") + kind_name(iterated.kind()));
  }
  return {};
}

Value Interpreter::evaluate_if(const Node& node, Environment& scope) {
  if (is_true(evaluate(*node.children[0], scope))) return evaluate(*node.children[1], scope);
  return node.children.size() > 2 ? evaluate(*node.children[2], scope) : Value();
}

Value Interpreter::evaluate_name(const Node& node, Environment& scope) {
  const Value* variable = find_variable(scope, node.name);
  if (variable == nullptr) fail(node, quoted(node.name) + " is not known");
  return *variable;
}

Value Interpreter::evaluate_list(const Node& node, Environment& scope) {
  Ref<List> list = make<List>();
  list->reserve(node.children.size());
  for (const std::unique_ptr<Node>& item : node.children) list->append(evaluate(*item, scope));
  return list;
}

Value Interpreter::evaluate_dict(const Node& node, Environment& scope) {
  Ref<Dict> dict = make<Dict>();
  for (std::size_t i = 0; i < node.children.size(); i += 2) {
    const Value key = evaluate(*node.children[i], scope);
    dict->table.set(key, evaluate(*node.children[i + 1], scope));
  }
  return dict;
}

Value Interpreter::evaluate_call(const Node& node, Environment& scope) {
  constexpr std::size_t kMostArguments = 6;
  const Value function = evaluate(*node.children[0], scope);
  const std::size_t count = node.children.size() - 1;
  if (count > kMostArguments) fail(node, "too many arguments");
  Value arguments[kMostArguments];
  for (std::size_t i = 0; i < count; ++i) arguments[i] = evaluate(*node.children[i + 1], scope);
  return call(function, {arguments, count});
}

Value Interpreter::call(const Value& function, std::span<Value> arguments) {
  if (auto* native = function.as<Native>()) return call_native(*native, arguments);
  if (auto* user = function.as<Function>()) return call_function(*user, arguments);
  throw Error(std::string("not a function: ") + kind_name(function.kind()));
}

Value Interpreter::call_native(Native& native, std::span<Value> arguments) {
  if (arguments.size() < native.least_arguments || arguments.size() > native.parameters.size()) {
    throw Error(std::string(native.name->text) + " takes " + std::to_string(native.parameters.size()) + " arguments");
  }
  Value result = native.call(*this, arguments);
  native.record_call(arguments, result);
  return result;
}

Value Interpreter::call_function(Function& function, std::span<Value> arguments) {
  const Code& code = *function.code;
  if (arguments.size() != code.parameters.size()) {
    throw Error(std::string(code.name->text) + " takes " + std::to_string(code.parameters.size()) + " arguments");
  }
  if (depth_ >= recursion_limit_) throw Error("recursion limit of " + std::to_string(recursion_limit_) + " reached");
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (depth_ == 0) outermost_call_ = frame;
  peak_stack_bytes_ = std::max(peak_stack_bytes_, outermost_call_ - frame);
  const Temporarily depth(depth_, depth_ + 1);
  const Temporarily current(current_function_, &function);
  const Ref<Function> held(&function);  // it may be redefined meanwhile
  const Ref<Environment> scope = make<Environment>(function.closure);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    scope->variables.set(code.parameters[i].name, std::move(arguments[i]));
  }
  return evaluate(*code.body, *scope);
}

Value Interpreter::evaluate_index(const Node& node, Environment& scope) {
  const Value whole = evaluate(*node.children[0], scope);
  const Value index = evaluate(*node.children[1], scope);
  if (const auto* dict = whole.as<Dict>()) {
    const Table::Slot* slot = dict->table.find(index);
    if (slot == nullptr) fail(node, "no such key: " + std::string(to_text(index)));
    return slot->value;
  }
  const auto* list = whole.as<List>();
  if (list == nullptr || !index.is_integer()) fail(node, std::string("cannot be indexed: ") + kind_name(whole.kind()));
  const auto at = static_cast<std::size_t>(index.as_integer());
  if (at >= list->items().size()) fail(node, "no item " + std::string(to_text(index)));
  return list->items()[at];
}

Value Interpreter::evaluate_unary(const Node& node, Environment& scope) {
  const Value operand = evaluate(*node.children[0], scope);
  if (node.operation == Operator::kNot) return Value::boolean(!is_true(operand));
  return operand.is_integer() ? Value::integer(-operand.as_integer()) : float_value(-to_number(operand));
}

Value Interpreter::add(const Value& left, const Value& right) {
  if (const auto* text = left.as<String>()) {
    const auto* other = right.as<String>();
    if (other == nullptr) throw Error("a string and something else cannot be added: str() makes a string of it");
    Text both;
    both.reserve(text->text.size() + other->text.size());
    both += text->text;
    both += other->text;
    return string(both);
  }
  return number_value(to_number(left) + to_number(right));
}

Value Interpreter::evaluate_binary(const Node& node, Environment& scope) {
  const Value left = evaluate(*node.children[0], scope);
  const Value right = evaluate(*node.children[1], scope);
  if (node.operation == Operator::kEqual) return Value::boolean(equal(left, right));
  if (node.operation == Operator::kUnequal) return Value::boolean(!equal(left, right));
  if (node.operation == Operator::kAdd) return add(left, right);
  const double a = to_number(left);
  const double b = to_number(right);
  switch (node.operation) {
    case Operator::kSubtract:
      return number_value(a - b);
    case Operator::kMultiply:
      return number_value(a * b);
    case Operator::kDivide:
      if (b == 0) fail(node, "division by zero");
      return number_value(a / b);
    case Operator::kRemainder:
      if (b == 0) fail(node, "division by zero");
      return number_value(std::fmod(a, b));
    case Operator::kLess:
      return Value::boolean(a < b);
    case Operator::kLessEqual:
      return Value::boolean(a <= b);
    case Operator::kGreater:
      return Value::boolean(a > b);
    default:
      return Value::boolean(a >= b);
  }
}

void Interpreter::use(const Ref<String>& name) {
  const std::span<const Ref<Native>> functions = library_.use(*this, name->text);
  if (functions.empty()) throw Error("there is no library " + quoted(name));
  for (const Ref<Native>& native : functions) bind(*globals_, native->name, native);
}

void Interpreter::bind(Environment& scope, const Ref<String>& name, Value value) {
  Table::Slot* slot = scope.variables.find(name);
  if (slot == nullptr) {
    scope.variables.set(name, std::move(value));
  } else if (auto* cell = slot->value.as<Cell>()) {
    cell->value = std::move(value);
  } else {
    slot->value = std::move(value);
  }
}

Value* Interpreter::find_variable(Environment& scope, const Ref<String>& name) {
  for (Environment* outer = &scope; outer != globals_.get(); outer = outer->parent.get()) {
    Table::Slot* slot = outer->variables.find(name);
    if (slot == nullptr) continue;
    auto* cell = slot->value.as<Cell>();
    return cell != nullptr ? &cell->value : &slot->value;
  }
  const Table& globals = globals_->variables;
  Function::CachedPlace* cached = nullptr;
  if (current_function_ != nullptr) {
    cached = &current_function_->cached_places[name->hash % Function::kCachedPlaces];
    if (cached->name == name.get() && cached->version == globals.version()) return &globals.slots()[cached->slot].value;
  }
  if (Table::Slot* slot = globals.find(name)) {
    if (cached != nullptr) {
      *cached = {name.get(), globals.version(), static_cast<std::uint32_t>(slot - globals.slots().data())};
    }
    return &slot->value;
  }
  Table::Slot* slot = builtins_->variables.find(name);
  return slot == nullptr ? nullptr : &slot->value;
}

}  // namespace tombo
