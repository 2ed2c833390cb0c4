// One thread that factors numbers with big numbers from the heap: nothing but tiny, short-lived allocations.
//
//   cfrac_like [NUMBERS]     factors NUMBERS products of two primes (default 5) and checks each; the work is fixed
//
// The computation of mimalloc-bench's cfrac: the continued fraction method of Morrison and Brillhart (Knuth, The Art of
// Computer Programming, volume 2, 4.5.4, algorithm E). The convergents A of the continued fraction of sqrt(kN) give
// A^2 = (-1)^n Q (mod N) with small Q; those Q that split over a base of small primes are combined to a square.

#include <bitset>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "big_number.h"

namespace {

using bench::BigNumber;

constexpr size_t kBaseSize = 160;
constexpr size_t kRelations = kBaseSize + 12;

// A^2 = product of base[i]^exponents[i] (mod N); base[0] stands for -1.
struct Relation {
  BigNumber a;
  std::vector<unsigned> exponents;
};

bool is_probably_prime(const BigNumber& number) {
  for (const uint64_t witness : {2, 3, 5, 7}) {
    if (power(witness, number - 1, number) != BigNumber(1)) return false;
  }
  return true;
}

BigNumber random_prime(uint64_t& random, int bits) {
  for (;;) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    BigNumber candidate = (random >> (64 - bits)) | 1 | uint64_t{1} << (bits - 1);
    if (is_probably_prime(candidate)) return candidate;
  }
}

// Where factor_base() looks: the primes that can divide a Q are those of which the number is a square.
bool is_square_modulo(const BigNumber& number, uint64_t prime) {
  return prime == 2 || power(number % prime, (prime - 1) / 2, prime) <= BigNumber(1);
}

std::vector<BigNumber> factor_base(const BigNumber& number) {
  std::vector<BigNumber> base = {1};
  for (uint64_t candidate = 2; base.size() < kBaseSize; ++candidate) {
    bool prime = true;
    for (uint64_t i = 2; i * i <= candidate && prime; ++i) prime = candidate % i != 0;
    if (prime && is_square_modulo(number, candidate)) base.emplace_back(candidate);
  }
  return base;
}

// The exponents of the number over the base, if it splits entirely.
std::optional<std::vector<unsigned>> split(const std::vector<BigNumber>& base, BigNumber number) {
  std::vector<unsigned> exponents(base.size());
  for (size_t i = 1; i < base.size(); ++i) {
    while ((number % base[i]).is_zero()) {
      number = number / base[i];
      ++exponents[i];
    }
  }
  if (number != BigNumber(1)) return std::nullopt;
  return exponents;
}

// Relations from the continued fraction of sqrt(multiple), or fewer than kRelations if its period is short.
std::vector<Relation> find_relations(const BigNumber& number, const BigNumber& multiple,
                                     const std::vector<BigNumber>& base) {
  const BigNumber root = square_root(multiple);
  BigNumber p = root;
  BigNumber q = multiple - root * root;
  BigNumber a_before = 1;
  BigNumber a = root % number;
  std::vector<Relation> relations;
  for (bool negative = true; relations.size() < kRelations && q != BigNumber(1); negative = !negative) {
    if (auto exponents = split(base, q)) {
      (*exponents)[0] = negative ? 1 : 0;
      relations.push_back({a, std::move(*exponents)});
    }
    const BigNumber term = (root + p) / q;
    p = term * q - p;
    q = (multiple - p * p) / q;
    a_before = std::exchange(a, (term * a + a_before) % number);
  }
  return relations;
}

// A relation's exponents modulo 2, and which relations were multiplied to get them.
struct Row {
  std::bitset<kBaseSize> odd;
  std::bitset<kRelations> from;
};

// gcd(X - Y, number) for X^2 = Y^2, the product of the chosen relations.
BigNumber common_factor(const BigNumber& number, const std::vector<BigNumber>& base,
                        const std::vector<Relation>& relations, const std::bitset<kRelations>& chosen) {
  BigNumber x = 1;
  std::vector<unsigned> exponents(base.size());
  for (size_t i = 0; i < relations.size(); ++i) {
    if (!chosen[i]) continue;
    x = x * relations[i].a % number;
    for (size_t j = 0; j < base.size(); ++j) exponents[j] += relations[i].exponents[j];
  }
  BigNumber y = 1;
  for (size_t j = 1; j < base.size(); ++j) y = y * power(base[j], exponents[j] / 2, number) % number;
  return greatest_common_divisor(x + number - y, number);
}

// Gaussian elimination modulo 2; every row that vanishes is a square.
std::optional<BigNumber> combine(const BigNumber& number, const std::vector<BigNumber>& base,
                                 const std::vector<Relation>& relations) {
  std::vector<Row> pivots;
  std::vector<size_t> columns;
  for (size_t i = 0; i < relations.size(); ++i) {
    Row row;
    row.from.set(i);
    for (size_t j = 0; j < base.size(); ++j) row.odd[j] = relations[i].exponents[j] % 2 != 0;
    for (size_t j = 0; j < pivots.size(); ++j) {
      if (!row.odd[columns[j]]) continue;
      row.odd ^= pivots[j].odd;
      row.from ^= pivots[j].from;
    }
    if (row.odd.any()) {
      columns.push_back(row.odd._Find_first());
      pivots.push_back(row);
      continue;
    }
    BigNumber factor = common_factor(number, base, relations, row.from);
    if (factor != BigNumber(1) && factor != number) return factor;
  }
  return std::nullopt;
}

BigNumber factor(const BigNumber& number) {
  for (uint64_t multiplier = 1;; ++multiplier) {
    const BigNumber multiple = number * multiplier;
    const std::vector<BigNumber> base = factor_base(multiple);
    if (auto found = combine(number, base, find_relations(number, multiple, base))) return *found;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 5;
  uint64_t random = 1;
  for (uint64_t i = 0; i < count; ++i) {
    const BigNumber number = random_prime(random, 48) * random_prime(random, 47);
    const BigNumber found = factor(number);
    if (found * (number / found) != number) return 1;
    std::printf("%s = %s * %s\n", number.to_string().c_str(), found.to_string().c_str(),
                (number / found).to_string().c_str());
  }
}
