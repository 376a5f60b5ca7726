// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "loewner/cluster/budgeted_clustering.hpp"
#include "loewner/codec/subspaces.hpp"

namespace loewner {

/// Options of SubspaceFit.
struct SubspaceFitOptions {
  std::span<const double> row_weights{};  ///< u, n values >= 0; empty: all ones
  std::optional<Index> num_subspaces{};   ///< in [1, 256]; none: chosen for the size
  /// Sizes for which the rows are clustered, as shares of the n d numbers of the matrix:
  /// decreasing, each in (0, 1]. Sizes between them use the clusters of the best one.
  std::vector<double> keep_numbers = {0.7, 0.45, 0.2};
  /// B, d x d: encodings stand for the matrix times B, and errors are those of the matrix. Empty:
  /// I.
  MatrixView<const double> channel_map{};
};

/// Clusterings of the rows of a matrix into subspaces. They give the squared error at any size
/// without computing factors.
///
/// Shapes    matrix: n x d.
/// Method    budgeted_clustering for each of keep_numbers, started from the previous clusters.
///           Without num_subspaces it tries 2, 4, 8, ... clusters for a few iterations as long as
///           each doubling lowers the squared error by at least 2 %. spend_on_dimensions() gives
///           the dimensions for other sizes from the same spectra.
/// Cost      about 6 iterations of budgeted_clustering for each size, or 20 if the number of
///           subspaces is chosen; memory n + 8 k d bytes for each size and k clusters.
/// Accuracy  the squared errors agree with those of the f32 encoding up to 1e-6 of the squared
///           norm, because of the rounding of the factors.
/// Random    none. The same bits for any number of threads.
/// Errors    InvalidArgument as budgeted_clustering, and if keep_numbers is empty or has a value
///           outside (0, 1].
class SubspaceFit {
 public:
  SubspaceFit(std::shared_ptr<const RowSource> matrix, const SubspaceFitOptions& options);

  Index rows() const { return matrix_->rows(); }
  /// sum_i u_i ||a_i||^2
  double squared_norm() const;
  /// The smallest  sum_i u_i ||a_i - b_i||^2  of these clusterings within max_bytes; infinity if
  /// the labels alone need more.
  double squared_error(Index max_bytes, NumberFormat format) const;
  /// The smallest size with at most this error; nothing if the rounding of the factors exceeds it.
  std::optional<Index> bytes_within(double max_squared_error, NumberFormat format) const;

  /// An encoding. Its left blocks are computed when they are read.
  struct Encoded {
    std::unique_ptr<Subspaces> matrix;
    double squared_error = 0;  ///< sum_i u_i ||a_i - b_i||^2 before rounding
  };

  /// The encoding within max_bytes. With `refine` the best clustering is first improved for exactly
  /// this size.
  ///
  /// Errors    BudgetError if max_bytes is too small for the labels and one dimension.
  Encoded encode(Index max_bytes, NumberFormat format, bool refine = true) const;

 private:
  const BudgetedClustering& best_for(Index max_numbers) const;
  BudgetedClustering refined(const BudgetedClustering& clustering, Index max_numbers) const;

  std::shared_ptr<const RowSource> matrix_;
  std::vector<double> row_weights_;
  MatrixView<const double> channel_map_;
  std::vector<BudgetedClustering> clusterings_;
};

/// Options of encode_subspaces(): exactly one of max_bytes and max_error.
struct SubspaceRequest {
  std::span<const double> row_weights{};
  std::optional<Index> max_bytes{};      ///< of the stored arrays
  std::optional<double> max_error{};     ///< relative weighted Frobenius error, > 0
  std::optional<Index> num_subspaces{};  ///< none: chosen for the size
  NumberFormat format = NumberFormat::f32;
  MatrixView<const double> channel_map{};  ///< that of SubspaceFitOptions
};

/// Encodes a matrix by subspaces with a small weighted squared error  sum_i u_i ||a_i - b_i||^2
/// within max_bytes, or with few bytes within max_error.
///
/// Shapes    matrix: n x d.
/// Method    budgeted_clustering to convergence for this size; max_error finds the size by
///           SubspaceFit.
/// Cost      one budgeted_clustering to convergence, and several short ones if the number of
///           subspaces is chosen. max_error adds a SubspaceFit.
/// Accuracy  a local optimum of the clustering.
/// Random    none. The same bits for any number of threads.
/// Errors    BudgetError if the smallest encoding has more than max_bytes, or if max_error cannot
///           be met. InvalidArgument unless exactly one of the two is set.
SubspaceFit::Encoded encode_subspaces(std::shared_ptr<const RowSource> matrix, const SubspaceRequest& request);

}  // namespace loewner
