// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/sketch/residual_curve.hpp"
#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner {

/// S A T^T of a matrix that arrives as blocks of rows, as single changes of entries, or at several places: linear, so
/// sketches of parts add up. See estimate_residuals for S, T and what it is good for.
///
/// Shapes    A: rows x cols; kept: repetitions times m x m.
/// Cost      update: s^2 additions per repetition. add_block: s nnz + s m cols additions and m cols doubles for the
///           time of the call, so blocks of m rows or more are best.
/// Accuracy  sums in float64; the order of blocks, updates and merges matters to rounding only, and not at all for
///           integers at s = 1, 4, 16, ....
/// Random    seed. The same bits for any number of threads.
/// Errors    InvalidArgument on bad options, places outside of A, a non-finite value (nothing is added then), or a
///           merge of sketches whose options or shapes differ.
class BilinearSketch {
 public:
  BilinearSketch(Index rows, Index cols, const ResidualOptions& options);
  BilinearSketch(BilinearSketch&&) = default;  // move-only, like its matrices
  BilinearSketch& operator=(BilinearSketch&&) = default;

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index sketch_size() const { return options_.sketch_size; }

  void update(Index i, Index j, double change);             ///< a_ij += change
  void add_block(Index first_row, const RowMatrix& block);  ///< adds `block` to the rows first_row, first_row + 1, ...
  void merge(const BilinearSketch& other);                  ///< adds the other's A

  /// add_block with entries taken as they come, non-finite ones too; reads the block once per repetition.
  void accumulate(Index first_row, const RowMatrix& block);

  /// frobenius_norm: ||A||_F where it is known. Otherwise it is estimated from the sketch too, within some sqrt(1/m)
  /// relative to it at worst.
  ResidualCurve curve(std::optional<double> frobenius_norm = {}) const;

  /// S A T^T of one repetition.
  const Matrix<double>& sketch(Index repetition) const { return parts_[repetition].sums; }

 private:
  // One of S and T; nothing where the side is left as it is.
  using Side = std::optional<SparseSignEmbedding>;
  struct Part {
    Side left, right;
    Matrix<double> sums;
  };

  void accumulate(Part& part, Index first_row, const RowMatrix& block) const;
  std::vector<double> residuals(const Part& part) const;
  void require_block(Index first_row, const RowMatrix& block) const;

  Index rows_, cols_;
  ResidualOptions options_;
  std::vector<Part> parts_;
};

}  // namespace loewner
