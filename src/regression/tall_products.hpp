// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// U y
std::vector<double> multiply(MatrixView<const double> u, std::span<const double> y);

/// U^T z
std::vector<double> multiply_transposed(MatrixView<const double> u, std::span<const double> z);

/// b - U y
std::vector<double> residual_of(MatrixView<const double> u, std::span<const double> b, std::span<const double> y);

/// U^T diag(weights) U, the upper triangle.
Matrix<double> weighted_gram(MatrixView<const double> u, std::span<const double> weights);

}  // namespace loewner::detail
