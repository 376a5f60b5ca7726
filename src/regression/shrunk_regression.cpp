// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/shrunk_regression.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <vector>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/input_scale.hpp"
#include "loewner/base/random.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "loewner/regression/lp_regression.hpp"
#include "norms/lp_norm.hpp"

namespace loewner {
namespace {

constexpr Index kEstimateColumns = 16;    // the estimates use at most so many columns
constexpr double kRankLimit = 1e-12;      // smaller eigenvalues of the metric, relative to the largest, count as 0
constexpr double kTolerance = 1e-3;       // of the regressions: far below the error that the sample of rows causes
constexpr double kLeastShrinkage = 1e-6;  // only makes the fit unique
constexpr int kHalfDecades = 11;          // of lambda, from 1e-3 to 1e2

// L with L^T L = metric: the square roots of its eigenvalues times its eigenvectors.
Matrix<double> root_of(MatrixView<const double> metric) {
  Matrix<double> symmetric = Matrix<double>::uninitialized(metric.rows(), metric.cols());
  for (Index i = 0; i < metric.rows(); ++i) std::ranges::copy(metric.row(i), symmetric.row(i).begin());
  const SymmetricEigen eigen = symmetric_eigen(std::move(symmetric));
  Matrix<double> root(metric.rows(), metric.cols());
  for (Index i = 0; i < root.rows(); ++i) {
    if (!(eigen.values[i] > kRankLimit * eigen.values.front())) break;
    const double scale = std::sqrt(eigen.values[i]);
    std::ranges::transform(eigen.vectors_t.row(i), root.row(i).begin(), [&](double x) { return scale * x; });
  }
  return root;
}

// One design for all fits: the drawn rows above the rows of L. The fits differ in the row weights.
class ShrunkProblem {
 public:
  ShrunkProblem(MatrixView<const double> a, MatrixView<const double> b, MatrixView<const double> metric,
                const ShrunkRegressionOptions& options)
      : p_(options.norm_exponent), drawn_(a.rows()), design_(a.rows() + metric.rows(), a.cols()), b_(b) {
    const Matrix<double> root = root_of(metric);
    for (Index i = 0; i < drawn_; ++i) std::ranges::copy(a.row(i), design_.row(i).begin());
    for (Index i = 0; i < root.rows(); ++i) std::ranges::copy(root.row(i), design_.row(drawn_ + i).begin());
    for (Index i = 0; i < drawn_; ++i) {
      weights_.push_back(options.row_weights.empty() ? 1.0 : options.row_weights[i]);
      unseen_.push_back(options.probabilities.empty() ? 0.0 : 1 / options.probabilities[i] - 1);
      const auto fold = RandomStream(options.seed, RandomPurpose::sampling, static_cast<std::uint64_t>(i))
                            .below(static_cast<std::uint64_t>(options.folds));
      folds_.push_back(unseen_.back() > 0 ? static_cast<int>(fold) : -1);  // rows with probability 1 are never left out
    }
    std::ranges::copy_if(folds_, std::back_inserter(folds_in_use_), [](int fold) { return fold >= 0; });
    std::ranges::sort(folds_in_use_);
    folds_in_use_.erase(std::unique(folds_in_use_.begin(), folds_in_use_.end()), folds_in_use_.end());
    const Index step = std::max<Index>(1, b.cols() / kEstimateColumns);
    for (Index j = 0; j < b.cols() && static_cast<Index>(columns_.size()) < kEstimateColumns; j += step) {
      columns_.push_back(j);
    }
  }

  // Estimates of sum_i u_i |r_i|^p over all rows, drawn or not, on the chosen columns, for x = 0
  // and for a shrinkage.
  double error_of_zero() const {
    double sum = 0;
    for (Index i = 0; i < drawn_; ++i) {
      for (const Index j : columns_) sum += weights_[i] * (1 + unseen_[i]) * detail::absolute_power(b_(i, j), p_);
    }
    return sum;
  }
  double error_of(double shrinkage) const {
    const Matrix<double> targets = targets_of(columns_);
    double sum = 0;
    const auto add = [&](const Matrix<double>& x, auto&& weight) {
      Matrix<double> rest = Matrix<double>::uninitialized(drawn_, targets.cols());
      for (Index i = 0; i < drawn_; ++i) std::ranges::copy(targets.row(i), rest.row(i).begin());
      blas::gemm(blas::Op::none, blas::Op::none, -1.0, design_.view().row_block(0, drawn_), x.view(), 1.0, rest.view());
      for (Index i = 0; i < drawn_; ++i) {
        const double factor = weight(i);
        if (factor == 0) continue;
        for (const double r : rest.row(i)) sum += factor * detail::absolute_power(r, p_);
      }
    };
    add(fit(targets, shrinkage, -1), [&](Index i) { return weights_[i]; });
    for (const int fold : folds_in_use_) {
      add(fit(targets, shrinkage, fold), [&](Index i) { return folds_[i] == fold ? weights_[i] * unseen_[i] : 0.0; });
    }
    return sum;
  }

  Matrix<double> solution(double shrinkage) const {
    std::vector<Index> all(static_cast<std::size_t>(b_.cols()));
    std::iota(all.begin(), all.end(), Index{0});
    return fit(targets_of(all), shrinkage, -1);
  }

 private:
  Matrix<double> targets_of(std::span<const Index> columns) const {
    Matrix<double> targets(design_.rows(), static_cast<Index>(columns.size()));  // 0 for the rows of L
    for (Index i = 0; i < drawn_; ++i) {
      for (std::size_t j = 0; j < columns.size(); ++j) targets(i, static_cast<Index>(j)) = b_(i, columns[j]);
    }
    return targets;
  }

  Matrix<double> fit(const Matrix<double>& targets, double shrinkage, int left_out) const {
    std::vector<double> weights(static_cast<std::size_t>(design_.rows()), shrinkage);
    for (Index i = 0; i < drawn_; ++i) {
      weights[i] = left_out >= 0 && folds_[i] == left_out ? 0.0 : weights_[i] * (1 + unseen_[i]);
    }
    auto regression = lp_regression(RowMatrix(design_.view()), targets.view(),
                                    {.norm_exponent = p_, .row_weights = weights, .tolerance = kTolerance});
    return std::move(regression.x);
  }

  double p_;
  Index drawn_;
  Matrix<double> design_;
  MatrixView<const double> b_;
  std::vector<double> weights_;  // u
  std::vector<double> unseen_;   // 1/q - 1: the expected number of similar rows that were not drawn
  std::vector<int> folds_, folds_in_use_;
  std::vector<Index> columns_;
};

void check_arguments(MatrixView<const double> a, MatrixView<const double> b, MatrixView<const double> metric,
                     const ShrunkRegressionOptions& options) {
  const detail::ArgumentCheck check("shrunk_regression");
  check.that(b.rows() == a.rows(), [&] {
    return "b must have one row per row of a, " + detail::text_of(a.rows()) + ", got " + detail::text_of(b.rows());
  });
  check.that(metric.rows() == a.cols() && metric.cols() == a.cols(), [&] {
    return "the metric must be " + detail::shape_text(a.cols(), a.cols()) + ", got " +
           detail::shape_text(metric.rows(), metric.cols());
  });
  check.at_least("folds", options.folds, 2);
  check.norm_exponent(options.norm_exponent);
  check.row_weights(options.row_weights, a.rows());
  check.probabilities(options.probabilities, a.rows());
}

std::array<double, kHalfDecades + 1> shrinkages() {
  std::array<double, kHalfDecades + 1> values{kLeastShrinkage};
  for (int i = 0; i < kHalfDecades; ++i) values[i + 1] = std::pow(10.0, -3 + 0.5 * i);
  return values;
}

ShrunkRegression solve_shrunk(MatrixView<const double> a, MatrixView<const double> b, MatrixView<const double> metric,
                              const ShrunkRegressionOptions& options) {
  const ShrunkProblem problem(a, b, metric, options);
  const double of_zero = problem.error_of_zero();
  ShrunkRegression best{.x = Matrix<double>(a.cols(), b.cols()), .shrinkage = std::numeric_limits<double>::infinity()};
  double least = of_zero;
  for (const double shrinkage : shrinkages()) {
    const double error = problem.error_of(shrinkage);
    if (error < least) {
      least = error;
      best.shrinkage = shrinkage;
    }
  }
  if (std::isinf(best.shrinkage)) return best;
  best.x = problem.solution(best.shrinkage);
  best.estimated_ratio = least / of_zero;
  return best;
}

}  // namespace

ShrunkRegression shrunk_regression(MatrixView<const double> a, MatrixView<const double> b,
                                   MatrixView<const double> metric, const ShrunkRegressionOptions& options) {
  check_arguments(a, b, metric, options);
  // The estimates add p-th powers of residuals, which are at most of the size of b. lp_regression scales A and the
  // metric.
  constexpr int kOrdinaryPowers = 200;
  const double largest = detail::largest_magnitude(RowMatrix(b), "shrunk_regression: b");
  const int exponent = detail::input_exponent(largest, static_cast<int>(kOrdinaryPowers / options.norm_exponent));
  if (exponent == 0) return solve_shrunk(a, b, metric, options);
  const detail::ScaledMatrix scaled(RowMatrix(b), exponent);
  Matrix<double> small = Matrix<double>::uninitialized(b.rows(), b.cols());
  read_rows_wide(scaled.view(), 0, small.view());
  ShrunkRegression result = solve_shrunk(a, small.view(), metric, options);
  detail::restore(detail::ArgumentCheck("shrunk_regression"), "the coefficients", result.x, exponent);
  return result;
}

}  // namespace loewner
