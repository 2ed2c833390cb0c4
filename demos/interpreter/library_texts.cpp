// Strings. What these make on the way is gone when they return.

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

#include "interpreter.h"

namespace tombo {

namespace {

constexpr Operation changes(Text (*function)(const Text&)) { return function; }
constexpr Operation tests(bool (*function)(const Text&)) { return function; }
constexpr Operation counts(double (*function)(const Text&)) { return function; }

unsigned char byte(char character) { return static_cast<unsigned char>(character); }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_space(char character) { return std::isspace(byte(character)) != 0; }

template <typename Function>
Text each(const Text& text, Function function) {
  Text result = text;
  std::ranges::transform(result, result.begin(), function);
  return result;
}

Text capitalize(const Text& text) {
  Text result = each(text, lower);
  if (!result.empty()) result[0] = upper(result[0]);
  return result;
}
Text title(const Text& text) {
  Text result = each(text, lower);
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (i == 0 || is_space(result[i - 1])) result[i] = upper(result[i]);
  }
  return result;
}
Text trim_start(const Text& text) { return {std::ranges::find_if_not(text, is_space), text.end()}; }
Text reverse(const Text& text) { return {text.rbegin(), text.rend()}; }
Text trim_end(const Text& text) { return reverse(trim_start(reverse(text))); }
Text swap_case(const Text& text) {
  return each(text, [](char c) { return std::isupper(byte(c)) != 0 ? lower(c) : upper(c); });
}
Text squeeze(const Text& text) {
  Text result;
  for (const char c : text) {
    if (!is_space(c) || result.empty() || !is_space(result.back())) result += c;
  }
  return result;
}

constexpr std::array kText = std::to_array<Entry>({
    {"upper", changes([](const Text& text) { return each(text, upper); })},
    {"lower", changes([](const Text& text) { return each(text, lower); })},
    {"capitalize", changes(capitalize)},
    {"title", changes(title)},
    {"trim", changes([](const Text& text) { return trim_end(trim_start(text)); })},
    {"trim_start", changes(trim_start)},
    {"trim_end", changes(trim_end)},
    {"reverse_text", changes(reverse)},
    {"swap_case", changes(swap_case)},
    {"squeeze", changes(squeeze)},
    {"first_word", changes([](const Text& text) { return text.substr(0, text.find(' ')); })},
});

template <int (*Test)(int)>
bool all_are(const Text& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return Test(byte(c)) != 0; });
}

constexpr std::array kTextTests = std::to_array<Entry>({
    {"is_alpha", tests(all_are<std::isalpha>)},
    {"is_digit", tests(all_are<std::isdigit>)},
    {"is_alphanumeric", tests(all_are<std::isalnum>)},
    {"is_space", tests(all_are<std::isspace>)},
    {"is_upper", tests(all_are<std::isupper>)},
    {"is_lower", tests(all_are<std::islower>)},
    {"is_punctuation", tests(all_are<std::ispunct>)},
    {"is_empty", tests([](const Text& text) { return text.empty(); })},
    {"is_palindrome", tests([](const Text& text) { return text == reverse(text); })},
});

template <typename Test>
double count_if(const Text& text, Test test) {
  return static_cast<double>(std::ranges::count_if(text, test));
}
double count_words(const Text& text) {
  double words = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    words += !is_space(text[i]) && (i == 0 || is_space(text[i - 1])) ? 1 : 0;
  return words;
}

constexpr std::array kTextCounts = std::to_array<Entry>({
    {"text_length", counts([](const Text& text) { return static_cast<double>(text.size()); })},
    {"count_words", counts(count_words)},
    {"count_lines", counts([](const Text& text) { return count_if(text, [](char c) { return c == '\n'; }) + 1; })},
    {"count_vowels", counts([](const Text& text) {
       return count_if(text, [](char c) { return std::string_view("aeiou").find(lower(c)) != std::string_view::npos; });
     })},
    {"count_digits",
     counts([](const Text& text) { return count_if(text, [](char c) { return std::isdigit(byte(c)) != 0; }); })},
    {"count_spaces", counts([](const Text& text) { return count_if(text, is_space); })},
    {"count_upper",
     counts([](const Text& text) { return count_if(text, [](char c) { return std::isupper(byte(c)) != 0; }); })},
    {"first_code", counts([](const Text& text) { return text.empty() ? -1.0 : byte(text.front()); })},
    {"last_code", counts([](const Text& text) { return text.empty() ? -1.0 : byte(text.back()); })},
});

Value find_text(Interpreter&, Arguments arguments) {
  const std::size_t at = text_argument(arguments, 0).find(text_argument(arguments, 1));
  return Value::integer(at == Text::npos ? -1 : static_cast<std::int64_t>(at));
}

Value count_text(Interpreter&, Arguments arguments) {
  const Text& text = text_argument(arguments, 0);
  const Text& part = text_argument(arguments, 1);
  std::int64_t count = 0;
  if (part.empty()) throw Error("the part is empty");
  for (std::size_t at = text.find(part); at != Text::npos; at = text.find(part, at + part.size())) ++count;
  return Value::integer(count);
}

Value replace(Interpreter& interpreter, Arguments arguments) {
  Text text = text_argument(arguments, 0);
  const Text& part = text_argument(arguments, 1);
  const Text& other = text_argument(arguments, 2);
  if (part.empty()) throw Error("the part is empty");
  for (std::size_t at = text.find(part); at != Text::npos; at = text.find(part, at + other.size())) {
    text.replace(at, part.size(), other);
  }
  return interpreter.string(text);
}

Value split(Interpreter& interpreter, Arguments arguments) {
  const Text& text = text_argument(arguments, 0);
  const Text& part = text_argument(arguments, 1);
  if (part.empty()) throw Error("the part is empty");
  Ref<List> list = make<List>();
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(part, begin), text.size());
    list->append(interpreter.string(std::string_view(text).substr(begin, end - begin)));
    begin = end + part.size();
  }
  return list;
}

Value join(Interpreter& interpreter, Arguments arguments) {
  Text text;
  for (const Value& item : list_argument(arguments, 0).items()) {
    if (!text.empty()) text += text_argument(arguments, 1);
    text += to_text(item);
  }
  return interpreter.string(text);
}

Value repeat(Interpreter& interpreter, Arguments arguments) {
  const Text& text = text_argument(arguments, 0);
  const std::size_t times = count_argument(arguments, 1);
  Text result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return interpreter.string(result);
}

Value part_of(Interpreter& interpreter, Arguments arguments) {
  const std::string_view text = text_argument(arguments, 0);
  return interpreter.string(
      text.substr(std::min(text.size(), count_argument(arguments, 1)), count_argument(arguments, 2)));
}

constexpr std::array kSearch = std::to_array<Entry>({
    {"find_text", find_text, "text, part"},
    {"count_text", count_text, "text, part"},
    {"replace", replace, "text, part, other"},
    {"split", split, "text, part"},
    {"join", join, "list, part"},
    {"repeat", repeat, "text, times"},
    {"part_of", part_of, "text, begin, length"},
    {"starts_with",
     [](Interpreter&, Arguments arguments) {
       return Value::boolean(text_argument(arguments, 0).starts_with(text_argument(arguments, 1)));
     },
     "text, part"},
    {"ends_with",
     [](Interpreter&, Arguments arguments) {
       return Value::boolean(text_argument(arguments, 0).ends_with(text_argument(arguments, 1)));
     },
     "text, part"},
});

// Blanks or zeros on both sides; `left` of 2 parts are on the left.
Value pad(Interpreter& interpreter, Arguments arguments, std::size_t left, char filler) {
  const Text text = to_text(arguments[0]);
  const std::size_t width = std::max(count_argument(arguments, 1), text.size());
  const std::size_t before = (width - text.size()) * left / 2;
  return interpreter.string(Text(before, filler) + text + Text(width - text.size() - before, filler));
}

template <std::size_t Base>
Value in_base(Interpreter& interpreter, Arguments arguments) {
  Text digits;
  for (std::size_t rest = count_argument(arguments, 0); rest != 0 || digits.empty(); rest /= Base) {
    digits += "0123456789abcdef"[rest % Base];
  }
  return interpreter.string(reverse(digits));
}

Value thousands(Interpreter& interpreter, Arguments arguments) {
  const Text digits = to_text(Value::integer(static_cast<std::int64_t>(count_argument(arguments, 0))));
  Text text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return interpreter.string(text);
}

Value fixed(Interpreter& interpreter, Arguments arguments) {
  char text[400];
  const std::size_t digits = std::min<std::size_t>(count_argument(arguments, 1), 20);
  std::snprintf(text, sizeof text, "%.*f", static_cast<int>(digits), to_number(arguments[0]));
  return interpreter.string(text);
}

constexpr std::array kFormat = std::to_array<Entry>({
    {"pad_left", [](Interpreter& i, Arguments a) { return pad(i, a, 2, ' '); }, "value, width"},
    {"pad_right", [](Interpreter& i, Arguments a) { return pad(i, a, 0, ' '); }, "value, width"},
    {"center", [](Interpreter& i, Arguments a) { return pad(i, a, 1, ' '); }, "value, width"},
    {"zero_fill", [](Interpreter& i, Arguments a) { return pad(i, a, 2, '0'); }, "value, width"},
    {"to_hex", in_base<16>, "count"},
    {"to_binary", in_base<2>, "count"},
    {"thousands", thousands, "count"},
    {"fixed", fixed, "number, digits"},
});

using Hash = std::uint32_t;
template <Hash Begin, Hash (*Step)(Hash, Hash)>
double hash(const Text& text) {
  Hash result = Begin;
  for (const char c : text) result = Step(result, byte(c));
  return result;
}
Hash crc32_step(Hash crc, Hash character) {
  crc ^= character;
  for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
  return crc;
}
Hash adler32_step(Hash sums, Hash character) {
  const Hash a = ((sums & 0xffff) + character) % 65521;
  return a | ((sums >> 16) + a) % 65521 << 16;
}

constexpr std::array kHashes = std::to_array<Entry>({
    {"fnv1_hash", counts(hash<2166136261u, [](Hash h, Hash c) { return h * 16777619u ^ c; }>)},
    {"fnv1a_hash", counts(hash<2166136261u, [](Hash h, Hash c) { return (h ^ c) * 16777619u; }>)},
    {"djb2_hash", counts(hash<5381u, [](Hash h, Hash c) { return h * 33 + c; }>)},
    {"sdbm_hash", counts(hash<0u, [](Hash h, Hash c) { return h * 65599u + c; }>)},
    {"java_hash", counts(hash<0u, [](Hash h, Hash c) { return h * 31 + c; }>)},
    {"adler32", counts(hash<1u, adler32_step>)},
    {"crc32", counts([](const Text& text) {
       return static_cast<double>(~static_cast<Hash>(hash<0xffffffffu, crc32_step>(text)));
     })},
    {"xor_checksum", counts(hash<0u, [](Hash h, Hash c) { return h ^ c; }>)},
});

Text hex_encode(const Text& text) {
  Text result;
  for (const char c : text) {
    result += "0123456789abcdef"[byte(c) >> 4];
    result += "0123456789abcdef"[byte(c) & 15];
  }
  return result;
}
Text hex_decode(const Text& text) {
  Text result;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const auto digit = [&](std::size_t at) {
      const std::size_t value = std::string_view("0123456789abcdef").find(lower(text[at]));
      if (value == std::string_view::npos) throw Error("not hexadecimal");
      return value;
    };
    result += static_cast<char>(digit(i) << 4 | digit(i + 1));
  }
  return result;
}
Text rotate13(const Text& text) {
  return each(text, [](char c) {
    if (std::isalpha(byte(c)) == 0) return c;
    return static_cast<char>(lower(c) < 'n' ? c + 13 : c - 13);
  });
}
Text url_encode(const Text& text) {
  Text result;
  for (const char c : text) {
    if (std::isalnum(byte(c)) != 0) {
      result += c;
    } else {
      result += "%" + hex_encode(Text(1, c));
    }
  }
  return result;
}
Text html_escape(const Text& text) {
  Text result;
  for (const char c : text) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '&') {
      result += "&amp;";
    } else {
      result += c;
    }
  }
  return result;
}
Text base64_encode(const Text& text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Text result;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) three = three << 8 | (i + k < text.size() ? byte(text[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) result += i + k > text.size() ? '=' : kDigits[three >> (18 - 6 * k) & 63];
  }
  return result;
}
Text run_lengths(const Text& text) {
  Text result;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find_first_not_of(text[i], i), text.size());
    result += std::to_string(end - i);
    result += text[i];
    i = end;
  }
  return result;
}

constexpr std::array kEncodings = std::to_array<Entry>({
    {"hex_encode", changes(hex_encode)},
    {"hex_decode", changes(hex_decode)},
    {"rotate13", changes(rotate13)},
    {"url_encode", changes(url_encode)},
    {"html_escape", changes(html_escape)},
    {"base64_encode", changes(base64_encode)},
    {"run_lengths", changes(run_lengths)},
});

constexpr std::array kLibraries = std::to_array<LibraryEntries>({
    {"text", kText},
    {"text_tests", kTextTests},
    {"text_counts", kTextCounts},
    {"search", kSearch},
    {"format", kFormat},
    {"hashes", kHashes},
    {"encodings", kEncodings},
});

}  // namespace

std::span<const LibraryEntries> text_libraries() { return kLibraries; }

}  // namespace tombo
