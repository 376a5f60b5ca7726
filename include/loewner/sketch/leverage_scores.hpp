// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

/// The algorithm for leverage scores.
enum class LeverageMethod {
  exact,     ///< to rounding
  sketched,  ///< within a small factor, faster for large d: see Accuracy of leverage_scores
};

/// The name of a method, as its enumerator.
///
/// Errors    none.
std::string_view to_string(LeverageMethod method);

struct LeverageOptions {
  LeverageMethod method = LeverageMethod::exact;
  Index sketch_rows = 0;   ///< m >= d of the sketch; 0: 4 d
  Index projections = 12;  ///< in [1, 65536]: Gaussian vectors that estimate row norms
  std::uint64_t seed = 0;
};

struct LeverageScores {
  std::vector<double> scores;  ///< n values in [0, 1]
  Index rank = 0;              ///< numerical rank of A, the sum of the exact scores
};

/// The leverage scores l_i = a_i^T (A^T A)^+ a_i = max_x |a_i^T x|^2 / ||A x||^2 of the rows of A.
///
/// Shapes    a: n x d, any n, d and rank; result: n values.
/// Units     none; the scores do not depend on the scale of A.
/// Method    T from a sketch makes A T well conditioned. exact: the Gram matrix of A T makes its
///           columns orthonormal, then l_i = ||a_i T||^2. sketched: l_i = ||a_i T Omega||^2 with
///           Omega Gaussian, d x projections [DrineasMagdonIsmailMahoneyWoodruff2012].
/// Cost      exact: 5 n d^2 flops (two passes); sketched: 8 nnz additions and 2 nnz projections
///           flops (two passes). Both O(d^3) and memory 4 d^2 doubles, 8 d^2 more for exact, n
///           projections more for sketched.
/// Accuracy  exact: relative error d eps64 cond(A). sketched: a factor in [0.44, 4] for the sketch
///           at m = 4 d, in [0.64, 1.8] at m = 16 d, times chi^2 / k with k = `projections` degrees
///           of freedom. Directions below d eps64 of the largest are treated as rank deficiency.
/// Random    exact scores depend on `seed` by rounding only. The same bits for any number of
///           threads.
/// Errors    InvalidArgument on sketch_rows below d, projections out of range, or a non-finite
///           entry (row and column named).
LeverageScores leverage_scores(const RowMatrix& a, const LeverageOptions& options = {});

}  // namespace loewner
