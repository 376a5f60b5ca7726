// SPDX-License-Identifier: Apache-2.0
#include "linalg/projected_svd.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "linalg/vector_pieces.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner::detail {

ProjectedSvd svd_of_projection(Matrix<double> images, MatrixView<const double> vt) {
  const Index n = images.rows(), k = images.cols();
  SymmetricEigen eigen =
      symmetric_eigen(parallel_matrix_sum(num_pieces(n), k, k, [&](Index piece, MatrixView<double> sum) {
        const auto rows = std::as_const(images).view();
        blas::add_gram_upper(rows.row_block(piece * kPiece, length_of_piece(piece, n)), sum);
      }));
  ProjectedSvd svd{.u = {}, .singular_values = {}, .vt = Matrix<double>(k, vt.cols())};
  Matrix<double>& turn = eigen.vectors_t;
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, turn.view(), vt, 0.0, svd.vt.view());
  for (Index i = 0; i < k; ++i) {
    svd.singular_values.push_back(std::sqrt(std::max(eigen.values[i], std::numeric_limits<double>::min())));
    for (double& value : turn.row(i)) value /= svd.singular_values[i];
  }
  for_each_piece(n, [&](Index first, Index count) {
    const auto rows = images.view().row_block(first, count);
    Matrix<double> turned = Matrix<double>::uninitialized(count, k);
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, rows, turn.view(), 0.0, turned.view());
    for (Index i = 0; i < count; ++i) std::ranges::copy(turned.row(i), rows.row(i).begin());
  });
  svd.u = std::move(images);
  return svd;
}

}  // namespace loewner::detail
