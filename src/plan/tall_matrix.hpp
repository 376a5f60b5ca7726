// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/row_source.hpp"

namespace loewner {

/// Whether a matrix has enough rows to pay for up to d directions with d numbers each, as
/// coded_svd, subspaces and archetypes store them: n >= 8 d, where they take an eighth of the
/// matrix.
inline bool is_tall(const RowSource& matrix) {
  constexpr Index kRowsPerColumn = 8;
  return matrix.rows() / kRowsPerColumn >= matrix.cols();
}

}  // namespace loewner
