// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/linalg/row_matrix.hpp"
#include "loewner/sketch/sparse_embedding.hpp"

namespace loewner::detail {

/// T (d x r) from a sketch of A: S A T has orthonormal columns, so A T is well conditioned.
struct SketchedBasis {
  SparseSignEmbedding embedding;  ///< S; unused if the sketch would have as many rows as A
  bool is_sketched = true;        ///< otherwise S is the identity
  Matrix<double> sketch;          ///< S A
  std::vector<double> sigma;      ///< the r singular values of S A, descending
  Matrix<double> t;               ///< V_r diag(1 / sigma) of the SVD of S A

  Index rank() const { return t.cols(); }
};

/// The SketchedBasis of A.
///
/// Method    SVD of the R of S A; singular values below d eps64 of the largest are treated as rank deficiency. A
///           product of A with a random null direction checks that A has them too; otherwise the sketch gets twice as
///           many rows, in the end all of A.
/// Errors    InvalidArgument on a non-finite entry of A (row and column named).
SketchedBasis sketched_basis(const RowMatrix& a, EmbeddingShape shape, std::uint64_t seed, const char* caller);

/// Changes T so that the columns of A T are orthonormal, by the Gram matrix of A T: one pass over A.
void orthonormalize(const RowMatrix& a, Matrix<double>& t);

/// out = A' T for the rows A' = A_first, A_first+1, ...; out has a row for each of them.
void multiply_rows(const RowMatrix& a, Index first, MatrixView<const double> t, MatrixView<double> out);

}  // namespace loewner::detail
