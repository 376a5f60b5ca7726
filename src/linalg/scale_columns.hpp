// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/base/matrix_view.hpp"

namespace loewner::detail {

/// u <- u diag(scales). A scale of 0 gives zeros, even for entries that are not finite.
inline void scale_columns(std::span<const double> scales, MatrixView<double> u) {
  for (Index i = 0; i < u.rows(); ++i) {
    for (Index c = 0; c < u.cols(); ++c) u(i, c) = scales[c] == 0 ? 0 : scales[c] * u(i, c);
  }
}

}  // namespace loewner::detail
