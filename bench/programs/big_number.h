// Natural numbers of any size, each value in one reference-counted block on the heap, never changed once it is made.
//
// Every operation allocates its result, however small: the way of C libraries such as the one inside cfrac, and what
// makes a computation with them a stream of tiny short-lived blocks.

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace bench {

class BigNumber {
 public:
  // Small digits make the arithmetic long enough that allocation has the share of the time that it has in cfrac.
  using Digit = uint8_t;

  // Zero has no block.
  BigNumber() = default;
  BigNumber(uint64_t value);  // NOLINT(google-explicit-constructor): small constants are numbers too

  // Takes the digits, the lowest first; leading zeros are dropped.
  BigNumber(std::shared_ptr<const Digit[]> digits, size_t size);

  bool is_zero() const { return size_ == 0; }
  bool is_odd() const { return size_ > 0 && digits_[0] % 2 != 0; }
  std::span<const Digit> digits() const { return {digits_.get(), size_}; }

  // The lowest 64 bits.
  uint64_t to_uint64() const;
  std::string to_string() const;

 private:
  std::shared_ptr<const Digit[]> digits_;
  size_t size_ = 0;
};

struct Division {
  BigNumber quotient;
  BigNumber remainder;
};

std::strong_ordering operator<=>(const BigNumber& left, const BigNumber& right);
bool operator==(const BigNumber& left, const BigNumber& right);

BigNumber operator+(const BigNumber& left, const BigNumber& right);
// left must not be less than right.
BigNumber operator-(const BigNumber& left, const BigNumber& right);
BigNumber operator*(const BigNumber& left, const BigNumber& right);
BigNumber operator/(const BigNumber& left, const BigNumber& right);
BigNumber operator%(const BigNumber& left, const BigNumber& right);
// The divisor must not be zero.
Division divide(const BigNumber& dividend, const BigNumber& divisor);

BigNumber square_root(const BigNumber& number);
BigNumber greatest_common_divisor(BigNumber left, BigNumber right);
BigNumber power(BigNumber base, const BigNumber& exponent, const BigNumber& modulus);

}  // namespace bench
