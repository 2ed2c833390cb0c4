#include "analyzer/symbols/template_name.h"

namespace tidemark::symbols {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Behind the parenthesis or brace that closes the one at `at`; npos: there is none.
size_t behind_group(std::string_view text, size_t at) {
  int depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '(' || text[at] == '{') ++depth;
    if ((text[at] == ')' || text[at] == '}') && --depth == 0) return at + 1;
  }
  return std::string_view::npos;
}

bool is_operator(std::string_view text, size_t at) { return text.substr(0, at).ends_with("operator"); }

}  // namespace

TemplateName split_template(std::string_view text) {
  const TemplateName plain{text, {}, {}};
  size_t open = 0;
  for (; open < text.size() && (text[open] != '<' || is_operator(text, open)); ++open) {
    // "(anonymous namespace)" and "{lambda(std::vector<int>)#1}" open no list.
    if (text[open] == '(' || text[open] == '{') {
      const size_t behind = behind_group(text, open);
      if (behind == std::string_view::npos) return plain;
      open = behind - 1;
    }
  }
  if (open == text.size()) return plain;
  TemplateName split{text.substr(0, open), {}, {}};
  size_t start = open + 1;
  int depth = 1;
  for (size_t at = start; at < text.size(); ++at) {
    switch (text[at]) {
      case '(':
      case '{': {
        const size_t behind = behind_group(text, at);
        if (behind == std::string_view::npos) return plain;
        at = behind - 1;
        break;
      }
      case '<':
        ++depth;
        break;
      case '>':
        if (text[at - 1] == '-') break;
        if (--depth > 0) break;
        split.arguments.push_back(trimmed(text.substr(start, at - start)));
        split.rest = text.substr(at + 1);
        return split;
      case ',':
        if (depth > 1) break;
        split.arguments.push_back(trimmed(text.substr(start, at - start)));
        start = at + 1;
        break;
      default:
        break;
    }
  }
  return plain;
}

std::string without_parameters(std::string_view text) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    result += text[at];
    if (text[at] != '(') continue;
    const size_t behind = behind_group(text, at);
    if (behind == std::string_view::npos) continue;
    std::string_view after = text.substr(behind);
    if (after.starts_with(" const")) after.remove_prefix(6);
    const bool function = after.starts_with("::") && !text.substr(at).starts_with("(anonymous namespace)");
    const bool lambda = after.starts_with("#") || text.substr(0, at).ends_with("{lambda");
    if (!function && !lambda) continue;
    result += ')';
    at = text.size() - after.size() - 1;
  }
  return result;
}

}  // namespace tidemark::symbols
