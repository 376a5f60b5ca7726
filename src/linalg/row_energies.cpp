// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/row_energies.hpp"

#include "base/argument_check.hpp"
#include "base/lane_sum.hpp"

namespace loewner {

std::vector<double> row_energies(const RowSource& a, std::span<const double> row_weights) {
  detail::ArgumentCheck("row_energies").row_weights(row_weights, a.rows());
  std::vector<double> energies(static_cast<std::size_t>(a.rows()));
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      const float* const row = rows.row(i).data();
      const double norm = detail::lane_sum(rows.cols(), [&](Index j) { return static_cast<double>(row[j]) * row[j]; });
      energies[first + i] = (row_weights.empty() ? 1.0 : row_weights[first + i]) * norm;
    }
  });
  return energies;
}

}  // namespace loewner
