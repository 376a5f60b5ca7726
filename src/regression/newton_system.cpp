// SPDX-License-Identifier: Apache-2.0
#include "regression/newton_system.hpp"

#include <algorithm>

#include "linalg/cholesky_solve.hpp"
#include "linalg/row_pieces.hpp"
#include "regression/ridged_cholesky.hpp"
#include "regression/tall_products.hpp"

namespace loewner::detail {
namespace {

using Values = std::vector<double>;  // one per column

constexpr Index kLeastRankForCg = 48;    // a factorization is as fast for smaller ranks
constexpr Index kLeastColumnsForCg = 4;  // products with fewer vectors are bound by the memory
constexpr double kCgTolerance = 1e-2;    // of the residual, relative

void solve_by_cholesky(const RegressionDesign& design, const Matrix<double>& curvature, const Matrix<double>& gradient,
                       Index j, Matrix<double>& directions) {
  Values weights(design.rows()), p(design.rank());
  for (Index i = 0; i < design.rows(); ++i) weights[i] = curvature(i, j);
  for (Index k = 0; k < design.rank(); ++k) p[k] = gradient(k, j);
  const Matrix<double> factor = ridged_cholesky(weighted_gram(design.basis(), weights));
  solve_cholesky(factor.view(), p);
  for (Index k = 0; k < design.rank(); ++k) directions(k, j) = p[k];
}

Values squared_norms(const Matrix<double>& a) {
  Values norms(a.cols(), 0.0);
  for (Index k = 0; k < a.rows(); ++k) {
    for (Index j = 0; j < a.cols(); ++j) norms[j] += a(k, j) * a(k, j);
  }
  return norms;
}

// U^T diag(curvature_j) U x_j for every column j: two products with the design.
Matrix<double> apply_hessians(const RegressionDesign& design, const Matrix<double>& curvature,
                              const Matrix<double>& x) {
  Matrix<double> image = design.product(x);
  for_each_row(image.rows(), [&](Index i) {
    for (Index j = 0; j < image.cols(); ++j) image(i, j) *= curvature(i, j);
  });
  return design.transposed_product(image);
}

// All columns that do not need a factorization.
void solve_by_conjugate_gradients(const RegressionDesign& design, const Matrix<double>& curvature,
                                  const Matrix<double>& gradient, std::vector<NewtonColumn>& columns,
                                  Matrix<double>& directions) {
  const Index r = design.rank(), t = gradient.cols();
  Matrix<double> rest = gradient.clone();
  for (Index j = 0; j < t; ++j) {
    for (Index k = 0; columns[j].needs_cholesky && k < r; ++k) rest(k, j) = 0;
  }
  Matrix<double> search = rest.clone();
  Values squared = squared_norms(rest), goal = squared;
  for (double& value : goal) value *= kCgTolerance * kCgTolerance;
  const auto is_done = [&](Index j) { return squared[j] <= goal[j]; };
  const auto all_done = [&] {
    for (Index j = 0; j < t; ++j) {
      if (!is_done(j)) return false;
    }
    return true;
  };
  for (Index step = std::max<Index>(8, r / 6); step > 0 && !all_done(); --step) {
    const Matrix<double> image = apply_hessians(design, curvature, search);
    Values product(t, 0.0);
    for (Index k = 0; k < r; ++k) {
      for (Index j = 0; j < t; ++j) product[j] += search(k, j) * image(k, j);
    }
    for (Index j = 0; j < t; ++j) {
      const double length = !is_done(j) && product[j] > 0 ? squared[j] / product[j] : 0.0;
      for (Index k = 0; k < r; ++k) {
        directions(k, j) += length * search(k, j);
        rest(k, j) -= length * image(k, j);
      }
    }
    const Values next = squared_norms(rest);
    for (Index j = 0; j < t; ++j) {
      const double ratio = squared[j] > 0 ? next[j] / squared[j] : 0.0;
      for (Index k = 0; k < r; ++k) search(k, j) = rest(k, j) + ratio * search(k, j);
    }
    squared = next;
  }
  for (Index j = 0; j < t; ++j) columns[j].needs_cholesky = columns[j].needs_cholesky || !is_done(j);
}

}  // namespace

Matrix<double> newton_directions(const RegressionDesign& design, const Matrix<double>& curvature,
                                 const Matrix<double>& gradient, std::vector<NewtonColumn>& columns) {
  Matrix<double> directions(design.rank(), gradient.cols());
  if (design.rank() >= kLeastRankForCg && gradient.cols() >= kLeastColumnsForCg) {
    solve_by_conjugate_gradients(design, curvature, gradient, columns, directions);
  } else {
    for (NewtonColumn& column : columns) column.needs_cholesky = true;
  }
  for (Index j = 0; j < gradient.cols(); ++j) {
    if (columns[j].needs_cholesky) solve_by_cholesky(design, curvature, gradient, j, directions);
  }
  return directions;
}

}  // namespace loewner::detail
