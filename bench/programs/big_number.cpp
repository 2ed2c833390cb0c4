#include "big_number.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

namespace bench {

namespace {

constexpr int kDigitBits = 8;
constexpr uint32_t kMaxDigit = (1U << kDigitBits) - 1;

std::shared_ptr<BigNumber::Digit[]> allocate(size_t size) { return std::make_shared<BigNumber::Digit[]>(size); }

// The number moved to the left by fewer bits than a digit has, with one digit more.
std::vector<uint32_t> shifted(const BigNumber& number, int bits) {
  std::vector<uint32_t> result;
  result.reserve(number.digits().size() + 1);
  uint32_t carry = 0;
  for (const uint32_t digit : number.digits()) {
    result.push_back((digit << bits | carry) & kMaxDigit);
    carry = digit >> (kDigitBits - bits);
  }
  result.push_back(carry);
  return result;
}

// Short division is enough for these: a remainder and one more digit fit into 32 bits.
bool is_small(const BigNumber& divisor) { return divisor.digits().size() * kDigitBits <= 32 - kDigitBits; }

Division divide_by_small(const BigNumber& dividend, uint32_t divisor) {
  const std::span<const BigNumber::Digit> digits = dividend.digits();
  const auto quotient = allocate(digits.size());
  uint32_t remainder = 0;
  for (size_t i = digits.size(); i-- > 0;) {
    const uint32_t part = remainder << kDigitBits | digits[i];
    quotient[i] = static_cast<BigNumber::Digit>(part / divisor);
    remainder = part % divisor;
  }
  return {BigNumber(quotient, digits.size()), BigNumber(remainder)};
}

// The remainder alone.
uint32_t modulo_small(const BigNumber& dividend, uint32_t divisor) {
  const std::span<const BigNumber::Digit> digits = dividend.digits();
  uint32_t remainder = 0;
  for (size_t i = digits.size(); i-- > 0;) remainder = (remainder << kDigitBits | digits[i]) % divisor;
  return remainder;
}

// Knuth, The Art of Computer Programming, volume 2, 4.3.1, algorithm D; the divisor is not small and is not
// greater than the dividend.
Division divide_by_number(const BigNumber& dividend, const BigNumber& divisor) {
  const int shift = std::countl_zero(divisor.digits().back());
  std::vector<uint32_t> rest = shifted(dividend, shift);
  const std::vector<uint32_t> by = shifted(divisor, shift);
  const size_t size = divisor.digits().size();
  const size_t quotient_size = dividend.digits().size() - size + 1;
  const auto quotient = allocate(quotient_size);

  for (size_t j = quotient_size; j-- > 0;) {
    const uint32_t top = rest[j + size] << kDigitBits | rest[j + size - 1];
    uint64_t guess = top / by[size - 1];
    uint64_t guess_rest = top % by[size - 1];
    while (guess > kMaxDigit || guess * by[size - 2] > (guess_rest << kDigitBits | rest[j + size - 2])) {
      --guess;
      guess_rest += by[size - 1];
      if (guess_rest > kMaxDigit) break;
    }
    int64_t borrow = 0;
    for (size_t i = 0; i <= size; ++i) {
      const int64_t part = static_cast<int64_t>(rest[j + i]) - static_cast<int64_t>(guess * by[i]) + borrow;
      rest[j + i] = static_cast<uint32_t>(part & kMaxDigit);
      borrow = part >> kDigitBits;
    }
    if (borrow < 0) {  // The guess was one too high.
      --guess;
      uint32_t carry = 0;
      for (size_t i = 0; i <= size; ++i) {
        const uint32_t part = rest[j + i] + by[i] + carry;
        rest[j + i] = part & kMaxDigit;
        carry = part >> kDigitBits;
      }
    }
    quotient[j] = static_cast<BigNumber::Digit>(guess);
  }

  const auto remainder = allocate(size);
  for (size_t i = 0; i < size; ++i) {
    remainder[i] = static_cast<BigNumber::Digit>(rest[i] >> shift | rest[i + 1] << (kDigitBits - shift));
  }
  return {BigNumber(quotient, quotient_size), BigNumber(remainder, size)};
}

}  // namespace

BigNumber::BigNumber(uint64_t value) {
  if (value == 0) return;
  const auto digits = allocate((static_cast<size_t>(std::bit_width(value)) + kDigitBits - 1) / kDigitBits);
  for (; value > 0; value >>= kDigitBits) digits[size_++] = static_cast<Digit>(value);
  digits_ = digits;
}

BigNumber::BigNumber(std::shared_ptr<const Digit[]> digits, size_t size) {
  while (size > 0 && digits[size - 1] == 0) --size;
  if (size == 0) return;
  digits_ = std::move(digits);
  size_ = size;
}

uint64_t BigNumber::to_uint64() const {
  uint64_t value = 0;
  for (size_t i = std::min<size_t>(size_, 64 / kDigitBits); i-- > 0;) value = value << kDigitBits | digits_[i];
  return value;
}

std::string BigNumber::to_string() const {
  std::string text;
  for (BigNumber rest = *this; !rest.is_zero();) {
    Division division = divide(rest, 10);
    text += static_cast<char>('0' + division.remainder.to_uint64());
    rest = std::move(division.quotient);
  }
  std::ranges::reverse(text);
  return text.empty() ? "0" : text;
}

std::strong_ordering operator<=>(const BigNumber& left, const BigNumber& right) {
  const auto a = left.digits();
  const auto b = right.digits();
  if (a.size() != b.size()) return a.size() <=> b.size();
  return std::lexicographical_compare_three_way(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

bool operator==(const BigNumber& left, const BigNumber& right) {
  return std::ranges::equal(left.digits(), right.digits());
}

BigNumber operator+(const BigNumber& left, const BigNumber& right) {
  const auto longer = std::max(left, right).digits();
  const auto shorter = std::min(left, right).digits();
  const auto sum = allocate(longer.size() + 1);
  uint32_t carry = 0;
  for (size_t i = 0; i < longer.size(); ++i) {
    carry += longer[i] + (i < shorter.size() ? shorter[i] : 0U);
    sum[i] = static_cast<BigNumber::Digit>(carry);
    carry >>= kDigitBits;
  }
  sum[longer.size()] = static_cast<BigNumber::Digit>(carry);
  return {sum, longer.size() + 1};
}

BigNumber operator-(const BigNumber& left, const BigNumber& right) {
  const auto a = left.digits();
  const auto b = right.digits();
  const auto difference = allocate(a.size());
  int32_t borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    borrow += a[i] - (i < b.size() ? b[i] : 0);
    difference[i] = static_cast<BigNumber::Digit>(borrow);
    borrow >>= kDigitBits;
  }
  return {difference, a.size()};
}

BigNumber operator*(const BigNumber& left, const BigNumber& right) {
  const auto a = left.digits();
  const auto b = right.digits();
  const auto product = allocate(a.size() + b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    uint32_t carry = 0;
    for (size_t j = 0; j < b.size(); ++j) {
      carry += static_cast<uint32_t>(a[i]) * b[j] + product[i + j];
      product[i + j] = static_cast<BigNumber::Digit>(carry);
      carry >>= kDigitBits;
    }
    product[i + b.size()] = static_cast<BigNumber::Digit>(carry);
  }
  return {product, a.size() + b.size()};
}

Division divide(const BigNumber& dividend, const BigNumber& divisor) {
  if (dividend < divisor) return {BigNumber(), dividend};
  if (is_small(divisor)) return divide_by_small(dividend, static_cast<uint32_t>(divisor.to_uint64()));
  return divide_by_number(dividend, divisor);
}

BigNumber operator/(const BigNumber& left, const BigNumber& right) { return divide(left, right).quotient; }

BigNumber operator%(const BigNumber& left, const BigNumber& right) {
  if (is_small(right)) return modulo_small(left, static_cast<uint32_t>(right.to_uint64()));
  return divide(left, right).remainder;
}

// Newton's method from above.
BigNumber square_root(const BigNumber& number) {
  if (number < BigNumber(2)) return number;
  BigNumber root = number;
  for (;;) {
    BigNumber next = (root + number / root) / 2;
    if (next >= root) return root;
    root = std::move(next);
  }
}

BigNumber greatest_common_divisor(BigNumber left, BigNumber right) {
  while (!right.is_zero()) left = std::exchange(right, left % right);
  return left;
}

BigNumber power(BigNumber base, const BigNumber& exponent, const BigNumber& modulus) {
  BigNumber result = 1;
  for (BigNumber rest = exponent; !rest.is_zero(); rest = rest / 2) {
    if (rest.is_odd()) result = result * base % modulus;
    base = base * base % modulus;
  }
  return result;
}

}  // namespace bench
