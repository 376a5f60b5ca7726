// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/argument_check.hpp"
#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner::detail {

/// A = U F with orthonormal columns of U, in float64. Ellipsoids of the rows of U are well
/// conditioned for any A.
struct WhitenedRows {
  Matrix<double> u;  // n x d
  Matrix<double> f;  // d x d
};

/// Errors    InvalidArgument if A is empty or rank(A) < d; the message names the rank.
WhitenedRows whitened_rows(const RowSource& a, const ArgumentCheck& check);

}  // namespace loewner::detail
