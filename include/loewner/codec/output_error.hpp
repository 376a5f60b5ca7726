// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/model/input_moments.hpp"

namespace loewner {

/// The weights that a layer's codes stand for: T = W + alpha W (C - H) (H + lambda I)^-1 with the
/// correction of the moments, T = W without one.
///
/// Shapes    w: outputs x d, or d x outputs; result: outputs x d.
/// Method    InputBasis::coordinates() without a rotation.
/// Cost      one pass over w; with a correction that of InputBasis and its coordinates().
/// Accuracy  that of InputBasis::coordinates(); lambda is that of the default damping.
/// Random    none; the same bits for any number of threads.
/// Errors    those of InputBasis and InputBasis::coordinates().
Matrix<float> corrected_weights(const RowSource& w, const InputMoments& moments, InputSide inputs);

/// The relative error of a layer's outputs: tr(E H E^T) / tr(T H T^T) for E = T - What and the
/// corrected_weights() T, and 0 if E = 0.
///
/// Shapes    w, what: outputs x d, or d x outputs.
/// Method    products of 128 rows of W and E with the lower triangle of H, in parallel; their
///           partial sums are added in order. If the inputs are the rows, both matrices are
///           transposed first.
/// Cost      2 d^2 flops for each output, in float64; memory for 384 rows in float64 for each
///           thread; twice the matrix if the inputs are its rows; with a correction also that of
///           corrected_weights().
/// Accuracy  relative error d eps64 of both sums.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument unless the shapes agree; those of corrected_weights().
double output_error(const RowSource& w, const RowSource& what, const InputMoments& moments, InputSide inputs);

}  // namespace loewner
