// Cuts a program's text into tokens. A line's end is a token, since it ends a statement.
#pragma once

#include <string_view>

#include "syntax.h"

namespace tombo {

enum class TokenKind : std::uint8_t { kName, kKeyword, kNumber, kString, kSymbol, kLineEnd, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Place from, to;
  Text text;     // as it stands there
  Text meaning;  // of a string: without quotes and escapes
};

// Throws Error for text that is not of the language.
[[nodiscard]] Array<Token> read_tokens(std::string_view source);

}  // namespace tombo
