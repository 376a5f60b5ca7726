// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "loewner/linalg/gram.hpp"
#include "loewner/model/input_moments.hpp"
#include "support/matrices.hpp"

namespace loewner::test {

/// The sum of x x^T over 3 d inputs. Their deviations fall from 1 to 1 / d, since layers have few strong inputs.
inline Matrix<double> second_moment(Index inputs, std::uint64_t seed = 1) {
  Matrix<float> x = gaussian_matrix({.rows = 3 * inputs, .cols = inputs, .seed = seed});
  for (Index t = 0; t < x.rows(); ++t) {
    for (Index i = 0; i < inputs; ++i) x(t, i) /= static_cast<float>(i + 1);
  }
  return gram(DenseRows(x.view()));
}

}  // namespace loewner::test
