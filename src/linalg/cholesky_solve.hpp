// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "linalg/row_kernels.hpp"
#include "loewner/base/matrix_view.hpp"

namespace loewner::detail {

/// x <- (u^T u)^-1 x for upper triangular u; reads u by rows.
inline void solve_cholesky(MatrixView<const double> u, std::span<double> x) {
  const Index n = u.rows();
  for (Index i = 0; i < n; ++i) {
    x[i] /= u(i, i);
    add_scaled(-x[i], u.row(i).subspan(i + 1), x.subspan(i + 1));
  }
  for (Index i = n - 1; i >= 0; --i) {
    x[i] = (x[i] - dot(u.row(i).subspan(i + 1), x.subspan(i + 1))) / u(i, i);
  }
}

}  // namespace loewner::detail
