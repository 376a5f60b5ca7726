// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner::detail {

/// A = U F with orthonormal columns of U, in float64: the coordinates in which ellipsoids of A's rows are well
/// conditioned whatever A is.
struct WhitenedRows {
  Matrix<double> u;  // n x d
  Matrix<double> f;  // d x d
};

/// Throws InvalidArgument "<caller>: ... full column rank ..., got rank r" when rank(A) < d.
WhitenedRows whitened_rows(const RowSource& a, const std::string& caller);

}  // namespace loewner::detail
