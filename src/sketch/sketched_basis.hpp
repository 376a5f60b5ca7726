// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"
#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner::detail {

/// T (d x r) with orthonormal columns of S A T, so that A T is well conditioned: found from a sketch of A.
struct SketchedBasis {
  SparseSignEmbedding embedding;  ///< S; not used where the sketch would have as many rows as A
  bool is_sketched = true;        ///< otherwise S is the identity
  Matrix<double> sketch;          ///< S A
  std::vector<double> sigma;      ///< the r singular values of S A, descending
  Matrix<double> t;               ///< V_r diag(1 / sigma) of the SVD of S A

  Index rank() const { return t.cols(); }
};

/// Method    SVD of the R of S A; singular values below d eps64 of the largest count as rank deficiency. Whether A
///           itself has these null directions is asked of a random one of them; a sketch that made them up is replaced
///           by one of twice as many rows, in the end by A.
/// Errors    InvalidArgument on a non-finite entry of A (row and column named).
SketchedBasis sketched_basis(const RowMatrix& a, EmbeddingShape shape, std::uint64_t seed, const char* caller);

/// Replaces T so that the columns of A T are orthonormal, by the Gram matrix of A T: one pass over A.
void orthonormalize(const RowMatrix& a, Matrix<double>& t);

/// out = A_block T for the rows first, first + 1, ... of A; out: rows of the block x r.
void multiply_rows(const RowMatrix& a, Index first, MatrixView<const double> t, MatrixView<double> out);

}  // namespace loewner::detail
