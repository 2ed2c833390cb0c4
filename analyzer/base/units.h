// Figures for people: sizes, times, counts, both ways. Sizes are 1024-based and called KB, MB, GB, as `ru_maxrss` and
// most tools of this field do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

std::string format_bytes(uint64_t bytes);        // "512 B", "91.9 MB"
std::string format_signed_bytes(int64_t bytes);  // "+1.5 MB", "-12 KB", "0 B"
std::string format_count(uint64_t count);        // "1,234,567"
std::string format_seconds(double seconds);      // "12.3 ms", "1.20 s", "3 min 20 s", "2 h 5 min"
// Without its fraction; the nearest of what uint64_t can hold, and 0 for what is no number.
uint64_t whole_number(double value) noexcept;
std::string plural(uint64_t count, std::string_view noun);  // "1 block", "2,000 blocks"

// "512KiB", "16G", "1.5M", "4096", "100 MB": bytes; K, M, G, T with or without B or iB, all 1024-based.
std::optional<uint64_t> parse_size(std::string_view text);
// "250ms", "10s", "1.5", "5min", "2h": nanoseconds; a number alone means seconds.
std::optional<uint64_t> parse_duration(std::string_view text);
// A plain decimal number with nothing around it.
std::optional<uint64_t> parse_number(std::string_view text);
std::optional<double> parse_real(std::string_view text);

}  // namespace tidemark
