// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/parallel_matrix_sum.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "sketch/sketched_basis.hpp"

namespace loewner {
namespace {

constexpr int kMostRounds = 6;           // of LSQR, each on the residual of the one before
constexpr double kInnerTolerance = 0.1;  // LSQR stops when its own estimate is below this fraction of the tolerance

const detail::ArgumentCheck kLeastSquares("least_squares");

using Values = std::vector<double>;  // one per column of X

Values column_norms(MatrixView<const double> a) {
  const Index per_block = rows_per_block(a.cols());
  const Matrix<double> squares =
      detail::parallel_matrix_sum((a.rows() + per_block - 1) / per_block, 1, a.cols(), [&](Index block, auto sum) {
        const Index last = std::min(a.rows(), (block + 1) * per_block);
        for (Index i = block * per_block; i < last; ++i) {
          for (Index c = 0; c < a.cols(); ++c) sum(0, c) += a(i, c) * a(i, c);
        }
      });
  Values norms(squares.row(0).begin(), squares.row(0).end());
  for (double& norm : norms) norm = std::sqrt(norm);
  return norms;
}

double norm(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum = std::hypot(sum, value);
  return sum;
}

Matrix<double> product(blas::Op op, const Matrix<double>& a, const Matrix<double>& b) {
  Matrix<double> c(op == blas::Op::none ? a.rows() : a.cols(), b.cols());
  blas::gemm(op, blas::Op::none, 1.0, a.view(), b.view(), 0.0, c.view());
  return c;
}

// a(:, c) = alpha_c a(:, c) + beta_c b(:, c)
void combine(const Values& alpha, Matrix<double>& a, const Values& beta, const Matrix<double>& b) {
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index c = 0; c < a.cols(); ++c) a(i, c) = alpha[c] * a(i, c) + beta[c] * b(i, c);
  }
}

void scale_columns(const Values& factors, Matrix<double>& a) {
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index c = 0; c < a.cols(); ++c) a(i, c) *= factors[c];
  }
}

double inverse(double x) {
  return x > 0 ? 1 / x : 0;
}

// An iterate X with U = B - A X, H = (A T)^T U and their norms.
struct Point {
  Matrix<double> x, u, h;
  Values x_norms, u_norms, h_norms, backward_errors;
};

class Problem {
 public:
  Problem(const RowMatrix& a, const detail::SketchedBasis& basis, const Matrix<double>& b)
      : a_(a), basis_(basis), b_(b), b_norms_(column_norms(b.view())), norm_(norm(basis.sigma)) {}

  const Matrix<double>& t() const { return basis_.t; }

  // The target of LSQR for H: below it, X changes by less than the tolerance allows.
  Values targets(double tolerance) const {
    Values targets = b_norms_;
    for (double& target : targets) target *= kInnerTolerance * tolerance;
    return targets;
  }
  const LinearOperator& a() const { return a_; }
  const Values& b_norms() const { return b_norms_; }

  Point at(Matrix<double> x) const {
    Point point;
    Matrix<double> minus_x = x.clone(), image(x.rows(), x.cols());
    for (Index i = 0; i < x.rows() * x.cols(); ++i) minus_x.data()[i] = -x.data()[i];
    point.u = b_.clone();
    a_.golub_kahan_step(minus_x.view(), Values(static_cast<std::size_t>(x.cols()), 1.0), point.u.view(), image.view());
    point.h = product(blas::Op::transpose, t(), image);
    point.x_norms = column_norms(x.view());
    point.u_norms = column_norms(point.u.view());
    point.h_norms = column_norms(point.h.view());
    point.backward_errors = backward_errors(point);
    point.x = std::move(x);
    return point;
  }

 private:
  // The estimate of Karlson and Walden with the singular values and vectors of S A in place of those of A. It is within
  // a factor sqrt(2) cond(A T) of the smallest backward error.
  Values backward_errors(const Point& point) const {
    Values errors(point.x_norms.size());
    for (std::size_t c = 0; c < errors.size(); ++c) {
      for (Index i = 0; i < point.h.rows(); ++i) {
        const double sigma = basis_.sigma[i] / norm_, size = sigma * norm_ * point.x_norms[c];
        errors[c] = std::hypot(errors[c], sigma * point.h(i, c) * inverse(std::hypot(size, point.u_norms[c])));
      }
    }
    return errors;
  }

  MatrixOperator a_;
  const detail::SketchedBasis& basis_;
  const Matrix<double>& b_;
  Values b_norms_;
  double norm_;  // ||S A||_F
};

// min ||A T y - u|| for all columns u at once. The columns of U and V in the papers are kept unnormalized and
// normalized: u_ = beta u, v_.
class Lsqr {
 public:
  Lsqr(const Problem& problem, Point& start, Values targets)
      : problem_(problem), targets_(std::move(targets)), u_(start.u), v_(start.h.clone()), y_(v_.rows(), v_.cols()) {
    beta_ = residual_ = start.u_norms;
    alpha_ = start.h_norms;
    ones_.assign(beta_.size(), 1.0);
    Values scales;
    for (std::size_t c = 0; c < beta_.size(); ++c) {
      active_.push_back(start.h_norms[c] > targets_[c]);
      scales.push_back(active_[c] ? inverse(alpha_[c]) : 0);
      alpha_[c] *= inverse(beta_[c]);
    }
    scale_columns(scales, v_);
    rho_ = alpha_;
    w_ = v_.clone();
  }

  bool is_done() const { return std::ranges::count(active_, true) == 0; }

  void step() {
    const std::size_t k = beta_.size();
    Matrix<double> image(problem_.t().rows(), y_.cols());
    Values scales(k), minus_beta(k), inverse_beta(k), inverse_alpha(k);
    for (std::size_t c = 0; c < k; ++c) scales[c] = active_[c] ? -alpha_[c] * inverse(beta_[c]) : 0;
    const Matrix<double> tv = product(blas::Op::none, problem_.t(), v_);
    problem_.a().golub_kahan_step(tv.view(), scales, u_.view(), image.view());
    beta_ = column_norms(u_.view());
    std::ranges::transform(beta_, minus_beta.begin(), std::negate<>());
    std::ranges::transform(beta_, inverse_beta.begin(), inverse);
    combine(minus_beta, v_, inverse_beta, product(blas::Op::transpose, problem_.t(), image));
    alpha_ = column_norms(v_.view());
    std::ranges::transform(alpha_, inverse_alpha.begin(), inverse);
    scale_columns(inverse_alpha, v_);
    rotate();
  }

  const Matrix<double>& solution() const { return y_; }

 private:
  void rotate() {
    const std::size_t k = beta_.size();
    Values along(k), back(k);
    for (std::size_t c = 0; c < k; ++c) {
      if (!active_[c]) continue;
      const double rho = std::hypot(rho_[c], beta_[c]), cosine = rho_[c] / rho, sine = beta_[c] / rho;
      along[c] = cosine * residual_[c] / rho;
      back[c] = -sine * alpha_[c] / rho;
      rho_[c] = -cosine * alpha_[c];
      residual_[c] *= sine;
      if (residual_[c] * alpha_[c] * std::abs(cosine) <= targets_[c]) active_[c] = false;
    }
    combine(ones_, y_, along, w_);
    combine(back, w_, ones_, v_);
    const Values keep(active_.begin(), active_.end());
    scale_columns(keep, v_);
    scale_columns(keep, w_);
  }

  const Problem& problem_;
  Values targets_;
  Matrix<double>& u_;
  Matrix<double> v_, y_, w_;
  Values ones_, alpha_, beta_, rho_, residual_;
  std::vector<bool> active_;
};

bool is_converged(const Point& point, double tolerance) {
  return std::ranges::all_of(point.backward_errors, [&](double error) { return error <= tolerance; });
}

// The largest factor by which a column's H fell, among the columns that had not converged.
double gain(const Point& before, const Point& after, double tolerance) {
  double largest = 0;
  for (std::size_t c = 0; c < before.h_norms.size(); ++c) {
    if (before.backward_errors[c] > tolerance) largest = std::max(largest, before.h_norms[c] / after.h_norms[c]);
  }
  return largest;
}

// One round of LSQR from `point`; overwrites its U.
Point improved(const Problem& problem, Point& point, const Values& targets, int max_iterations, int& iterations) {
  Lsqr lsqr(problem, point, targets);
  for (; !lsqr.is_done() && iterations < max_iterations; ++iterations) lsqr.step();
  Matrix<double> x = point.x.clone();
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, problem.t().view(), lsqr.solution().view(), 1.0, x.view());
  return problem.at(std::move(x));
}

Point solve(const Problem& problem, Matrix<double> start, const LeastSquaresOptions& options, FitReport& report) {
  const Values targets = problem.targets(options.tolerance);
  Point point = problem.at(std::move(start));
  report.status = Status::stalled;
  for (int round = 0; round < kMostRounds && !is_converged(point, options.tolerance); ++round) {
    if (report.iterations >= options.max_iterations) {
      report.status = Status::max_iterations;
      break;
    }
    Point next = improved(problem, point, targets, options.max_iterations, report.iterations);
    const double factor = gain(point, next, options.tolerance);
    if (factor > 1) point = std::move(next);
    if (factor < 2) break;
  }
  if (is_converged(point, options.tolerance)) report.status = Status::converged;
  return point;
}

// For each column of B the power of two that its largest entry is divided by, so that squares do not overflow.
std::vector<int> exponents_of(MatrixView<const double> b) {
  Values largest(static_cast<std::size_t>(b.cols()));
  for (Index i = 0; i < b.rows(); ++i) {
    for (Index c = 0; c < b.cols(); ++c) largest[c] = std::max(largest[c], std::abs(b(i, c)));
  }
  std::vector<int> exponents;
  for (const double x : largest) exponents.push_back(x > 0 ? std::clamp(std::ilogb(x), -1000, 1000) : 0);
  return exponents;
}

Values restored(std::string_view name, Values norms, const std::vector<int>& exponents) {
  for (std::size_t c = 0; c < norms.size(); ++c) {
    detail::restore(kLeastSquares, name, std::span(norms).subspan(c, 1), exponents[c]);
  }
  return norms;
}

// X for A and B from that for 2^-of_a A and the divided columns of B. A column that is no longer normal numbers would
// have another residual.
void restore_solution(Matrix<double>& x, const std::vector<int>& exponents, int of_a) {
  for (Index c = 0; c < x.cols(); ++c) {
    double largest = 0;
    for (Index i = 0; i < x.rows(); ++i) largest = std::max(largest, std::abs(x(i, c)));
    detail::restored(kLeastSquares, "the solution", largest, exponents[c] - of_a);
    for (Index i = 0; i < x.rows(); ++i) x(i, c) = std::ldexp(x(i, c), exponents[c] - of_a);
  }
}

double norm_of_all(const std::string& name, const Values& norms) {
  const double result = norm(norms);
  kLeastSquares.that(std::isfinite(result), [&] { return name + " overflows float64; divide b by a constant"; });
  return result;
}

// argmin ||S (A X - B)||_F
Matrix<double> sketched_solution(const detail::SketchedBasis& basis, const Matrix<double>& b) {
  const Matrix<double> sb = basis.is_sketched ? basis.embedding.apply(RowMatrix(b.view())) : b.clone();
  const Matrix<double> image = product(blas::Op::transpose, basis.sketch, sb);
  return product(blas::Op::none, basis.t, product(blas::Op::transpose, basis.t, image));
}

EmbeddingShape checked_shape(Index n, Index d, MatrixView<const double> b, const LeastSquaresOptions& options) {
  require(b.rows() == n, [&] {
    return "least_squares: b must have " + std::to_string(n) + " rows, as A has, got " + std::to_string(b.rows());
  });
  require(options.tolerance > 0 && options.tolerance < 1 && options.max_iterations >= 1, [&] {
    return "least_squares: tolerance must be in (0, 1) and max_iterations >= 1, got " +
           std::to_string(options.tolerance) + " and " + std::to_string(options.max_iterations);
  });
  const Index width = std::max<Index>(1, d);
  const Index m = options.sketch_rows == 0 ? std::clamp(3 * (n / width), 4 * width, 32 * width) : options.sketch_rows;
  const Index s = options.nonzeros == 0 ? default_nonzeros(m, width) : options.nonzeros;
  require(m >= width && s >= 1 && s <= m, [&] {
    return "least_squares: sketch_rows must be >= " + std::to_string(width) +
           " and nonzeros in [1, sketch_rows], got " + std::to_string(m) + " and " + std::to_string(s);
  });
  return {.rows = m, .nonzeros = s};
}

// With the basis of 2^-of_a A, which is `a`.
LeastSquaresResult solve_scaled(const RowMatrix& a, int of_a, const detail::SketchedBasis& basis,
                                MatrixView<const double> b, const LeastSquaresOptions& options) {
  const std::vector<int> exponents = exponents_of(b);
  Matrix<double> scaled = Matrix<double>::uninitialized(b.rows(), b.cols());
  for (Index i = 0; i < b.rows(); ++i) {
    std::ranges::transform(b.row(i), exponents, scaled.row(i).begin(),
                           [](double x, int exponent) { return std::ldexp(x, -exponent); });
  }
  const Problem problem(a, basis, scaled);

  LeastSquaresResult result;
  Point point = solve(problem, sketched_solution(basis, scaled), options, result.report);
  restore_solution(point.x, exponents, of_a);
  result.x = std::move(point.x);
  result.residual_norms = restored("the residual", std::move(point.u_norms), exponents);
  result.backward_errors = std::move(point.backward_errors);
  result.rank = basis.rank();
  result.report.initial_objective = norm_of_all("||b||_F", restored("the norm of b", problem.b_norms(), exponents));
  result.report.final_objective = norm_of_all("the residual", result.residual_norms);
  return result;
}

}  // namespace

LeastSquaresResult least_squares(const RowMatrix& a, MatrixView<const double> b, const LeastSquaresOptions& options) {
  const EmbeddingShape shape = checked_shape(a.rows(), a.cols(), b, options);
  require_finite(RowMatrix(b), "least_squares: b");
  const auto basis_of = [&](const RowMatrix& rows) {
    return detail::sketched_basis(rows, shape, options.seed, "least_squares");
  };
  const auto basis = basis_of(a);
  const double size = basis.sigma.empty() ? 0.0 : basis.sigma.front();  // about ||A||
  const int exponent = detail::input_exponent(size, detail::kOrdinaryDoubles);
  if (exponent == 0) return solve_scaled(a, 0, basis, b, options);
  const detail::ScaledMatrix scaled(a, exponent);
  const RowMatrix rows = scaled.view();
  return solve_scaled(rows, exponent, basis_of(rows), b, options);
}

}  // namespace loewner
