// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "loewner/linalg/linear_operator.hpp"

namespace loewner {

struct ProbedNorm {
  double norm = 0;
  double standard_error = 0;  ///< of `norm`, from the spread over the probes; 0 for one probe
};

/// An estimate of ||A||_F from products with Gaussian vectors. With A = ResidualOperator(matrix, u,
/// v) it checks the error of a factorization U V^T without forming the difference.
///
/// Shapes    a: n x d.
/// Method    sum_j ||A g_j||^2 / q with q = `probes` is unbiased for ||A||_F^2 [Hutchinson1990].
/// Cost      one product with q vectors; memory (n + d) q doubles.
/// Accuracy  standard deviation of norm at most norm / sqrt(2 q), 18 % at q = 16, divided by the
///           square root of the stable rank of A: well below 1 % for the residual of a low-rank
///           approximation of a weight matrix.
/// Random    probe j depends on (seed, j) only. The same bits for any number of threads.
/// Errors    InvalidArgument on probes outside [1, 65536] or when a product has a non-finite value.
ProbedNorm probe_frobenius_norm(const LinearOperator& a, Index probes = 16, std::uint64_t seed = 0);

}  // namespace loewner
