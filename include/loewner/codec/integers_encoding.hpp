// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/integers.hpp"
#include "loewner/model/input_moments.hpp"

namespace loewner {

/// Encodes the matrix of a linear layer in integers_shape() with a small error of its outputs:
/// min tr(E (H + lambda I) E^T)  for E = T - What and the corrected_weights() T.
///
/// Shapes    w: outputs x d, or d x outputs; bits: 4 or 8.
/// Method    feedback coding, LDLQ [CheeCaiKuleshovDeSa2023]: the inputs are rounded one by one,
///           and the later ones make up for the errors of the earlier ones. Groups of inputs follow
///           each other by their mean second moment, the largest first, and so do the inputs of a
///           group [FrantarAshkboosHoeflerAlistarh2023]. A group gets its steps and offsets when
///           its turn comes, from the smallest to the largest target.
/// Cost      d^3 / 3 flops, and d^2 for each output; memory for the matrix in float32, its codes
///           and what an InputBasis takes.
/// Accuracy  at d uncorrelated inputs of equal size the errors are those of Integers.
/// Random    none; the same bytes for any number of threads.
/// Errors    InvalidArgument on a non-finite entry, and those of InputBasis.
std::unique_ptr<Integers> encode_integers(const RowSource& w, const InputMoments& moments, InputSide inputs, int bits);

}  // namespace loewner
