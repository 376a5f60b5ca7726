// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "support/matrices.hpp"
#include "support/sketching.hpp"

namespace loewner::test {

/// block_krylov with float64 products of a stored matrix.
inline KrylovSvd krylov(const Matrix<float>& a, const BlockKrylovOptions& options) {
  return block_krylov(MatrixOperator(a.view()), options);
}

inline bool same_bits(const KrylovSvd& a, const KrylovSvd& b) {
  return same_bits(a.u, b.u) && same_bits(a.vt, b.vt) && a.singular_values == b.singular_values &&
         a.products == b.products && a.residual_norm == b.residual_norm;
}

inline void expect_orthonormal(const KrylovSvd& svd) {
  EXPECT_LE(orthonormality_error(svd.vt.view()), 1e-12);
  const auto ut = transposed(svd.u);
  EXPECT_LE(orthonormality_error(ut.view()), 1e-12);
}

}  // namespace loewner::test
