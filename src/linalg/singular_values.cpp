// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/singular_values.hpp"

#include <cmath>

#include "detail/conversion.hpp"
#include "detail/gram_spectrum.hpp"
#include "detail/row_weights.hpp"
#include "detail/weighted_rows.hpp"
#include "loewner/linalg/gram.hpp"

namespace loewner {
namespace {

Matrix<double> gram_of_shorter_side(const RowSource& a, std::span<const double> row_weights) {
  if (a.rows() >= a.cols()) return gram(a, row_weights);
  const Matrix<float> all = read_all(detail::WeightedRows(a, row_weights));
  const Matrix<float> columns = detail::transposed(all.view());
  return gram(DenseRows(columns.view()));
}

}  // namespace

std::vector<double> singular_values(const RowSource& a, std::span<const double> row_weights) {
  detail::require_row_weights(row_weights, a.rows(), "singular_values");
  require_finite(a, "singular_values: the matrix");
  return detail::singular_values_from_gram(gram_of_shorter_side(a, row_weights), "singular_values");
}

std::vector<double> relative_residuals(const std::vector<double>& singular_values, double residual_norm) {
  std::vector<double> tail(singular_values.size() + 1);  // summed from the small end, where digits would be lost
  tail.back() = residual_norm * residual_norm;
  for (std::size_t k = singular_values.size(); k > 0; --k) {
    tail[k - 1] = tail[k] + singular_values[k - 1] * singular_values[k - 1];
  }
  const double all = tail.front();
  for (double& energy : tail) energy = all > 0 ? std::sqrt(energy / all) : 0.0;
  return tail;
}

}  // namespace loewner
