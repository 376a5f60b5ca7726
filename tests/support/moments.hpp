// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "loewner/linalg/gram.hpp"
#include "loewner/model/input_moments.hpp"
#include "loewner/model/moments_file.hpp"
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

/// Moments in memory as a moments file takes them.
inline std::map<std::string, MomentsArrays> arrays_of(const std::map<std::string, InputMoments>& moments) {
  std::map<std::string, MomentsArrays> arrays;
  for (const auto& [name, one] : moments) arrays.emplace(name, loewner::arrays_of(one));
  return arrays;
}

}  // namespace loewner::test
