// SPDX-License-Identifier: Apache-2.0
#include "linalg/schatten_excess.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace loewner::detail {

double schatten_excess(const ResidualSpectrum& spectrum, double p) {
  if (spectrum.gain <= 0) return 0;
  if (p == 2) {
    if (spectrum.squared_norm <= 0) return std::numeric_limits<double>::infinity();
    return std::sqrt(1 + spectrum.gain / spectrum.squared_norm) - 1;
  }
  const double first = spectrum.tail.empty() ? 0 : spectrum.tail.front();
  if (first <= 0) return std::numeric_limits<double>::infinity();
  const double gain = spectrum.gain / (first * first);  // relative to the first value from here on
  if (std::isinf(p)) return std::sqrt(1 + gain) - 1;
  double powers = 0, squares = 0;
  for (const double value : spectrum.tail) {
    powers += std::pow(value / first, p);
    squares += (value / first) * (value / first);
  }
  if (p / 2 * std::log1p(gain) > 700) return std::sqrt(1 + gain) * std::pow(powers, -1 / p) - 1;  // not finite below
  if (p > 2) return std::pow((powers + std::pow(1 + gain, p / 2) - 1) / powers, 1 / p) - 1;
  powers += std::max(0.0, spectrum.squared_norm / (first * first) - squares);
  const double spread = static_cast<double>(spectrum.rank);
  return std::pow(1 + spread * std::pow(gain / spread, p / 2) / powers, 1 / p) - 1;
}

}  // namespace loewner::detail
