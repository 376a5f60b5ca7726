// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "loewner/codec/codes.hpp"
#include "loewner/codec/input_basis.hpp"
#include "loewner/codec/input_codes.hpp"

namespace loewner {

/// Options of encode_input_codes().
struct InputCodesOptions {
  InputSide inputs = InputSide::cols;
  Index max_bytes = 0;     ///< of the arrays
  std::uint64_t seed = 0;  ///< of the rotation of the outputs
};

/// A matrix that encode_input_codes() has encoded.
struct FeedbackCodes {
  std::unique_ptr<InputCodes> matrix;
  double mean_bits = 0;  ///< of an entry, without scales and metadata
  double error = 0;      ///< tr(E (H + lambda I) E^T), E = W - What for the corrected W
};

/// Encodes the matrix of a linear layer y = x W^T with a small error of its outputs:
/// min tr(E (H + lambda I) E^T)  for E = W - What, within max_bytes.
///
/// Shapes    w: outputs x d, or d x outputs; basis: of d inputs.
/// Units     any scale of w and of the moments: very large or small weights are divided by a power
///           of two, which the stored exponent restores.
/// Method    feedback coding, LDLQ [CheeCaiKuleshovDeSa2023]: the inputs are coded one by one,
///           from the last of the basis to the first. Row j of the codes quantizes
///           t_j = w_j + sum_{i>j} L_ij (w_i - what_i), that is, its own weights and what makes up
///           for the errors so far. BitAllocation on D_j ||w_j||^2 gives its bits.
/// Cost      a Viterbi search for each input, one after another, and d^2 flops for each output;
///           memory for the matrix in float32 and the codes.
/// Accuracy  the error equals sum_j D_j ||t_j - what_j||^2 up to rounding. input_codes_curve()
///           predicts it.
/// Random    signs of the rotation of the outputs, from seed. The same bytes for any number of
///           threads.
/// Errors    BudgetError if max_bytes is too small for all inputs on 0 bits. InvalidArgument on a
///           non-finite entry, or if w does not have d inputs.
FeedbackCodes encode_input_codes(const RowSource& w, const InputBasis& basis, const InputCodesOptions& options);

/// Predicts size and relative output error of encode_input_codes() at points + 1 sizes, from no
/// bits to 8 bits, without encoding.
///
/// Shapes    as encode_input_codes().
/// Method    BitAllocation on D_j ||w_j||^2; the errors of the inputs, taken as independent, grow
///           the targets by the feedback.
/// Cost      d^3 / 3 flops on one thread, d^2 for each output and for each point; memory for the
///           matrix and one d x d matrix in float32, and for one in float64 at first.
/// Accuracy  errors, which are squared ones, are within about 10 % of the measured ones, and within
///           20 % below 1.5 bits.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on a non-finite entry, or if w does not have d inputs.
std::vector<CodesRate> input_codes_curve(const RowSource& w, const InputBasis& basis, InputSide inputs, int points);

}  // namespace loewner
