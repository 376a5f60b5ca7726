// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/row_source.hpp"
#include "loewner/model/input_moments.hpp"

namespace loewner {

/// The relative error of a layer's outputs: tr(E H E^T) / tr(W H W^T) for E = W - What, and 0 if
/// E = 0.
///
/// Shapes    w, what: outputs x d, or d x outputs.
/// Method    products of 64 rows of W and E with H, in parallel; their partial sums are added in
///           order. If the inputs are the rows, both matrices are transposed first.
/// Cost      4 d^2 flops for each output, in float64; memory for d doubles and 64 rows for each
///           thread; twice the matrix if the inputs are its rows.
/// Accuracy  relative error d eps64 of both sums.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument unless the shapes agree.
double output_error(const RowSource& w, const RowSource& what, const InputMoments& moments, InputSide inputs);

}  // namespace loewner
