// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/sketch/residual_curve.hpp"
#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner {

/// S A T^T of a matrix that arrives as blocks of rows, as changes of single entries, or in several
/// places. The sketch is linear: sketches of parts are added. estimate_residuals documents S, T and
/// the estimate.
///
/// Shapes    A: rows x cols; memory: repetitions times m x m doubles.
/// Method    bilinear sketch with two sparse sign embeddings [LiLinWoodruff2024].
/// Cost      update: s^2 additions per repetition. add_block: s nnz + s m cols additions, and m
///           cols doubles during the call, so blocks of m rows or more are best.
/// Accuracy  sums in float64; the order of blocks, updates and merges changes rounding only, and
///           nothing for integers with s = 1, 4, 16, ....
/// Random    seed. The same bits for any number of threads.
/// Errors    InvalidArgument on invalid options, indices outside A, a non-finite value (nothing is
///           added then), or a merge of sketches with different options or shapes.
class BilinearSketch {
 public:
  BilinearSketch(Index rows, Index cols, const ResidualOptions& options);
  BilinearSketch(BilinearSketch&&) = default;  // move-only, like its matrices
  BilinearSketch& operator=(BilinearSketch&&) = default;

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index sketch_size() const { return options_.sketch_size; }

  void update(Index i, Index j, double change);             ///< a_ij += change
  void add_block(Index first_row, const RowMatrix& block);  ///< adds to rows from first_row on
  void merge(const BilinearSketch& other);                  ///< adds the other's A

  /// add_block without a check for non-finite entries; reads the block once per repetition.
  void accumulate(Index first_row, const RowMatrix& block);

  /// The residual curve of A. frobenius_norm: ||A||_F; if it is not given, the sketch estimates it
  /// with a relative error of at most some sqrt(1/m).
  ResidualCurve curve(std::optional<double> frobenius_norm = {}) const;

  /// S A T^T of one repetition.
  const Matrix<double>& sketch(Index repetition) const { return parts_[repetition].sums; }

 private:
  // S or T; nothing if the side is not sketched.
  using Side = std::optional<SparseSignEmbedding>;
  struct Part {
    Side left, right;
    Matrix<double> sums;
  };

  Matrix<double> sketched(const Part& part, Index first_row, const RowMatrix& block) const;
  std::vector<double> residuals(const Part& part) const;
  void require_block(Index first_row, const RowMatrix& block) const;

  Index rows_, cols_;
  ResidualOptions options_;
  std::vector<Part> parts_;
};

}  // namespace loewner
