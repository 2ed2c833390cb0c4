#include "analyzer/classify/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace tidemark::classify {
namespace {

struct Line {
  double base = 0, slope = 0, residual = 0;  // sum of squares
};

Line fit_line(std::span<const double> x, std::span<const double> y) noexcept {
  const auto n = static_cast<double>(x.size());
  double sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    sum_x += x[i];
    sum_y += y[i];
    sum_xx += x[i] * x[i];
    sum_xy += x[i] * y[i];
  }
  Line line;
  const double spread = n * sum_xx - sum_x * sum_x;
  line.slope = spread > 0 ? (n * sum_xy - sum_x * sum_y) / spread : 0;
  line.base = n > 0 ? (sum_y - line.slope * sum_x) / n : 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double off = y[i] - line.base - line.slope * x[i];
    line.residual += off * off;
  }
  return line;
}

// Akaike's criterion for small samples, of a least-squares fit.
double aicc(double residual, size_t points, double parameters) noexcept {
  const auto n = static_cast<double>(points);
  if (n <= parameters + 2) return std::numeric_limits<double>::infinity();
  const double k = parameters + 1;  // and the variance
  return n * std::log(std::max(residual, 1e-9) / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1);
}

}  // namespace

double median(std::vector<double> values) noexcept {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double mann_kendall_rising(std::span<const double> series) noexcept {
  const size_t size = series.size();
  if (size < 4) return 1;
  double score = 0;
  for (size_t i = 0; i < size; ++i) {
    for (size_t j = i + 1; j < size; ++j) score += series[j] > series[i] ? 1 : series[j] < series[i] ? -1 : 0;
  }
  const auto n = static_cast<double>(size);
  double variance = n * (n - 1) * (2 * n + 5);
  std::map<double, double> ties;
  for (const double value : series) ++ties[value];
  for (const auto& [value, count] : ties) variance -= count * (count - 1) * (2 * count + 5);
  variance /= 18;
  if (variance <= 0 || score <= 0) return 1;
  const double z = (score - 1) / std::sqrt(variance);
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

double theil_sen(std::span<const double> x, std::span<const double> y) {
  std::vector<double> slopes;
  slopes.reserve(x.size() * x.size() / 2);
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = i + 1; j < x.size(); ++j) {
      if (x[j] != x[i]) slopes.push_back((y[j] - y[i]) / (x[j] - x[i]));
    }
  }
  return median(std::move(slopes));
}

Saturation fit_saturation(std::span<const double> x, std::span<const double> y) {
  constexpr int kSteps = 60;
  Saturation best;
  if (x.size() < 6) return best;
  const double begin = x.front(), window = x.back() - begin;
  if (!(window > 0)) return best;
  const Line line = fit_line(x, y);
  double least = std::numeric_limits<double>::infinity();
  std::vector<double> risen(x.size());
  for (int step = 0; step < kSteps; ++step) {  // tau from window / 50 to 10 windows
    const double tau = window / 50 * std::pow(500.0, step / double{kSteps - 1});
    for (size_t i = 0; i < x.size(); ++i) risen[i] = 1 - std::exp(-(x[i] - begin) / tau);
    const Line curve = fit_line(risen, y);
    if (curve.residual >= least) continue;
    least = curve.residual;
    best.base = curve.base;
    best.height = curve.slope;
    best.tau = tau;
  }
  best.left = std::exp(-window / best.tau);
  best.better = aicc(line.residual, x.size(), 2) - aicc(least, x.size(), 3);
  if (!std::isfinite(best.better)) best.better = 0;
  return best;
}

double linearity(std::span<const double> x, std::span<const double> y) noexcept {
  const Line line = fit_line(x, y);
  double mean = 0, variance = 0;
  for (const double value : y) mean += value / static_cast<double>(y.size());
  for (const double value : y) variance += (value - mean) * (value - mean);
  return variance > 0 ? std::clamp(1 - line.residual / variance, 0.0, 1.0) : 0;
}

}  // namespace tidemark::classify
