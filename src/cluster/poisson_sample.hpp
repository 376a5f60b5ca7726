// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/random.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner::detail {

/// Rows and weights whose weighted sums are unbiased estimates of those of all rows.
struct PoissonSample {
  Matrix<float> rows;
  std::vector<double> weights;
};

/// Keeps row i independently with probability p_i = min(1, m (1 / (2 n) + e_i / (2 sum_j e_j))),
/// where e_i = u_i ||a_i||^2, and gives it weight u_i / p_i.
///
/// Shapes    weights (u): n values >= 0; expected_count: m, about the size of the sample. All rows
///           are kept if m >= n.
PoissonSample poisson_sample(const RowSource& a, std::span<const double> weights, Index expected_count,
                             RandomStream& random);

}  // namespace loewner::detail
