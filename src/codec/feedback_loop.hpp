// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "codec/row_encoder.hpp"
#include "linalg/blas.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/input_basis.hpp"

namespace loewner::detail {

inline constexpr Index kInputsOfBlock = 64;

/// 0, 64, 128, ..., inputs.
inline std::vector<Index> ordinary_blocks(Index inputs) {
  std::vector<Index> starts;
  for (Index start = 0; start < inputs; start += kInputsOfBlock) starts.push_back(start);
  starts.push_back(inputs);
  return starts;
}

/// Feedback coding, LDLQ [CheeCaiKuleshovDeSa2023]: quantizes the inputs of a basis from the last to
/// the first. The target of input j is t_j = w_j + sum_{i>j} L_ij (w_i - what_i).
class FeedbackLoop {
 public:
  /// Rows: basis.coordinates().
  FeedbackLoop(const InputBasis& basis, Matrix<float> rows)
      : basis_(basis), rows_(std::move(rows)), decoded_(static_cast<std::size_t>(rows_.cols())) {}

  /// Calls begin(first, targets) for each block of inputs, with its targets so far, and
  /// quantize(j, target, decoded) for each input, which fills what the codes stand for. A block is
  /// [starts[b], starts[b + 1]).
  template <typename Begin, typename Quantize>
  void run(std::span<const Index> starts, Begin&& begin, Quantize&& quantize) {
    for (std::size_t block = starts.size() - 1; block-- > 0;) {
      const Index first = starts[block], end = starts[block + 1];
      if (targets_.rows() != end - first) targets_ = Matrix<float>::uninitialized(end - first, rows_.cols());
      add_feedback_of_later_blocks(first, end);
      begin(first, std::as_const(targets_).view());
      for (Index j = end - 1; j >= first; --j) {
        quantize(j, std::as_const(targets_).row(j - first), std::span(decoded_));
        take_in(j, first);
      }
    }
  }

  /// tr(E (H + lambda I) E^T) of the inputs so far.
  double error() const { return error_; }

 private:
  // L_ij for i > j
  float feedback(Index i, Index j) const { return static_cast<float>(basis_.factor()(j, i) / basis_.factor()(j, j)); }

  // The targets of the block: its weights, and the errors of all inputs after it times L.
  void add_feedback_of_later_blocks(Index begin, Index end) {
    constexpr Index kOutputsOfTask = 128;
    const Index later = rows_.rows() - end;
    Matrix<float> weights = Matrix<float>::uninitialized(end - begin, later);
    for (Index j = begin; j < end; ++j) {
      for (Index i = 0; i < later; ++i) weights(j - begin, i) = feedback(end + i, j);
    }
    parallel_for((rows_.cols() + kOutputsOfTask - 1) / kOutputsOfTask, [&](Index task) {
      const Index first = task * kOutputsOfTask, count = std::min(kOutputsOfTask, rows_.cols() - first);
      const auto targets = targets_.view().col_block(first, count);
      for (Index j = begin; j < end; ++j) {
        std::copy_n(rows_.row(j).begin() + first, count, targets.row(j - begin).begin());
      }
      if (later == 0) return;
      blas::gemm(blas::Op::none, blas::Op::none, 1.0F, std::as_const(weights).view(),
                 std::as_const(rows_).view().row_block(end, later).col_block(first, count), 1.0F, targets);
    });
  }

  // The row of the input becomes its error, which goes into the inputs before it in its block.
  void take_in(Index j, Index begin) {
    const auto target = targets_.row(j - begin), error = rows_.row(j);
    for (std::size_t o = 0; o < error.size(); ++o) {
      error[o] -= decoded_[o];
      target[o] -= decoded_[o];
    }
    error_ += basis_.pivots()[j] * dot_of_floats(target, target);
    for (Index k = begin; k < j; ++k) {
      const float weight = feedback(j, k);
      const auto other = targets_.row(k - begin);
      for (std::size_t o = 0; o < error.size(); ++o) other[o] += weight * error[o];
    }
  }

  const InputBasis& basis_;
  Matrix<float> rows_;  // weights before, errors after they are coded
  std::vector<float> decoded_;
  Matrix<float> targets_;  // of the block
  double error_ = 0;
};

}  // namespace loewner::detail
