#include "lexer.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "types.h"

namespace tombo {

namespace {

constexpr std::array<std::string_view, 16> kKeywords = {"let", "change", "to",   "defi", "for", "in",
                                                        "end", "if",     "else", "use",  "and", "or",
                                                        "not", "None",   "True", "False"};
constexpr std::array<std::string_view, 5> kPairs = {"=>", "==", "!=", "<=", ">="};
constexpr std::string_view kSingles = "=<>+-*/%(),[]{}:";

bool begins_name(char character) {
  return std::isalpha(static_cast<unsigned char>(character)) != 0 || character == '_';
}
bool continues_name(char character) {
  return begins_name(character) || std::isdigit(static_cast<unsigned char>(character)) != 0;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Array<Token> read() {
    Array<Token> tokens;
    while (true) {
      skip_blanks();
      Token token;
      token.from = place();
      const std::size_t begin = at_;
      read_one(token);
      token.text = source_.substr(begin, at_ - begin);
      token.to = place();
      if (token.kind == TokenKind::kLineEnd) {
        ++line_;
        line_begin_ = at_;
      }
      tokens.push_back(std::move(token));
      if (tokens.back().kind == TokenKind::kEnd) return tokens;
    }
  }

 private:
  [[nodiscard]] char next() const { return at_ < source_.size() ? source_[at_] : '\0'; }
  [[nodiscard]] Place place() const { return {line_, static_cast<std::uint32_t>(at_ - line_begin_ + 1)}; }

  [[noreturn]] void fail(const std::string& what) const { throw Error("line " + std::to_string(line_) + ": " + what); }

  void skip_blanks() {
    while (next() == ' ' || next() == '\t' || next() == '\r') ++at_;
    if (next() != '#') return;
    while (at_ < source_.size() && next() != '\n') ++at_;
  }

  void read_one(Token& token) {
    if (at_ == source_.size()) {
      token.kind = TokenKind::kEnd;
    } else if (next() == '\n') {
      token.kind = TokenKind::kLineEnd;
      ++at_;
    } else if (begins_name(next())) {
      read_name(token);
    } else if (std::isdigit(static_cast<unsigned char>(next())) != 0) {
      token.kind = TokenKind::kNumber;
      while (std::isdigit(static_cast<unsigned char>(next())) != 0 || next() == '.') ++at_;
    } else if (next() == '"') {
      read_string(token);
    } else {
      read_symbol(token);
    }
  }

  void read_name(Token& token) {
    const std::size_t begin = at_;
    while (continues_name(next())) ++at_;
    const bool is_keyword = std::ranges::count(kKeywords, source_.substr(begin, at_ - begin)) != 0;
    token.kind = is_keyword ? TokenKind::kKeyword : TokenKind::kName;
  }

  void read_string(Token& token) {
    token.kind = TokenKind::kString;
    const std::size_t end = source_.find('"', at_ + 1);
    token.meaning.reserve(end == std::string_view::npos ? 0 : end - at_ - 1);
    for (++at_; next() != '"'; ++at_) {
      if (at_ == source_.size() || next() == '\n') fail("the string does not end");
      if (next() == '\\') {
        ++at_;
        token.meaning += next() == 'n' ? '\n' : next() == 't' ? '\t' : next();
      } else {
        token.meaning += next();
      }
    }
    ++at_;
  }

  void read_symbol(Token& token) {
    token.kind = TokenKind::kSymbol;
    if (std::ranges::count(kPairs, source_.substr(at_, 2)) != 0) {
      at_ += 2;
    } else if (kSingles.find(next()) != std::string_view::npos) {
      ++at_;
    } else {
      fail(std::string("what is '") + next() + "'?");
    }
  }

  std::string_view source_;
  std::size_t at_ = 0, line_begin_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

Array<Token> read_tokens(std::string_view source) { return Lexer(source).read(); }

}  // namespace tombo
