// SPDX-License-Identifier: Apache-2.0
#include "attention/symmetric_power.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "loewner/base/error.hpp"

namespace loewner::detail {
namespace {

constexpr Index kMaxDimension = 4096;

double factorial(int n) {
  double product = 1;
  for (int i = 2; i <= n; ++i) product *= i;
  return product;
}

// r! / (m_1! m_2! ...), where m are the multiplicities of equal columns; `columns` ascend.
double multinomial(std::span<const Index> columns) {
  double value = factorial(static_cast<int>(columns.size()));
  for (std::size_t first = 0; first < columns.size();) {
    std::size_t last = first;
    while (last < columns.size() && columns[last] == columns[first]) ++last;
    value /= factorial(static_cast<int>(last - first));
    first = last;
  }
  return value;
}

}  // namespace

std::optional<Index> SymmetricPower::dimension(Index cols, int degree) {
  double value = 1;
  for (int i = 0; i < degree; ++i) value = value * static_cast<double>(cols + i) / (i + 1);
  if (!(value <= static_cast<double>(kMaxDimension))) return degree == 1 ? std::optional(cols) : std::nullopt;
  return static_cast<Index>(std::llround(value));
}

SymmetricPower::SymmetricPower(Index cols, int degree) : cols_(cols), degree_(degree) {
  std::vector<Index> columns(static_cast<std::size_t>(degree), 0);
  while (cols > 0) {
    coefficients_.push_back(std::sqrt(multinomial(columns)));
    factors_.insert(factors_.end(), columns.begin(), columns.end());
    // The next ascending tuple in lexicographic order.
    auto grown = std::find_if(columns.rbegin(), columns.rend(), [&](Index column) { return column + 1 < cols; });
    if (grown == columns.rend()) break;
    std::fill(columns.rbegin(), std::next(grown), *grown + 1);
  }
}

void SymmetricPower::map(MatrixView<const float> rows, MatrixView<double> out) const {
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto row = rows.row(i);
    const auto features = out.row(i);
    const Index* factor = factors_.data();
    for (double& feature : features) {
      feature = coefficients_[&feature - features.data()];
      for (int r = 0; r < degree_; ++r) feature *= static_cast<double>(row[*factor++]);
    }
  }
}

std::optional<int> symmetric_degree(Index cols, double power) {
  const double half = power / 2;
  if (!(half >= 1 && half <= 16) || half != std::floor(half)) return std::nullopt;
  const int degree = static_cast<int>(half);
  return SymmetricPower::dimension(cols, degree) ? std::optional(degree) : std::nullopt;
}

int required_symmetric_degree(Index cols, double power, const char* caller) {
  const auto degree = symmetric_degree(cols, power);
  require(degree.has_value(), [&] {
    return std::string(caller) + ": power must be even, with at most 4096 features, got power " +
           std::to_string(power) + " for keys of " + std::to_string(cols) + " columns";
  });
  return *degree;
}

}  // namespace loewner::detail
