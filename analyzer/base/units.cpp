#include "analyzer/base/units.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace tidemark {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Splits "1.5 MB" into the number and what follows it, without blanks between.
std::optional<double> take_real(std::string_view& text) {
  size_t length = 0;
  while (length < text.size() && (is_digit(text[length]) || text[length] == '.')) ++length;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + length, value, std::chars_format::fixed);
  if (length == 0 || error != std::errc{} || end != text.data() + length) return std::nullopt;
  text.remove_prefix(length);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return value;
}

std::optional<uint64_t> to_whole(double value) {
  if (!(value >= 0) || value >= 9.2e18) return std::nullopt;
  return static_cast<uint64_t>(std::llround(value));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace

std::string format_bytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  // 1023.95 would print as "1024.0": go one unit further from there.
  while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string format_signed_bytes(int64_t bytes) {
  if (bytes == 0) return "0 B";
  const uint64_t magnitude = bytes < 0 ? 0 - static_cast<uint64_t>(bytes) : static_cast<uint64_t>(bytes);
  return (bytes < 0 ? "-" : "+") + format_bytes(magnitude);
}

std::string format_count(uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 0) return "-" + format_seconds(-seconds);
  if (seconds < 0.0000995) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 0.0995) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 9.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 119.95) return fmt::format("{:.1f} s", seconds);
  if (seconds > 1e15) return fmt::format("{:.3g} s", seconds);
  const auto whole = static_cast<uint64_t>(std::llround(seconds));
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

uint64_t whole_number(double value) noexcept {
  constexpr double kBehind = 18446744073709551616.0;  // 2^64
  if (!(value > 0)) return 0;
  return value < kBehind ? static_cast<uint64_t>(value) : UINT64_MAX;
}

std::string plural(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

std::optional<uint64_t> parse_size(std::string_view text) {
  const auto number = take_real(text);
  if (!number) return std::nullopt;
  double factor = 1;
  if (!text.empty() && !same_word(text, "b")) {
    static constexpr std::string_view kPrefixes = "kmgt";
    const size_t power = kPrefixes.find(lower(text.front()));
    if (power == std::string_view::npos) return std::nullopt;
    text.remove_prefix(1);
    if (!text.empty() && !same_word(text, "b") && !same_word(text, "ib")) return std::nullopt;
    factor = std::ldexp(1.0, 10 * (static_cast<int>(power) + 1));
  }
  return to_whole(*number * factor);
}

std::optional<uint64_t> parse_duration(std::string_view text) {
  static constexpr struct {
    std::string_view name;
    double nanoseconds;
  } kUnits[] = {{"", 1e9}, {"s", 1e9},    {"sec", 1e9}, {"ms", 1e6},   {"us", 1e3},
                {"ns", 1}, {"min", 60e9}, {"m", 60e9},  {"h", 3600e9}, {"d", 86400e9}};
  const auto number = take_real(text);
  if (!number) return std::nullopt;
  for (const auto& unit : kUnits) {
    if (text == unit.name) return to_whole(*number * unit.nanoseconds);
  }
  return std::nullopt;
}

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_real(std::string_view text) {
  const auto value = take_real(text);
  return text.empty() ? value : std::nullopt;
}

}  // namespace tidemark
