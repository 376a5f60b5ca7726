// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "loewner/base/matrix.hpp"

namespace loewner {

/// The side of a stored matrix that its layer multiplies with inputs: `cols` in y = x W^T
/// (nn.Linear), `rows` in y = x W (Conv1D of GPT-2).
enum class InputSide { cols, rows };

/// Second moments of the inputs x of a linear layer y = x W^T, over the tokens of a calibration
/// text. They measure how much an error E of W changes the layer's outputs: E ||x E^T||^2 =
/// tr(E H E^T).
///
/// `cross` corrects for the errors of layers that were encoded before. It compares the inputs x of
/// the original model with the inputs xhat of the partly encoded one.
struct InputMoments {
  Matrix<double> second;    ///< d x d: H, the mean of xhat xhat^T; symmetric, positive semidefinite
  Matrix<double> cross{};   ///< d x d: the mean of x xhat^T; empty without a correction
  double correction = 0;    ///< alpha in [0, 1]: share of the correction in the encoded target
  std::int64_t tokens = 0;  ///< number of inputs in the means

  Index inputs() const { return second.rows(); }
};

/// Whether the moments ask for other weights than the layer's.
///
/// Errors    none.
inline bool has_correction(const InputMoments& moments) {
  return moments.correction > 0 && moments.cross.rows() > 0;
}

}  // namespace loewner
