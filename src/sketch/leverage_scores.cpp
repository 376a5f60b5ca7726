// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/leverage_scores.hpp"

#include <algorithm>
#include <cmath>

#include "base/argument_check.hpp"
#include "base/lane_sum.hpp"
#include "linalg/blas.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"
#include "sketch/sketched_basis.hpp"

namespace loewner {
namespace {

constexpr Index kMostProjections = 65536;
constexpr Index kSketchNonzeros = 8;

// ||a_i T||^2, at most 1 despite rounding.
std::vector<double> squared_row_norms(const RowMatrix& a, const Matrix<double>& t) {
  std::vector<double> norms(a.rows());
  const Index per_block = rows_per_block(std::max(a.cols(), t.cols()));
  parallel_for((a.rows() + per_block - 1) / per_block, [&](Index block) {
    const Index first = block * per_block, count = std::min(per_block, a.rows() - first);
    Matrix<double> product = Matrix<double>::uninitialized(count, t.cols());
    detail::multiply_rows(a, first, t.view(), product.view());
    for (Index i = 0; i < count; ++i) {
      const auto row = product.row(i);
      const double norm = detail::lane_sum(t.cols(), [&](Index j) { return row[j] * row[j]; });
      norms[first + i] = std::min(1.0, norm);
    }
  });
  return norms;
}

Matrix<double> times_gaussian(const Matrix<double>& t, Index projections, std::uint64_t seed) {
  RandomStream random(seed, RandomPurpose::sampling, 1);
  Matrix<double> omega = Matrix<double>::uninitialized(t.cols(), projections);
  const double scale = 1 / std::sqrt(static_cast<double>(projections));
  for (Index i = 0; i < t.cols() * projections; ++i) omega.data()[i] = scale * random.normal();
  Matrix<double> product(t.rows(), projections);
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, t.view(), omega.view(), 0.0, product.view());
  return product;
}

}  // namespace

std::string_view to_string(LeverageMethod method) {
  return method == LeverageMethod::exact ? "exact" : "sketched";
}

LeverageScores leverage_scores(const RowMatrix& a, const LeverageOptions& options) {
  const Index d = a.cols(), m = options.sketch_rows == 0 ? std::max<Index>(1, 4 * d) : options.sketch_rows;
  const detail::ArgumentCheck check("leverage_scores");
  check.at_least("sketch_rows", m, std::max<Index>(1, d));
  check.in_range("projections", options.projections, 1, kMostProjections);
  auto basis = detail::sketched_basis(a, {.rows = m, .nonzeros = kSketchNonzeros}, options.seed, "leverage_scores");
  if (options.method == LeverageMethod::exact) {
    detail::orthonormalize(a, basis.t);
    return {squared_row_norms(a, basis.t), basis.rank()};
  }
  return {squared_row_norms(a, times_gaussian(basis.t, options.projections, options.seed)), basis.rank()};
}

}  // namespace loewner
