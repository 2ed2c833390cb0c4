#include "parser.h"

#include <algorithm>
#include <cstdlib>

#include "types.h"

namespace tombo {

namespace {

using NodePointer = std::unique_ptr<Node>;

struct BinaryOperator {
  std::string_view text;
  int level;  // who binds tighter has the higher
  Operator operation;
};
constexpr BinaryOperator kBinaryOperators[] = {
    {"==", 0, Operator::kEqual},     {"!=", 0, Operator::kUnequal},  {"<", 0, Operator::kLess},
    {"<=", 0, Operator::kLessEqual}, {">", 0, Operator::kGreater},   {">=", 0, Operator::kGreaterEqual},
    {"+", 1, Operator::kAdd},        {"-", 1, Operator::kSubtract},  {"*", 2, Operator::kMultiply},
    {"/", 2, Operator::kDivide},     {"%", 2, Operator::kRemainder},
};
constexpr int kTightest = 2;

class Parser {
 public:
  Parser(const Array<Token>& tokens, std::string_view source, InternTable& names) : tokens_(tokens), names_(names) {
    line_begins_.push_back(0);
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (source[i] == '\n') line_begins_.push_back(i + 1);
    }
    source_ = source;
  }

  NodePointer program() {
    NodePointer block = lines();
    if (next().kind != TokenKind::kEnd) fail("a statement was expected");
    return block;
  }

 private:
  [[nodiscard]] const Token& next() const { return tokens_[at_]; }
  const Token& take() { return tokens_[at_++]; }

  [[noreturn]] void fail(const std::string& what) const {
    const Token& token = next();
    throw Error("line " + std::to_string(token.from.line) + ": " + what +
                (token.kind == TokenKind::kEnd       ? " at the end"
                 : token.kind == TokenKind::kLineEnd ? " at the line's end"
                                                     : " before '" + std::string(token.text) + "'"));
  }

  [[nodiscard]] bool is(std::string_view text) const {
    return (next().kind == TokenKind::kSymbol || next().kind == TokenKind::kKeyword) && next().text == text;
  }
  bool take_if(std::string_view text) {
    if (!is(text)) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view text) {
    if (!take_if(text)) fail("'" + std::string(text) + "' was expected");
  }
  Ref<String> name() {
    if (next().kind != TokenKind::kName) fail("a name was expected");
    return names_.intern(take().text);
  }

  NodePointer node(NodeKind kind) const {
    auto result = std::make_unique<Node>();
    result->kind = kind;
    result->from = next().from;
    return result;
  }
  NodePointer finish(NodePointer node) const {
    node->to = tokens_[at_ == 0 ? 0 : at_ - 1].to;
    return node;
  }
  static void add(const NodePointer& parent, NodePointer child) { parent->children.push_back(std::move(child)); }

  // Up to `end`, `else` or the end of the program.
  NodePointer lines() {
    NodePointer block = node(NodeKind::kBlock);
    while (true) {
      while (next().kind == TokenKind::kLineEnd) ++at_;
      if (next().kind == TokenKind::kEnd || is("end") || is("else")) return finish(std::move(block));
      add(block, statement());
      if (next().kind != TokenKind::kLineEnd && next().kind != TokenKind::kEnd) fail("the line's end was expected");
    }
  }

  NodePointer statement() {
    if (is("let") || is("change")) return binding();
    if (is("defi")) return definition();
    if (is("for")) return loop();
    if (is("if")) return condition();
    if (!is("use")) return expression();
    NodePointer use = node(NodeKind::kUse);
    ++at_;
    use->name = name();
    return finish(std::move(use));
  }

  NodePointer binding() {
    NodePointer binding = node(is("let") ? NodeKind::kLet : NodeKind::kChange);
    ++at_;
    binding->name = name();
    expect(binding->kind == NodeKind::kLet ? "=" : "to");
    add(binding, expression());
    return finish(std::move(binding));
  }

  NodePointer loop() {
    NodePointer loop = node(NodeKind::kFor);
    ++at_;
    loop->name = name();
    expect("in");
    add(loop, expression());
    add(loop, lines());
    expect("end");
    return finish(std::move(loop));
  }

  NodePointer condition() {
    NodePointer condition = node(NodeKind::kIf);
    ++at_;
    add(condition, expression());
    add(condition, lines());
    if (take_if("else")) add(condition, lines());
    expect("end");
    return finish(std::move(condition));
  }

  NodePointer definition() {
    NodePointer definition = node(NodeKind::kDefine);
    const Place from = next().from;
    ++at_;
    Ref<Code> code = make<Code>();
    definition->name = code->name = name();
    expect("(");
    while (!take_if(")")) {
      if (!code->parameters.empty()) expect(",");
      Parameter parameter;
      parameter.from = next().from;
      parameter.name = name();
      parameter.to = next().from;
      parameter.description = "parameter " + parameter.name->text + " of " + code->name->text;
      code->parameters.push_back(std::move(parameter));
    }
    expect("=>");
    if (next().kind == TokenKind::kLineEnd) {
      code->body = lines();
      expect("end");
    } else {
      code->body = expression();
    }
    code->source = source_.substr(offset(from), offset(tokens_[at_ - 1].to) - offset(from));
    Array<const String*> bound;
    for (const Parameter& parameter : code->parameters) bound.push_back(parameter.name.get());
    find_bound(*code->body, bound);
    find_outer_names(*code->body, bound, code->outer_names);
    definition->value = code;
    return finish(std::move(definition));
  }

  [[nodiscard]] std::size_t offset(Place place) const { return line_begins_[place.line - 1] + place.column - 1; }

  static bool has(const Array<const String*>& names, const Ref<String>& name) {
    return std::ranges::count(names, name.get()) != 0;
  }

  static void find_bound(const Node& node, Array<const String*>& bound) {
    if (node.kind == NodeKind::kLet || node.kind == NodeKind::kFor || node.kind == NodeKind::kDefine) {
      if (!has(bound, node.name)) bound.push_back(node.name.get());
    }
    for (const NodePointer& child : node.children) find_bound(*child, bound);
  }

  static void find_outer_names(const Node& node, const Array<const String*>& bound, Array<Ref<String>>& outer) {
    const auto add_name = [&](const Ref<String>& name) {
      const bool known =
          std::ranges::any_of(outer, [&](const Ref<String>& other) { return other.get() == name.get(); });
      if (!known && !has(bound, name)) outer.push_back(name);
    };
    if (node.kind == NodeKind::kName || node.kind == NodeKind::kChange) add_name(node.name);
    if (node.kind == NodeKind::kDefine) {
      for (const Ref<String>& name : node.value.as<Code>()->outer_names) add_name(name);
    }
    for (const NodePointer& child : node.children) find_outer_names(*child, bound, outer);
  }

  NodePointer expression() { return either("or", NodeKind::kOr); }

  // `or` of `and`s.
  NodePointer either(std::string_view text, NodeKind kind) {
    const auto operand = [&] { return kind == NodeKind::kOr ? either("and", NodeKind::kAnd) : negation(); };
    NodePointer left = operand();
    while (is(text)) {
      NodePointer both = node(kind);
      ++at_;
      both->from = left->from;
      add(both, std::move(left));
      add(both, operand());
      left = finish(std::move(both));
    }
    return left;
  }

  NodePointer negation() {
    if (!is("not")) return operation(0);
    NodePointer negation = node(NodeKind::kUnary);
    ++at_;
    negation->operation = Operator::kNot;
    add(negation, this->negation());
    return finish(std::move(negation));
  }

  NodePointer operation(int level) {
    if (level > kTightest) return unary();
    NodePointer left = operation(level + 1);
    while (true) {
      const auto* found = std::ranges::find_if(kBinaryOperators, [&](const BinaryOperator& candidate) {
        return candidate.level == level && is(candidate.text);
      });
      if (found == std::end(kBinaryOperators)) return left;
      NodePointer both = node(NodeKind::kBinary);
      ++at_;
      both->operation = found->operation;
      both->from = left->from;
      add(both, std::move(left));
      add(both, operation(level + 1));
      left = finish(std::move(both));
    }
  }

  NodePointer unary() {
    if (!is("-")) return postfix();
    NodePointer negated = node(NodeKind::kUnary);
    ++at_;
    negated->operation = Operator::kNegate;
    add(negated, unary());
    return finish(std::move(negated));
  }

  NodePointer postfix() {
    NodePointer left = primary();
    while (is("(") || is("[")) {
      const bool is_call = take().text == "(";
      NodePointer outer = node(is_call ? NodeKind::kCall : NodeKind::kIndex);
      outer->from = left->from;
      add(outer, std::move(left));
      if (is_call) {
        list_until(outer, ")");
      } else {
        add(outer, expression());
        expect("]");
      }
      left = finish(std::move(outer));
    }
    return left;
  }

  void list_until(const NodePointer& parent, std::string_view end) {
    for (bool first = true; !take_if(end); first = false) {
      if (!first) expect(",");
      add(parent, expression());
    }
  }

  NodePointer primary() {
    NodePointer result = node(NodeKind::kLiteral);
    if (next().kind == TokenKind::kNumber) {
      result->value = number(take().text);
    } else if (next().kind == TokenKind::kString) {
      result->value = make<String>(take().meaning);
    } else if (next().kind == TokenKind::kName) {
      result->kind = NodeKind::kName;
      result->name = name();
    } else if (take_if("None")) {
      result->value = {};
    } else if (is("True") || is("False")) {
      result->value = Value::boolean(take().text == "True");
    } else if (take_if("(")) {
      result = expression();
      expect(")");
      return result;
    } else if (take_if("[")) {
      result->kind = NodeKind::kList;
      list_until(result, "]");
    } else if (take_if("{")) {
      result->kind = NodeKind::kDict;
      dict(result);
    } else {
      fail("an expression was expected");
    }
    return finish(std::move(result));
  }

  static Value number(const Text& text) {
    if (text.find('.') != Text::npos) return float_value(std::strtod(text.c_str(), nullptr));
    const long long integer = std::strtoll(text.c_str(), nullptr, 10);
    return integer <= Value::kMostInteger ? Value::integer(integer) : float_value(static_cast<double>(integer));
  }

  void dict(const NodePointer& parent) {
    for (bool first = true; !take_if("}"); first = false) {
      if (!first) expect(",");
      add(parent, expression());
      expect(":");
      add(parent, expression());
    }
  }

  const Array<Token>& tokens_;
  InternTable& names_;
  std::string_view source_;
  Array<std::size_t> line_begins_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Node> parse(const Array<Token>& tokens, std::string_view source, InternTable& names) {
  return Parser(tokens, source, names).program();
}

}  // namespace tombo
