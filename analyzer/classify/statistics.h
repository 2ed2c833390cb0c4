// The statistics that tell growth from its look-alikes, on short series (at most a few hundred points). Pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace tidemark::classify {

// The middle of the values, the mean of the two middle ones of an even number; 0 of none.
double median(std::vector<double> values) noexcept;

// Mann–Kendall: the chance that a series without a trend rises as steadily as this one (one-sided, normal
// approximation with continuity correction, corrected for ties). 1 for fewer than 4 points. (Mann 1945; Kendall 1975)
double mann_kendall_rising(std::span<const double> series) noexcept;

// Theil–Sen: the median slope of all pairs with different x; 0 without such. (Sen 1968)
double theil_sen(std::span<const double> x, std::span<const double> y);

// y = base + height * (1 - exp(-(x - x0) / tau)), fitted by least squares over tau; x ascends from x0.
struct Saturation {
  double base = 0, height = 0, tau = 0;
  double left = 1;    // share of the height that is still to come after the last point
  double better = 0;  // AICc of the straight line less AICc of this curve: over 4, the curve explains more
};
Saturation fit_saturation(std::span<const double> x, std::span<const double> y);

// Share of the variance that the best straight line explains, 0 to 1.
double linearity(std::span<const double> x, std::span<const double> y) noexcept;

}  // namespace tidemark::classify
