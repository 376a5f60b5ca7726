// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/enclosing_ellipsoid.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/row_kernels.hpp"
#include "linalg/row_pieces.hpp"
#include "loewner/base/cancellation.hpp"
#include "norms/whitened_rows.hpp"

namespace loewner {
namespace {

using detail::dot;

constexpr Index kRowsPerTask = 4096;   // a row takes a few d flops only
constexpr int kStepsPerRefresh = 200;  // keeps the rounding errors of the rank-one updates below about 1e-12
constexpr double kNoWeight = 1e-15;    // a smaller weight is the rounding error of a removed one

template <typename Body>
void for_each_row(Index count, Body&& body) {
  detail::for_each_row(count, body, kRowsPerTask);
}

// d independent rows: each is the row farthest from the span of the previous ones.
std::vector<Index> spanning_rows(MatrixView<const double> u, Matrix<double> rest) {
  std::vector<Index> chosen;
  std::vector<double> norms(u.rows());
  for (Index k = 0; k < u.cols(); ++k) {
    for_each_row(u.rows(), [&](Index i) { norms[i] = dot(rest.row(i), rest.row(i)); });
    const Index pick = std::ranges::max_element(norms) - norms.begin();
    chosen.push_back(pick);
    const std::vector<double> axis(rest.row(pick).begin(), rest.row(pick).end());
    for_each_row(u.rows(), [&](Index i) {
      const double share = dot(rest.row(i), axis) / norms[pick];
      for (Index j = 0; j < u.cols(); ++j) rest(i, j) -= share * axis[j];
    });
  }
  return chosen;
}

class Ascent {
 public:
  explicit Ascent(Matrix<double> u) : u_(std::move(u)), weights_(u_.rows(), 0.0), kappa_(u_.rows(), 0.0) {
    for (const Index i : spanning_rows(u_.view(), u_.clone())) weights_[i] = 1.0 / static_cast<double>(dimension());
    refresh();
  }

  Index dimension() const { return u_.cols(); }
  double largest() const { return *std::ranges::max_element(kappa_); }
  const std::vector<double>& weights() const { return weights_; }
  const Matrix<double>& cholesky() const { return cholesky_; }

  /// Moves weight to the point with the largest kappa, or away from the one with the smallest,
  /// whichever step gains more.
  void step() {
    const double d = static_cast<double>(dimension());
    const Index far = std::ranges::max_element(kappa_) - kappa_.begin(), near = innermost();
    if (kappa_[far] - d >= d - kappa_[near]) {
      shift(far, optimal_share(kappa_[far]));
    } else {
      const double all = -weights_[near] / (1 - weights_[near]);
      // For kappa <= 1 the gain increases until all the weight is removed.
      shift(near, kappa_[near] > 1 ? std::max(all, optimal_share(kappa_[near])) : all);
    }
  }

  /// Recomputes G, its inverse and kappa_i = u_i^T G^{-1} u_i from the weights.
  void refresh() {
    const Index d = dimension();
    Matrix<double> scaled = u_.clone();
    for_each_row(u_.rows(), [&](Index i) {
      for (double& x : scaled.row(i)) x *= std::sqrt(weights_[i]);
    });
    cholesky_ = Matrix<double>(d, d);
    blas::add_gram_upper(scaled.view(), cholesky_.view());
    if (!blas::cholesky_upper(cholesky_.view())) {
      throw InvalidArgument("enclosing_ellipsoid: the points must span R^d, got a numerically rank-deficient set");
    }
    scaled = u_.clone();
    blas::solve_upper_from_right(cholesky_.view(), scaled.view());
    for_each_row(u_.rows(), [&](Index i) { kappa_[i] = dot(scaled.row(i), scaled.row(i)); });
    Matrix<double> half(d, d);
    for (Index i = 0; i < d; ++i) half(i, i) = 1;
    blas::solve_upper_from_right(cholesky_.view(), half.view());
    inverse_ = Matrix<double>(d, d);
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, half.view(), half.view(), 0.0, inverse_.view());
  }

 private:
  Index innermost() const {
    Index best = -1;
    for (Index i = 0; i < u_.rows(); ++i) {
      if (weights_[i] > 0 && (best < 0 || kappa_[i] < kappa_[best])) best = i;
    }
    return best;
  }

  // The b that maximizes log det((1 - b) G + b u u^T) for u^T G^{-1} u = kappa.
  double optimal_share(double kappa) const {
    const double d = static_cast<double>(dimension());
    return (kappa - d) / (d * (kappa - 1));
  }

  // w <- (1 - b) w + b e_i
  void shift(Index i, double b) {
    const Index d = dimension();
    std::vector<double> g(d);
    for (Index k = 0; k < d; ++k) g[k] = dot(inverse_.row(k), u_.row(i));
    const double kept = 1 / (1 - b), change = b / (1 - b + b * kappa_[i]);
    for_each_row(u_.rows(), [&](Index r) {
      const double along = dot(u_.row(r), g);
      kappa_[r] = kept * (kappa_[r] - change * along * along);
      weights_[r] *= 1 - b;
    });
    const double weight = weights_[i] + b;
    weights_[i] = weight > kNoWeight ? weight : 0.0;
    for (Index k = 0; k < d; ++k) {
      for (Index l = 0; l < d; ++l) inverse_(k, l) = kept * (inverse_(k, l) - change * g[k] * g[l]);
    }
  }

  Matrix<double> u_;                     // n x d
  std::vector<double> weights_, kappa_;  // n
  Matrix<double> cholesky_, inverse_;    // of G, d x d
};

}  // namespace

EnclosingEllipsoid enclosing_ellipsoid(const RowSource& a, const EnclosingEllipsoidOptions& options) {
  const detail::ArgumentCheck check("enclosing_ellipsoid");
  check.positive("epsilon", options.epsilon);
  detail::WhitenedRows white = detail::whitened_rows(a, check);
  Ascent ascent(std::move(white.u));
  const double d = static_cast<double>(a.cols());
  const auto gap = [&] { return ascent.largest() / d - 1; };

  EnclosingEllipsoid result;
  FitReport& report = result.report;
  report.initial_objective = gap();
  report.status = Status::max_iterations;
  for (;; ++report.iterations) {
    const bool last = report.iterations >= options.max_iterations;
    if (last || gap() <= options.epsilon || report.iterations % kStepsPerRefresh == 0) ascent.refresh();
    if (gap() <= options.epsilon) report.status = Status::converged;
    if (last || report.status == Status::converged) break;
    throw_if_cancelled();
    ascent.step();
  }
  report.final_objective = gap();
  result.largest = ascent.largest();
  result.weights = ascent.weights();
  result.factor = Matrix<double>(a.cols(), a.cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, ascent.cholesky().view(), white.f.view(), 0.0, result.factor.view());
  return result;
}

}  // namespace loewner
