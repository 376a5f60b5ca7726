// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "loewner/cluster/budgeted_clustering.hpp"
#include "loewner/codec/subspaces.hpp"

namespace loewner {

struct SubspaceFitOptions {
  std::span<const double> row_weights{};  ///< u, n values >= 0, or empty for all ones
  std::optional<Index> num_subspaces{};   ///< in [1, 256]; none: chosen by the budget
  /// Budgets at which the rows are clustered, as shares of the n d numbers of the matrix: descending, each in (0, 1].
  /// The clusters of one budget serve its neighbours too.
  std::vector<double> keep_numbers = {0.7, 0.45, 0.2};
};

/// Clusterings of a matrix for subspaces, from which the squared error at any number of bytes is known before a factor
/// is formed.
///
/// Shapes    matrix: n x d.
/// Method    budgeted_clustering at each of keep_numbers, started from the clusters of the one before. Without
///           num_subspaces 2, 4, 8, ... clusters are tried for a few steps while each doubling lowers the squared error
///           by at least 2 %. The dimensions at other budgets come from the same spectra (spend_on_dimensions).
/// Cost      some 6 iterations of budgeted_clustering per budget, 20 where the number of subspaces is chosen; memory n
///           + 8 k d bytes per budget.
/// Accuracy  squared errors are those of the encoding in f32, up to 1e-6 of the energy by the rounding of the factors.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument as budgeted_clustering, and on shares outside (0, 1] or none.
class SubspaceFit {
 public:
  SubspaceFit(std::shared_ptr<const RowSource> matrix, const SubspaceFitOptions& options);

  Index rows() const { return matrix_->rows(); }
  /// sum_i u_i ||a_i||^2
  double squared_norm() const;
  /// The least  sum_i u_i ||a_i - b_i||^2  of these clusterings within max_bytes; infinite when not even the labels
  /// fit.
  double squared_error(Index max_bytes, NumberFormat format) const;
  /// The fewest bytes with at most that error; nothing when rounding alone is the limit and more was asked for.
  std::optional<Index> bytes_within(double max_squared_error, NumberFormat format) const;

  /// The encoding within max_bytes. Its left blocks are computed when they are read.
  ///
  /// `refine`: descend from the best clustering once more at exactly this budget first.
  /// Errors    BudgetError when the labels and one dimension do not fit.
  struct Encoded {
    std::unique_ptr<Subspaces> matrix;
    double squared_error = 0;  ///< sum_i u_i ||a_i - b_i||^2 before rounding
  };
  Encoded encode(Index max_bytes, NumberFormat format, bool refine = true) const;

 private:
  const BudgetedClustering& best_for(Index max_numbers) const;
  BudgetedClustering refined(const BudgetedClustering& clustering, Index max_numbers) const;

  std::shared_ptr<const RowSource> matrix_;
  std::vector<double> row_weights_;
  std::vector<BudgetedClustering> clusterings_;
};

/// What an encoding by subspaces must achieve: at most max_bytes, or at most max_error.
struct SubspaceRequest {
  std::span<const double> row_weights{};
  std::optional<Index> max_bytes{};      ///< of the stored arrays; this or max_error
  std::optional<double> max_error{};     ///< relative weighted Frobenius error, > 0
  std::optional<Index> num_subspaces{};  ///< none: chosen by the budget
  NumberFormat format = NumberFormat::f32;
};

/// One encoding, clustered for its own budget.
///
/// Cost      one budgeted clustering to convergence (several short ones where the number of subspaces is chosen); for
///           max_error those of a SubspaceFit before it.
/// Errors    BudgetError when the smallest encoding has more than max_bytes, or max_error cannot be reached;
///           InvalidArgument unless exactly one of the two is given.
SubspaceFit::Encoded encode_subspaces(std::shared_ptr<const RowSource> matrix, const SubspaceRequest& request);

}  // namespace loewner
