// SPDX-License-Identifier: Apache-2.0
// Computes rank-8 factors of a matrix with outlier rows by the truncated SVD and by l_1 factorization. It prints both
// errors and the proved bounds on the l_1 error, and ends with 0 if the l_1 factors are better.
//
//     cmake --build build/release --target loewner_example_factor_matrix &&
//     build/release/examples/loewner_example_factor_matrix

#include <cstdio>

#include "loewner/base/random.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/lowrank/lp_low_rank.hpp"
#include "loewner/norms/lp_error.hpp"

namespace {

using loewner::DenseRows;
using loewner::Index;
using loewner::Matrix;

constexpr Index kRows = 4000, kCols = 64, kRank = 8;

Matrix<float> low_rank_with_outlier_rows() {
  loewner::RandomStream random(/*seed=*/1, loewner::RandomPurpose::test_data);
  Matrix<float> directions(kRank, kCols), a(kRows, kCols);
  for (Index i = 0; i < kRank * kCols; ++i) directions.data()[i] = static_cast<float>(random.normal());
  for (Index i = 0; i < kRows; ++i) {
    for (Index k = 0; k < kRank; ++k) {
      const auto coefficient = static_cast<float>(random.normal());
      for (Index j = 0; j < kCols; ++j) a(i, j) += coefficient * directions(k, j);
    }
    const double noise = i % 100 == 0 ? 100 : 0.1;  // one row in a hundred is an outlier
    for (float& x : a.row(i)) x += static_cast<float>(noise * random.normal());
  }
  return a;
}

Matrix<float> product(const Matrix<float>& left, const Matrix<float>& right) {
  Matrix<float> b(left.rows(), right.cols());
  for (Index i = 0; i < b.rows(); ++i) {
    for (Index k = 0; k < right.rows(); ++k) {
      for (Index j = 0; j < b.cols(); ++j) b(i, j) += left(i, k) * right(k, j);
    }
  }
  return b;
}

Matrix<float> to_float(const Matrix<double>& a) {
  Matrix<float> result(a.rows(), a.cols());
  for (Index i = 0; i < a.rows() * a.cols(); ++i) result.data()[i] = static_cast<float>(a.data()[i]);
  return result;
}

}  // namespace

int main() {
  const Matrix<float> a = low_rank_with_outlier_rows();
  const DenseRows rows(a.view());

  const auto svd = loewner::truncated_svd(rows, {.rank = kRank});
  const Matrix<float> svd_left = loewner::project_rows(rows, svd.vt.view()), svd_right = to_float(svd.vt);
  const auto lp = loewner::lp_low_rank(rows, {.rank = kRank, .norm_exponent = 1});

  const auto report = [&](const char* name, const Matrix<float>& left, const Matrix<float>& right) {
    const Matrix<float> b = product(left, right);
    const auto errors = loewner::approximation_errors(rows, DenseRows(b.view()), {}, /*norm_exponent=*/1);
    std::printf("%-14s relative l_1 error %.4f   relative Frobenius error %.4f\n", name, errors.relative_lp_error(),
                errors.relative_error());
    return errors.relative_lp_error();
  };
  const double svd_error = report("truncated SVD", svd_left, svd_right);
  const double lp_error = report("l_1 factors", lp.left, lp.right);
  std::printf("l_1 factors: proved %.4g <= error %.4g <= %.4g\n", lp.lower_bound, lp.error, lp.upper_bound);
  return lp_error < svd_error && lp.lower_bound <= lp.error && lp.error <= lp.upper_bound ? 0 : 1;
}
