// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/singular_values.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/gram_spectrum.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/weighted_rows.hpp"
#include "loewner/linalg/gram.hpp"

namespace loewner {
namespace {

using GramOf = Matrix<double> (*)(const RowSource&, std::span<const double>);

Matrix<double> gram_of_shorter_side(GramOf product, const RowSource& a, std::span<const double> row_weights) {
  if (a.rows() >= a.cols()) return product(a, row_weights);
  const Matrix<float> all = read_all(detail::WeightedRows(a, row_weights));
  const Matrix<float> columns = detail::transposed(all.view());
  return product(DenseRows(columns.view()), {});
}

// Infinity if one is not finite, since comparisons would ignore a NaN.
double largest_diagonal(const Matrix<double>& g) {
  double largest = 0;
  for (Index i = 0; i < g.rows(); ++i) {
    if (!std::isfinite(g(i, i))) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, g(i, i));
  }
  return largest;
}

// Its diagonal shows without another pass whether all entries are finite, since their squares fit into float64.
Matrix<double> gram_of_finite(const RowSource& a, std::span<const double> row_weights, const std::string& caller) {
  Matrix<double> g = gram_of_shorter_side(gram, a, row_weights);
  if (!std::isfinite(largest_diagonal(g))) require_finite(a, caller + ": the matrix");
  return g;
}

// In float32 if the squares stay well inside its range.
Matrix<double> fast_gram_of_finite(const RowSource& a, const std::string& caller) {
  Matrix<double> g = gram_of_shorter_side(gram_float32, a, {});
  const double largest = largest_diagonal(g);
  if (largest > 0x1p-60 && largest < 0x1p100) return g;
  return gram_of_finite(a, {}, caller);
}

}  // namespace

std::vector<double> singular_values(const RowSource& a, std::span<const double> row_weights) {
  detail::ArgumentCheck("singular_values").row_weights(row_weights, a.rows());
  return detail::singular_values_from_gram(gram_of_finite(a, row_weights, "singular_values"), "singular_values");
}

std::vector<double> singular_values_float32(const RowSource& a) {
  const Matrix<double> g = fast_gram_of_finite(a, "singular_values_float32");
  const double largest = largest_diagonal(g);
  if (largest == 0) return std::vector<double>(g.rows());
  Matrix<float> scaled = Matrix<float>::uninitialized(g.rows(), g.cols());
  for (Index i = 0; i < g.rows(); ++i) {
    std::ranges::transform(g.row(i), scaled.row(i).begin(), [&](double x) { return static_cast<float>(x / largest); });
  }
  std::vector<double> values = detail::singular_values_from_gram(std::move(scaled));
  for (double& value : values) value *= std::sqrt(largest);
  return values;
}

std::vector<double> relative_residuals(const std::vector<double>& singular_values, double residual_norm) {
  double largest = std::abs(residual_norm);
  for (const double sigma : singular_values) largest = std::max(largest, std::abs(sigma));
  const int exponent = detail::input_exponent(largest, detail::kOrdinaryDoubles);
  const auto square = [&](double x) { return std::ldexp(x, -exponent) * std::ldexp(x, -exponent); };
  std::vector<double> tail(singular_values.size() + 1);  // summed from the small end, to keep its digits
  tail.back() = square(residual_norm);
  for (std::size_t k = singular_values.size(); k > 0; --k) tail[k - 1] = tail[k] + square(singular_values[k - 1]);
  const double all = tail.front();
  for (double& energy : tail) energy = all > 0 ? std::sqrt(energy / all) : 0.0;
  return tail;
}

}  // namespace loewner
