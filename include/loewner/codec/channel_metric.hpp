// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"

namespace loewner {

/// The default damping of a ChannelMetric, relative to the mean eigenvalue.
inline constexpr double kChannelDamping = 0.05;

/// The metric in which the error e of a row of a table counts:
/// e M e^T,  M = (G + lambda I) / mu,  with mu the mean eigenvalue of G + lambda I.
///
/// G are the sensitivities of the channels: the mean of g g^T over the tokens of a text, where g is
/// the gradient of the model's output at the token's row. A table T is encoded as T M^1/2, and the
/// right factor of the encoding is multiplied by M^-1/2 before it is stored. So the encoding stands
/// for T, and decoding is the same as without a metric.
class ChannelMetric {
 public:
  /// Takes the roots of M.
  ///
  /// Shapes    sensitivity: G, d x d.
  /// Method    symmetric_eigen(). lambda is kChannelDamping times the mean eigenvalue of G.
  ///           Eigenvalues that rounding made negative count as 0.
  /// Cost      8 d^3 flops; memory for three d x d matrices.
  /// Accuracy  that of symmetric_eigen(); the answer does not depend on the scale of G.
  /// Random    none; the same bits for any number of threads.
  /// Errors    InvalidArgument unless G is square, finite, symmetric, positive semidefinite and not
  ///           zero.
  explicit ChannelMetric(MatrixView<const double> sensitivity);

  Index channels() const { return root_.rows(); }

  /// M^1/2, symmetric.
  MatrixView<const double> root() const { return root_.view(); }

  /// M^-1/2, symmetric.
  MatrixView<const double> inverse_root() const { return inverse_root_.view(); }

 private:
  Matrix<double> root_, inverse_root_;
};

/// Whether sensitivities treat all channels alike: G is a multiple of I, or zero. Then the metric
/// changes nothing.
///
/// Shapes    sensitivity: G, d x d.
/// Method    compares every entry.
/// Cost      O(d^2).
/// Accuracy  exact.
/// Errors    none.
bool is_uniform(MatrixView<const double> sensitivity);

/// T M^1/2, whose rows are computed when they are read.
///
/// Shapes    table: T, n x d; result: n x d.
/// Method    ProjectedRows.
/// Cost      2 d^2 flops for a row.
/// Accuracy  that of ProjectedRows.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument unless the table has the channels of the metric.
std::shared_ptr<const RowSource> rows_in_metric(std::shared_ptr<const RowSource> table, const ChannelMetric& metric);

/// The relative error of an encoding of a table:
/// (sum_i u_i e_i M e_i^T / sum_i u_i t_i M t_i^T)^1/2  for the rows e_i of E = T - That, and 0 if
/// E = 0.
///
/// Shapes    table, encoded: n x d; row_weights: u, n values >= 0, or empty for all ones.
/// Method    approximation_errors() of T M^1/2 and That M^1/2.
/// Cost      4 d^2 flops for a row.
/// Accuracy  absolute error of some sqrt(d) eps32.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument unless the shapes agree; those of approximation_errors().
double channel_error(const RowSource& table, const RowSource& encoded, const ChannelMetric& metric,
                     std::span<const double> row_weights);

}  // namespace loewner
