// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// u diag(singular_values) vt, the values descending and above zero.
struct ProjectedSvd {
  Matrix<double> u;                     // n x k
  std::vector<double> singular_values;  // k
  Matrix<double> vt;                    // k x d
};

/// The SVD of A V V^T from the images A V (n x k), in whose memory u is left, and V^T (k x d, orthonormal rows).
///
/// Method    the eigenvectors of the Gram matrix of the images: u is orthonormal to eps64 (sigma_1 / sigma_k)^2.
/// Cost      4 n k^2 flops, in parallel.
ProjectedSvd svd_of_projection(Matrix<double> images, MatrixView<const double> vt);

}  // namespace loewner::detail
