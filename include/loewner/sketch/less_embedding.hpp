// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/csc_matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

struct LessOptions {
  Index rows = 0;             ///< m >= 1
  double row_nonzeros = 16;   ///< r: expected nonzeros of each row of S, > 0
  double uniform_share = -1;  ///< mass of the uniform distribution in the mixture, relative to the
                              ///< sum of the scores; negative: the same mass as the scores
  std::uint64_t seed = 0;
};

/// A random m x n matrix S with E(S^T S) = I whose nonzeros follow the leverage scores of a known
/// A: entry (i, j) is +-1/sqrt(m p_j) with probability p_j = min(1, r q_j) and 0 otherwise, where q
/// is a mixture of the normalized scores and the uniform distribution.
///
/// Shapes    scores: n values; apply takes A with n rows.
/// Method    leverage-score sparsified embedding (LESS) [DerezinskiLiaoDobribanMahoney2021].
///           Geometric gaps find the nonzeros of a column, so the cost is n + m r, not m n.
/// Cost      memory m r entries; apply reads at most m r rows of A.
/// Accuracy  at m = 4 d and r = 16, singular values on the subspace of A are within 0.1 of those of
///           a Gaussian matrix, where uniformly placed nonzeros fail (test
///           Less.ReachesTheGaussianEdgeWhereUniformFails).
/// Random    column j depends on (seed, j, p_j) and m only. The same bits for any number of
///           threads.
/// Errors    InvalidArgument when a score is negative or not finite or all are 0, on invalid
///           options, shapes that do not fit, or a non-finite entry in a row that is used.
class LessEmbedding {
 public:
  LessEmbedding(std::span<const double> scores, const LessOptions& options);

  Index rows() const { return s_.rows; }
  Index cols() const { return s_.cols(); }
  const CscMatrix& to_csc() const { return s_; }

  Matrix<double> apply(const RowMatrix& a) const;  ///< S A, m x d

 private:
  CscMatrix s_;
};

}  // namespace loewner
