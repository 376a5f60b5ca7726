// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// The SVD u diag(singular_values) vt of a projection, with values in descending order.
struct ProjectedSvd {
  Matrix<double> u;                     // n x k
  std::vector<double> singular_values;  // k
  Matrix<double> vt;                    // k x d
};

/// The SVD of A V V^T from the images A V (n x k) and V^T (k x d, orthonormal rows). u reuses the memory of the images.
///
/// Method    the eigenvectors of the Gram matrix of the images.
/// Cost      4 n k^2 flops, in parallel.
/// Accuracy  u is orthonormal to eps64 (sigma_1 / sigma_k)^2.
ProjectedSvd svd_of_projection(Matrix<double> images, MatrixView<const double> vt);

}  // namespace loewner::detail
