// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::test {

/// The shape of a generated matrix and the seed of its random numbers.
struct Shape {
  Index rows = 0, cols = 0;
  std::uint64_t seed = 1;
};

/// Independent standard normal entries.
Matrix<float> gaussian_matrix(const Shape& shape);

/// U diag(spectrum) V^T with random orthonormal U, V (Haar up to rounding); spectrum has at most min(rows, cols)
/// values.
Matrix<float> matrix_with_spectrum(const Shape& shape, const std::vector<double>& spectrum);

/// 1, ratio, ratio^2, ... (count values)
std::vector<double> exponential_decay(Index count, double ratio);

/// The four kinds of data of the l_p experiments, on which the published prototype was measured.
Matrix<float> low_rank_plus_entry_outliers(const Shape& shape, Index rank, double noise, double fraction,
                                           double magnitude);
Matrix<float> low_rank_plus_row_outliers(const Shape& shape, Index rank, double noise, double fraction,
                                         double magnitude);
Matrix<float> student_t_with_decay(const Shape& shape, int degrees_of_freedom, double ratio);

// ---- norms of differences, in float64 ----
double frobenius_norm(MatrixView<const float> a);
double frobenius_distance(MatrixView<const float> a, MatrixView<const float> b);
/// left * right in float64 accumulation, for products of factors (left m x k, right k x n).
Matrix<float> product(MatrixView<const float> left, MatrixView<const float> right);
/// || V V^T - W W^T ||_F for orthonormal rows vt, wt: independent of the bases, from the sines of the principal angles.
double subspace_distance(MatrixView<const double> vt, MatrixView<const double> wt);
/// max |V^T V - I| over the rows of vt
double orthonormality_error(MatrixView<const double> vt);

}  // namespace loewner::test
