// Numbers: functions of one or two, as the C++ library has them or as formulas.

#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>

#include "library.h"

namespace tombo {

namespace {

constexpr double kPi = std::numbers::pi;

constexpr Operation of(double (*function)(double)) { return function; }
constexpr Operation of2(double (*function)(double, double)) { return function; }

std::int64_t integer(double number) {
  if (!(std::fabs(number) <= 9e15)) throw Error("the number is too large for an integer");
  return static_cast<std::int64_t>(number);
}
std::uint64_t bits(double number) { return static_cast<std::uint64_t>(integer(number)) & 0xffffffffu; }
double number(std::uint64_t bits) { return static_cast<double>(bits & 0xffffffffu); }

constexpr std::array kMath = std::to_array<Entry>({
    {"sin", of(std::sin)},
    {"cos", of(std::cos)},
    {"tan", of(std::tan)},
    {"asin", of(std::asin)},
    {"acos", of(std::acos)},
    {"atan", of(std::atan)},
    {"sinh", of(std::sinh)},
    {"cosh", of(std::cosh)},
    {"tanh", of(std::tanh)},
    {"exp", of(std::exp)},
    {"log", of(std::log)},
    {"log2", of(std::log2)},
    {"log10", of(std::log10)},
    {"sqrt", of(std::sqrt)},
    {"cbrt", of(std::cbrt)},
    {"atan2", of2(std::atan2)},
});

constexpr std::array kRounding = std::to_array<Entry>({
    {"floor", of(std::floor)},
    {"ceil", of(std::ceil)},
    {"round", of(std::round)},
    {"trunc", of(std::trunc)},
    {"round_to_even", of(std::nearbyint)},
    {"fraction", of([](double x) { return x - std::trunc(x); })},
    {"round_to_multiple", of2([](double x, double step) { return std::round(x / step) * step; })},
    {"round_to_digits", of2([](double x, double n) { return std::round(x * std::pow(10, n)) / std::pow(10, n); })},
});

constexpr std::array kArithmetic = std::to_array<Entry>({
    {"absolute", of(std::fabs)},
    {"sign", of([](double x) { return x > 0   ? 1.0
                                      : x < 0 ? -1.0
                                              : 0.0; })},
    {"square", of([](double x) { return x * x; })},
    {"cube", of([](double x) { return x * x * x; })},
    {"reciprocal", of([](double x) { return 1 / x; })},
    {"power", of2(std::pow)},
    {"modulo", of2(std::fmod)},
    {"smaller", of2(std::fmin)},
    {"larger", of2(std::fmax)},
    {"hypotenuse", of2(std::hypot)},
    {"distance", of2([](double a, double b) { return std::fabs(a - b); })},
    {"mean_of_two", of2([](double a, double b) { return (a + b) / 2; })},
});

double factorial(double n) { return std::round(std::tgamma(std::trunc(n) + 1)); }
double is_prime(double n) {
  for (std::int64_t divisor = 2; divisor * divisor <= integer(n); ++divisor) {
    if (integer(n) % divisor == 0) return 0;
  }
  return n >= 2 ? 1 : 0;
}
double fibonacci(double n) {
  double a = 0, b = 1;
  const double terms = std::fmin(n, 1000);
  for (int i = 0; i < terms; ++i) b = std::exchange(a, b) + b;
  return a;
}
double digit_sum(double n) {
  std::int64_t sum = 0;
  for (std::int64_t rest = std::abs(integer(n)); rest != 0; rest /= 10) sum += rest % 10;
  return static_cast<double>(sum);
}

constexpr std::array kIntegers = std::to_array<Entry>({
    {"gcd", of2([](double a, double b) { return static_cast<double>(std::gcd(integer(a), integer(b))); })},
    {"lcm", of2([](double a, double b) { return static_cast<double>(std::lcm(integer(a), integer(b))); })},
    {"factorial", of(factorial)},
    {"binomial", of2([](double n, double k) { return std::round(factorial(n) / factorial(k) / factorial(n - k)); })},
    {"is_prime", of(is_prime)},
    {"is_even", of([](double n) { return integer(n) % 2 == 0 ? 1.0 : 0.0; })},
    {"fibonacci", of(fibonacci)},
    {"digit_sum", of(digit_sum)},
    {"digit_count", of([](double n) { return std::floor(std::log10(std::fmax(std::fabs(n), 1))) + 1; })},
    {"integer_root", of([](double n) { return std::floor(std::sqrt(n)); })},
    {"triangular", of([](double n) { return n * (n + 1) / 2; })},
});

constexpr std::array kBits = std::to_array<Entry>({
    {"bit_and", of2([](double a, double b) { return number(bits(a) & bits(b)); })},
    {"bit_or", of2([](double a, double b) { return number(bits(a) | bits(b)); })},
    {"bit_xor", of2([](double a, double b) { return number(bits(a) ^ bits(b)); })},
    {"bit_not", of([](double a) { return number(~bits(a)); })},
    {"shift_left", of2([](double a, double n) { return number(bits(a) << (bits(n) & 31)); })},
    {"shift_right", of2([](double a, double n) { return number(bits(a) >> (bits(n) & 31)); })},
    {"bit_count", of([](double a) { return static_cast<double>(std::popcount(bits(a))); })},
    {"bit_width", of([](double a) { return static_cast<double>(std::bit_width(bits(a))); })},
    {"trailing_zeros", of([](double a) { return static_cast<double>(std::countr_zero(bits(a) | 1ULL << 32)); })},
    {"next_power_of_two", of([](double a) { return static_cast<double>(std::bit_ceil(bits(a))); })},
});

constexpr std::array kSpecial = std::to_array<Entry>({
    {"erf", of(std::erf)},
    {"erfc", of(std::erfc)},
    {"gamma", of(std::tgamma)},
    {"log_gamma", of(std::lgamma)},
    {"sigmoid", of([](double x) { return 1 / (1 + std::exp(-x)); })},
    {"logit", of([](double p) { return std::log(p / (1 - p)); })},
    {"softplus", of([](double x) { return std::log1p(std::exp(x)); })},
    {"rectified", of([](double x) { return std::fmax(x, 0); })},
});

constexpr std::array kGeometry = std::to_array<Entry>({
    {"circle_area", of([](double r) { return kPi * r * r; })},
    {"circle_circumference", of([](double r) { return 2 * kPi * r; })},
    {"sphere_volume", of([](double r) { return 4 * kPi * r * r * r / 3; })},
    {"sphere_surface", of([](double r) { return 4 * kPi * r * r; })},
    {"square_diagonal", of([](double a) { return a * std::numbers::sqrt2; })},
    {"cube_surface", of([](double a) { return 6 * a * a; })},
    {"rectangle_area", of2([](double a, double b) { return a * b; })},
    {"rectangle_perimeter", of2([](double a, double b) { return 2 * (a + b); })},
    {"triangle_area", of2([](double base, double height) { return base * height / 2; })},
    {"cylinder_volume", of2([](double r, double h) { return kPi * r * r * h; })},
    {"cone_volume", of2([](double r, double h) { return kPi * r * r * h / 3; })},
    {"ellipse_area", of2([](double a, double b) { return kPi * a * b; })},
});

constexpr std::array kFinance = std::to_array<Entry>({
    {"percent_of", of2([](double part, double whole) { return 100 * part / whole; })},
    {"percent_change", of2([](double before, double after) { return 100 * (after - before) / before; })},
    {"add_percent", of2([](double amount, double percent) { return amount * (1 + percent / 100); })},
    {"take_percent", of2([](double amount, double percent) { return amount * (1 - percent / 100); })},
    {"net_of_tax", of2([](double gross, double percent) { return gross / (1 + percent / 100); })},
    {"doubling_time", of([](double percent) { return std::log(2) / std::log1p(percent / 100); })},
    {"growth_in_ten_years",
     of2([](double amount, double percent) { return amount * std::pow(1 + percent / 100, 10); })},
    {"monthly_rate", of([](double yearly) { return 100 * (std::pow(1 + yearly / 100, 1.0 / 12) - 1); })},
});

constexpr std::array kPhysics = std::to_array<Entry>({
    {"kinetic_energy", of2([](double mass, double speed) { return mass * speed * speed / 2; })},
    {"momentum", of2([](double mass, double speed) { return mass * speed; })},
    {"force_of", of2([](double mass, double acceleration) { return mass * acceleration; })},
    {"density", of2([](double mass, double volume) { return mass / volume; })},
    {"current", of2([](double voltage, double resistance) { return voltage / resistance; })},
    {"electric_power", of2([](double voltage, double current) { return voltage * current; })},
    {"parallel_resistance", of2([](double a, double b) { return a * b / (a + b); })},
    {"free_fall_time", of([](double height) { return std::sqrt(2 * height / 9.80665); })},
    {"wave_length", of([](double frequency) { return 299'792'458 / frequency; })},
    {"photon_energy", of([](double frequency) { return 6.62607015e-34 * frequency; })},
});

constexpr std::array kProbability = std::to_array<Entry>({
    {"normal_density", of([](double x) { return std::exp(-x * x / 2) / std::sqrt(2 * kPi); })},
    {"normal_below", of([](double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; })},
    {"exponential_above", of2([](double rate, double x) { return std::exp(-rate * x); })},
    {"poisson", of2([](double mean, double k) { return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1)); })},
    {"geometric", of2([](double p, double k) { return std::pow(1 - p, k - 1) * p; })},
    {"odds", of([](double p) { return p / (1 - p); })},
});

constexpr std::array kLibraries = std::to_array<LibraryEntries>({
    {"math", kMath},
    {"rounding", kRounding},
    {"arithmetic", kArithmetic},
    {"integers", kIntegers},
    {"bits", kBits},
    {"special", kSpecial},
    {"geometry", kGeometry},
    {"finance", kFinance},
    {"physics", kPhysics},
    {"probability", kProbability},
});

}  // namespace

std::span<const LibraryEntries> number_libraries() { return kLibraries; }

}  // namespace tombo
