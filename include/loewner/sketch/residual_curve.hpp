// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

struct ResidualOptions {
  Index max_rank = 0;     ///< k_max >= 0
  Index sketch_size = 0;  ///< m >= 2 k_max and >= 1; 0: max(64, 5 k_max)
  Index nonzeros = 4;     ///< s in [1, m] per column of each embedding; 1 is unreliable
  Index repetitions = 1;  ///< independent sketches, in [1, 4096], whose mean is taken; 3: bars
  std::uint64_t seed = 0;
  bool correct_bias = true;  ///< false: the estimates are too low
};

/// The error of the best approximation of A against its rank.
struct ResidualCurve {
  double frobenius_norm = 0;                // ||A||_F
  std::vector<double> residual;             // ||A - A_k||_F for k = 0 ... k_max, non-increasing
  std::vector<double> standard_deviations;  // k_max + 1: of the repetitions; 0 for one
  Index sketch_size = 0;                    // m
};

/// Estimates ||A - A_k||_F = min_{rank B <= k} ||A - B||_F for all k <= k_max from one small matrix
/// S A T^T.
///
/// Shapes    a: n x d; S: m x n and T: m x d sparse sign embeddings. A side of at most m is not
///           sketched, so small matrices have exact residuals.
/// Units     those of A.
/// Method    the singular values sigma_i of S A T^T beyond the k-th [LiLinWoodruff2024], times (1 +
///           x/m) / (1 - k/m). The best rank-k part of signal and noise in m x m leaves ((m -
///           k)/m)^2 of the noise energy; if no gap of the spectrum separates the two, it takes x/m
///           more, to first order [Lawley1956]: k + x = sum_{i <= k < j} l_i l_j / (l_i - l_j) /
///           sum_{j > k} l_j, l = sigma^2. If one side is not sketched, the square root of that
///           factor. Then the running minimum, since residuals do not grow with k.
/// Cost      s nnz(A) + s m d additions and 8/3 m^3 + 20 k_max m flops per repetition. One pass
///           over A per repetition, by blocks of rows; memory m d + m^2 doubles and 8 row blocks.
/// Accuracy  ||A||_F exact. At m = 5 k_max, s = 4 and k_max <= 0.3 min(n, d) the estimate for k_max
///           is within 15 % of the truth for spectra from i^-6 to flat ones with spikes (test
///           Residuals.AreWithinFifteenPercent), its median within 10 %. Larger ranks leave a tail
///           of few directions, where the first-order correction is too small: a flat one comes out
///           some 15 % too low at k_max = 0.5 min(n, d), 20 % at 0.7.
/// Random    seed. The same bits for any number of threads.
/// Errors    InvalidArgument on invalid options or a non-finite entry (row and column named).
ResidualCurve estimate_residuals(const RowMatrix& a, const ResidualOptions& options);

}  // namespace loewner
