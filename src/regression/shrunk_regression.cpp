// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/shrunk_regression.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "linalg/blas.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"
#include "loewner/regression/lp_regression.hpp"

namespace loewner {
namespace {

constexpr Index kColumnsLookedAt = 16;
constexpr double kRankLimit = 1e-12;     // eigenvalues of the metric below this fraction of the largest bind nothing
constexpr double kTolerance = 1e-3;      // of the regressions: far below what the rows at hand can tell
constexpr double kNearlyNothing = 1e-6;  // the shrinkage that only keeps the fit unique
constexpr int kHalfDecades = 11;         // of lambda, from 1e-3 to 1e2

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

// The drawn rows above the rows of L: one design for all fits, whose row weights tell them apart.
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
      folds_.push_back(unseen_.back() > 0 ? static_cast<int>(fold) : -1);  // rows that are certain are never left out
    }
    for (int fold = 0; fold < options.folds; ++fold) {
      if (std::ranges::find(folds_, fold) != folds_.end()) folds_in_use_.push_back(fold);
    }
    const Index step = std::max<Index>(1, b.cols() / kColumnsLookedAt);
    for (Index j = 0; j < b.cols() && static_cast<Index>(columns_.size()) < kColumnsLookedAt; j += step) {
      columns_.push_back(j);
    }
  }

  // Estimates of sum_i u_i |r_i|^p over all rows, on the columns looked at.
  double error_of_nothing() const {
    double sum = 0;
    for (Index i = 0; i < drawn_; ++i) {
      for (const Index j : columns_) sum += weights_[i] * (1 + unseen_[i]) * std::pow(std::abs(b_(i, j)), p_);
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
        for (const double r : rest.row(i)) sum += factor * std::pow(std::abs(r), p_);
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
    for (Index j = 0; j < b_.cols(); ++j) all[static_cast<std::size_t>(j)] = j;
    return fit(targets_of(all), shrinkage, -1);
  }

 private:
  Matrix<double> targets_of(std::span<const Index> columns) const {
    Matrix<double> targets(design_.rows(), static_cast<Index>(columns.size()));  // 0 behind the drawn rows
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
  std::vector<double> weights_, unseen_;  // u; how many rows like this one were not drawn
  std::vector<int> folds_, folds_in_use_;
  std::vector<Index> columns_;
};

void require_usable(MatrixView<const double> a, MatrixView<const double> metric,
                    const ShrunkRegressionOptions& options) {
  require(metric.rows() == a.cols() && metric.cols() == a.cols(), [&] {
    return "shrunk_regression: the metric must be " + std::to_string(a.cols()) + " x " + std::to_string(a.cols()) +
           ", got " + std::to_string(metric.rows()) + " x " + std::to_string(metric.cols());
  });
  require(options.folds >= 2,
          [&] { return "shrunk_regression: folds must be at least 2, got " + std::to_string(options.folds); });
  require(std::isfinite(options.norm_exponent),
          [] { return std::string("shrunk_regression: norm_exponent must be finite"); });
  const auto require_one_per_row = [&](std::span<const double> values, const char* what) {
    require(values.empty() || static_cast<Index>(values.size()) == a.rows(), [&] {
      return "shrunk_regression: one " + std::string(what) + " per row is needed, " + std::to_string(a.rows()) +
             ", got " + std::to_string(values.size());
    });
  };
  require_one_per_row(options.row_weights, "weight");
  require_one_per_row(options.probabilities, "probability");
  for (const double q : options.probabilities) {
    require(q > 0 && q <= 1,
            [&] { return "shrunk_regression: probabilities must be in (0, 1], got " + std::to_string(q); });
  }
}

std::array<double, kHalfDecades + 1> shrinkages() {
  std::array<double, kHalfDecades + 1> values{kNearlyNothing};
  for (int i = 0; i < kHalfDecades; ++i) values[i + 1] = std::pow(10.0, -3 + 0.5 * i);
  return values;
}

}  // namespace

ShrunkRegression shrunk_regression(MatrixView<const double> a, MatrixView<const double> b,
                                   MatrixView<const double> metric, const ShrunkRegressionOptions& options) {
  require_usable(a, metric, options);
  const ShrunkProblem problem(a, b, metric, options);
  const double nothing = problem.error_of_nothing();
  ShrunkRegression best{.x = Matrix<double>(a.cols(), b.cols()), .shrinkage = std::numeric_limits<double>::infinity()};
  double least = nothing;
  for (const double shrinkage : shrinkages()) {
    const double error = problem.error_of(shrinkage);
    if (error < least) {
      least = error;
      best.shrinkage = shrinkage;
    }
  }
  if (std::isinf(best.shrinkage)) return best;
  best.x = problem.solution(best.shrinkage);
  best.estimated_ratio = least / nothing;
  return best;
}

}  // namespace loewner
