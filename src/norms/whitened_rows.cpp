// SPDX-License-Identifier: Apache-2.0
#include "norms/whitened_rows.hpp"

#include <algorithm>
#include <limits>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/linalg/truncated_svd.hpp"

namespace loewner::detail {
namespace {

void require_full_rank(const ArgumentCheck& check, const RowSource& a, const std::vector<double>& sigma) {
  const double cut =
      static_cast<double>(std::max(a.rows(), a.cols())) * std::numeric_limits<double>::epsilon() * sigma.front();
  const auto rank = std::ranges::count_if(sigma, [&](double s) { return s > cut; });
  check.that(rank == a.cols(), [&] {
    return "the matrix must have full column rank " + text_of(a.cols()) + ", got rank " + text_of(rank);
  });
}

}  // namespace

WhitenedRows whitened_rows(const RowSource& a, const ArgumentCheck& check) {
  check.that(a.rows() > 0 && a.cols() > 0,
             [&] { return "the matrix must not be empty, got " + shape_text(a.rows(), a.cols()); });
  auto svd = truncated_svd(a, {.rank = std::min(a.rows(), a.cols()), .route = SvdRoute::direct});
  require_full_rank(check, a, svd.singular_values);

  Matrix<double> unwhiten = svd.vt.clone();  // diag(1 / sigma) V^T
  WhitenedRows result{.u = Matrix<double>::uninitialized(a.rows(), a.cols()), .f = std::move(svd.vt)};
  for (Index i = 0; i < a.cols(); ++i) {
    for (double& x : unwhiten.row(i)) x /= svd.singular_values[i];
    for (double& x : result.f.row(i)) x *= svd.singular_values[i];
  }
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    const Matrix<double> wide = detail::widened(rows);
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, wide.view(), unwhiten.view(), 0.0,
               result.u.view().row_block(first, rows.rows()));
  });
  return result;
}

}  // namespace loewner::detail
