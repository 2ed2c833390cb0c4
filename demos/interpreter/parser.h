// Builds the tree of a program.
//
//   statement   let NAME = expression | change NAME to expression | use NAME | expression
//               defi NAME(NAMES) => expression | defi NAME(NAMES) => LINES end
//               for NAME in expression LINES end | if expression LINES [else LINES] end
//   expression  or, and, not, comparison, + -, * / %, unary -, call f(x), index a[i],
//               numbers, strings, None, True, False, lists [1, 2], dicts {"a": 1}
//
// The value of lines is that of their last.
#pragma once

#include "intern_table.h"
#include "lexer.h"

namespace tombo {

// `source` is what the tokens were read from. Throws Error for what is no program.
[[nodiscard]] std::unique_ptr<Node> parse(const Array<Token>& tokens, std::string_view source, InternTable& names);

}  // namespace tombo
