// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix.hpp"

// Products as if in twice the working precision: each sum keeps its rounding errors in a second
// number [OgitaRumpOishi2005]. The results have the same bits for any number of threads and on all
// processors.
namespace loewner::detail {

/// The unevaluated sum high + low.
struct TwoPartMatrix {
  Matrix<double> high, low;
};

/// B - A X.
///
/// Shapes    a: n x d; x: d x t; b and result: n x t.
/// Cost      17 n d t flops.
/// Accuracy  eps64 of the entry, plus (d eps64)^2 of |A| |X|; products below 1e-290 are lost.
Matrix<double> compensated_residual(MatrixView<const double> a, const Matrix<double>& x, const Matrix<double>& b);

/// (A^T Z)^T.
///
/// Shapes    a: n x d; z: n x t; result: t x d.
/// Cost      17 n d t flops.
/// Accuracy  (n eps64)^2 of |A|^T |Z|; products below 1e-290 are lost.
TwoPartMatrix compensated_transposed_product(MatrixView<const double> a, const Matrix<double>& z);

/// x^T y, to eps64 of the result plus (n eps64)^2 of |x|^T |y|.
double compensated_dot(std::span<const double> x, std::span<const double> y);

}  // namespace loewner::detail
