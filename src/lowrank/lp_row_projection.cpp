// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/lp_row_projection.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/cholesky_solve.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/parallel.hpp"
#include "norms/lp_norm.hpp"

namespace loewner {
namespace {

// The regression of one row may take milliseconds. Tasks are short so that a cancelled run ends
// within a second.
constexpr Index kRowsAtOnce = 32;

constexpr double kInitialSmoothing = 0.3;   // of the mean residual
constexpr double kSmoothingDecrease = 0.5;  // per iteration
constexpr double kLeastSmoothing = 1e-8;    // keeps the weighted systems regular
constexpr int kMaxHalvings = 4;

// Orthonormal bases of the row space of `right` and of its complement, and the map from the first
// to the coefficients of the rows of `right`.
struct Coordinates {
  Matrix<double> span;             // d x r, orthonormal columns: right = mixing^+ span^T
  Matrix<double> complement;       // d x (d - r)
  Matrix<double> to_coefficients;  // r x k: z = (span^T a) to_coefficients
};

Coordinates coordinates_of(const detail::ArgumentCheck& check, MatrixView<const float> right) {
  const Index k = right.rows(), d = right.cols();
  Matrix<double> square(d, d), u, vt;  // `right` above zero rows: its right singular vectors are a basis of R^d
  for (Index i = 0; i < k; ++i) std::ranges::copy(right.row(i), square.row(i).begin());
  std::vector<double> s;
  check.that(blas::thin_svd(square.view(), u, s, vt), [] { return "LAPACK did not converge"; });
  const double limit = static_cast<double>(d) * std::numeric_limits<float>::epsilon() * (d > 0 ? s[0] : 0.0);
  const Index rank = std::ranges::count_if(s, [&](double value) { return value > limit; });
  Coordinates result{detail::transposed<double>(vt.view().row_block(0, rank)),
                     detail::transposed<double>(vt.view().row_block(rank, d - rank)), Matrix<double>(rank, k)};
  for (Index j = 0; j < rank; ++j) {
    for (Index i = 0; i < k; ++i) result.to_coefficients(j, i) = u(i, j) / s[j];
  }
  return result;
}

// Solves one row at a time. The variable is the residual r, which stays in r + range(span).
class RowSolver {
 public:
  RowSolver(const Coordinates& coordinates, const LpRowProjectionOptions& options)
      : primal_(coordinates.span.cols() <= coordinates.complement.cols()),
        basis_(primal_ ? coordinates.span.view() : coordinates.complement.view()),
        options_(options),
        scaled_(basis_.rows(), basis_.cols()),
        gram_(basis_.cols(), basis_.cols()),
        solution_(basis_.cols()),
        weights_(basis_.rows()),
        candidate_(basis_.rows()) {}

  double objective(std::span<const double> r) const { return detail::power_sum(r, options_.norm_exponent); }

  // Decreases the objective of r; returns the number of iterations, limit + 1 if the limit ended
  // them.
  int improve(std::span<double> r) {
    double size = 0;
    for (const double x : r) size += std::abs(x) / static_cast<double>(r.size());
    if (size == 0 || basis_.cols() == 0 || options_.norm_exponent == 2) return 0;
    for (double& x : r) x /= size;  // so that powers of the residual stay finite at any scale
    const int iterations = improve_scaled(r);
    for (double& x : r) x *= size;
    return iterations;
  }

 private:
  int improve_scaled(std::span<double> r) {
    // Smoothing by e adds at most e to each entry, whose mean is 1: a tenth of the tolerance is
    // small enough.
    const double last_smoothing = std::max(0.1 * options_.tolerance, kLeastSmoothing);
    double value = objective(r), smoothing = kInitialSmoothing;
    for (int iteration = 1; iteration <= options_.max_iterations; ++iteration) {
      throw_if_cancelled();
      set_weights(r, smoothing);
      if (!least_squares(r)) return iteration;
      const double next = move_towards_candidate(r, value);
      const bool finished = value - next <= options_.tolerance * value;
      value = next;
      if (finished && smoothing <= last_smoothing) return iteration;
      // Once a smoothed problem is solved, smoothing decreases faster.
      const double factor = finished ? std::pow(kSmoothingDecrease, 3) : kSmoothingDecrease;
      smoothing = std::max(smoothing * factor, last_smoothing);
    }
    return options_.max_iterations + 1;
  }

  void set_weights(std::span<const double> r, double smoothing) {
    for (std::size_t j = 0; j < r.size(); ++j) {
      weights_[j] = std::pow(r[j] * r[j] + smoothing * smoothing, options_.norm_exponent / 2 - 1);
    }
  }

  // candidate_ = the residual in r + range(span) with the least sum_j weights_j r_j^2, from one of
  // two equivalent systems, W = diag(weights): primal, r - S (S^T W S)^-1 S^T W r with S = span;
  // dual, W^-1 N (N^T W^-1 N)^-1 N^T r with N = complement.
  bool least_squares(std::span<const double> r) {
    for (Index i = 0; i < gram_.rows(); ++i) std::ranges::fill(gram_.row(i), 0.0);
    std::ranges::fill(solution_, 0.0);
    for (Index j = 0; j < basis_.rows(); ++j) {
      const double weight = primal_ ? weights_[j] : 1 / weights_[j], root = std::sqrt(weight);
      const double load = primal_ ? weight * r[j] : r[j];
      const auto row = basis_.row(j);
      const auto scaled = scaled_.row(j);
      for (std::size_t c = 0; c < row.size(); ++c) {
        scaled[c] = root * row[c];
        solution_[c] += load * row[c];
      }
    }
    blas::add_gram_upper(scaled_.view(), gram_.view());
    if (!blas::cholesky_upper(gram_.view())) return false;
    detail::solve_cholesky(gram_.view(), solution_);
    for (Index j = 0; j < basis_.rows(); ++j) {
      const double fitted = detail::dot(basis_.row(j), solution_);
      candidate_[j] = primal_ ? r[j] - fitted : fitted / weights_[j];
    }
    return true;
  }

  // Takes the first of the steps t, t/2, ... that decreases the objective; returns the new
  // objective.
  double move_towards_candidate(std::span<double> r, double value) {
    double step = options_.norm_exponent <= 2 ? 1.0 : 1 / (options_.norm_exponent - 1);
    for (std::size_t j = 0; j < r.size(); ++j) candidate_[j] = r[j] + step * (candidate_[j] - r[j]);
    for (int halving = 0; halving <= kMaxHalvings; ++halving) {
      const double next = objective(candidate_);
      if (next < value) {
        std::ranges::copy(candidate_, r.begin());
        return next;
      }
      for (std::size_t j = 0; j < r.size(); ++j) candidate_[j] = 0.5 * (candidate_[j] + r[j]);
    }
    return value;
  }

  bool primal_;
  MatrixView<const double> basis_;
  const LpRowProjectionOptions& options_;
  Matrix<double> scaled_;  // basis, rows scaled
  Matrix<double> gram_;
  std::vector<double> solution_, weights_, candidate_;
};

struct BlockOutcome {
  double largest = 0;  // residual before the first iteration
  double initial = 0, final = 0;
  int iterations = 0;
};

BlockOutcome project_block(const Matrix<double>& a, const Coordinates& coordinates,
                           const LpRowProjectionOptions& options, MatrixView<float> left) {
  const Matrix<double>& span = coordinates.span;
  using blas::Op;
  Matrix<double> fitted = Matrix<double>::uninitialized(a.rows(), span.cols()), residual = a.clone();
  blas::gemm(Op::none, Op::none, 1.0, a.view(), span.view(), 0.0, fitted.view());
  blas::gemm(Op::none, Op::transpose, -1.0, fitted.view(), span.view(), 1.0, residual.view());
  RowSolver solver(coordinates, options);
  BlockOutcome outcome;
  Matrix<double> change = residual.clone();
  for (Index i = 0; i < a.rows(); ++i) {
    for (const double x : residual.row(i)) outcome.largest = std::max(outcome.largest, std::abs(x));
    outcome.initial += solver.objective(residual.row(i));
    outcome.iterations = std::max(outcome.iterations, solver.improve(residual.row(i)));
    outcome.final += solver.objective(residual.row(i));
    std::ranges::transform(change.row(i), residual.row(i), change.row(i).begin(), std::minus<>());
  }
  blas::gemm(Op::none, Op::none, 1.0, change.view(), span.view(), 1.0, fitted.view());
  Matrix<double> coefficients(a.rows(), left.cols());
  blas::gemm(Op::none, Op::none, 1.0, fitted.view(), coordinates.to_coefficients.view(), 0.0, coefficients.view());
  for (Index i = 0; i < left.rows(); ++i) {
    std::ranges::transform(coefficients.row(i), left.row(i).begin(), [](double x) { return static_cast<float>(x); });
  }
  return outcome;
}

FitReport report_of(const std::vector<BlockOutcome>& outcomes, int max_iterations) {
  FitReport report;
  for (const auto& outcome : outcomes) {
    report.initial_objective += outcome.initial;
    report.final_objective += outcome.final;
    report.iterations = std::max(report.iterations, outcome.iterations);
  }
  if (report.iterations <= max_iterations) return report;
  report.status = Status::max_iterations;
  report.iterations = max_iterations;
  return report;
}

}  // namespace

LpRowProjection lp_row_projection(const RowSource& a, MatrixView<const float> right,
                                  const LpRowProjectionOptions& options) {
  const detail::ArgumentCheck check("lp_row_projection");
  check.norm_exponent(options.norm_exponent);
  check.that(right.cols() == a.cols() && right.rows() <= right.cols(), [&] {
    return "right must have " + detail::text_of(a.cols()) + " columns and at most as many rows, got " +
           detail::shape_text(right.rows(), right.cols());
  });
  check.at_least("max_iterations", options.max_iterations, 0);
  check.at_least("tolerance", options.tolerance, 0);
  check.finite(a);
  check.finite(DenseRows(right), "right");
  const Coordinates coordinates = coordinates_of(check, right);
  LpRowProjection result{.left = Matrix<float>(a.rows(), right.rows()), .report = {}};
  const Index tasks = (a.rows() + kRowsAtOnce - 1) / kRowsAtOnce;
  std::vector<BlockOutcome> outcomes(tasks);
  parallel_for(tasks, [&](Index task) {
    const Index first = task * kRowsAtOnce, count = std::min(kRowsAtOnce, a.rows() - first);
    Matrix<float> buffer;
    const Matrix<double> rows = detail::widened(a.read_rows(first, count, buffer));
    outcomes[task] = project_block(rows, coordinates, options, result.left.view().row_block(first, count));
  });
  result.report = report_of(outcomes, options.max_iterations);
  const bool is_zero = std::ranges::all_of(outcomes, [](const BlockOutcome& outcome) { return outcome.largest == 0; });
  check.that(std::isfinite(result.report.initial_objective) && (result.report.initial_objective > 0 || is_zero), [&] {
    return std::string("the objective ") + (result.report.initial_objective == 0 ? "underflows" : "overflows") +
           " float64 at the scale of this input; multiply the matrix by a constant";
  });
  return result;
}

}  // namespace loewner
