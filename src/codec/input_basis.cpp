// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/input_basis.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/parallel.hpp"

namespace loewner {
namespace {

constexpr Index kRowsOfTask = 128;

const detail::ArgumentCheck kCheck("InputBasis");

void require_moment(MatrixView<const double> a, Index inputs, const std::string& name) {
  kCheck.that(a.rows() == inputs && a.cols() == inputs && inputs >= 1, [&] {
    return name + " must be " + detail::shape_text(inputs, inputs) + ", got " + detail::shape_text(a.rows(), a.cols());
  });
  for (Index i = 0; i < a.rows(); ++i) {
    const auto bad = std::ranges::find_if_not(a.row(i), [](double x) { return std::isfinite(x); });
    kCheck.that(bad == a.row(i).end(), [&] {
      return name + " have a non-finite value at row " + detail::text_of(i) + ", column " +
             detail::text_of(bad - a.row(i).begin());
    });
  }
}

// To eps32 of the diagonal, because files store moments in float32.
void require_symmetric(MatrixView<const double> a) {
  constexpr double kTolerance = 1e-6;
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < i; ++j) {
      const double scale = std::sqrt(std::abs(a(i, i))) * std::sqrt(std::abs(a(j, j)));
      kCheck.that(std::abs(a(i, j) - a(j, i)) <= kTolerance * scale, [&] {
        return "second moments must be symmetric, got " + detail::text_of(a(i, j)) + " and " +
               detail::text_of(a(j, i)) + " at (" + detail::text_of(i) + ", " + detail::text_of(j) + ") and its mirror";
      });
    }
  }
}

// The roots of H multiply entries of float32. An even exponent keeps its digits.
int exponent_of(MatrixView<const double> second) {
  double largest = 0;
  for (Index i = 0; i < second.rows(); ++i) largest = std::max(largest, second(i, i));
  const int exponent = detail::input_exponent(largest, detail::kOrdinaryFloats);
  return exponent - exponent % 2;
}

Matrix<double> divided(const Matrix<double>& a, int exponent) {
  Matrix<double> result = a.clone();
  if (exponent == 0) return result;
  for (Index i = 0; i < a.rows(); ++i) {
    for (double& x : result.row(i)) x = std::ldexp(x, -exponent);
  }
  return result;
}

void require_order(std::vector<Index> order, Index inputs) {
  std::ranges::sort(order);
  bool is_complete = static_cast<Index>(order.size()) == inputs;
  for (Index i = 0; is_complete && i < inputs; ++i) is_complete = order[i] == i;
  kCheck.that(is_complete,
              [&] { return "the order must name each of the " + detail::text_of(inputs) + " inputs once"; });
}

double mean_diagonal(MatrixView<const double> a) {
  double sum = 0;
  for (Index i = 0; i < a.rows(); ++i) sum += a(i, i);
  return sum / static_cast<double>(a.rows());
}

// Inputs that are always zero leave nothing to weigh errors by: all count alike.
double damping_of(MatrixView<const double> second, double relative) {
  const double mean = mean_diagonal(second);
  return mean > 0 ? relative * mean : 1.0;
}

void rotate_rows(MatrixView<double> a, const Rotation& rotation) {
  parallel_for((a.rows() + kRowsOfTask - 1) / kRowsOfTask, [&](Index task) {
    for (Index i = task * kRowsOfTask; i < std::min((task + 1) * kRowsOfTask, a.rows()); ++i) rotation.apply(a.row(i));
  });
}

}  // namespace

InputBasis::InputBasis(const InputMoments& moments, const InputBasisOptions& options)
    : rotation_seed_(options.rotation_seed) {
  const Index d = moments.inputs();
  require_moment(moments.second.view(), d, "second moments");
  require_symmetric(moments.second.view());
  kCheck.number(options.damping >= 0 && std::isfinite(options.damping), "damping", "finite and at least 0",
                options.damping);
  kCheck.number(moments.correction >= 0 && moments.correction <= 1, "correction", "in [0, 1]", moments.correction);
  if (rotation_seed_) rotation_.emplace(d, *rotation_seed_);
  exponent_ = exponent_of(moments.second.view());
  Matrix<double> damped = divided(moments.second, exponent_);
  damping_ = damping_of(damped.view(), options.damping);
  for (Index i = 0; i < d; ++i) damped(i, i) += damping_;
  factor_ = rotated(std::move(damped));
  if (options.order) {
    require_order(*options.order, d);
    order_ = *options.order;
    factor_ = ordered(factor_.view());
  }
  const bool is_definite =
      options.order ? blas::cholesky_upper(factor_.view()) : blas::pivoted_cholesky_upper(factor_.view(), order_);
  kCheck.that(is_definite,
              [] { return std::string("second moments must be positive semidefinite; a larger damping may help"); });
  for (Index j = 0; j < d; ++j) pivots_.push_back(factor_(j, j) * factor_(j, j));
  if (!has_correction(moments)) return;
  require_moment(moments.cross.view(), d, "cross moments");
  Matrix<double> drift = divided(moments.cross, exponent_);
  for (Index i = 0; i < d; ++i) {
    for (Index j = 0; j < d; ++j) {
      drift(i, j) = moments.correction * (drift(i, j) - std::ldexp(moments.second(i, j), -exponent_));
    }
  }
  drift = rotated(std::move(drift));
  drift_ = ordered(drift.view());
}

// R A R^T
Matrix<double> InputBasis::rotated(Matrix<double> a) const {
  if (!rotation_) return a;
  detail::transpose_in_place(a.view());
  rotate_rows(a.view(), *rotation_);
  detail::transpose_in_place(a.view());
  rotate_rows(a.view(), *rotation_);
  return a;
}

// P A P^T
Matrix<double> InputBasis::ordered(MatrixView<const double> a) const {
  Matrix<double> result = Matrix<double>::uninitialized(size(), size());
  parallel_for(size(), [&](Index i) {
    const auto row = a.row(order_[i]);
    std::ranges::transform(order_, result.row(i).begin(), [&](Index j) { return row[j]; });
  });
  return result;
}

// The correction as one matrix, drift (L D L^T)^-1, if there are more outputs than inputs; else nothing.
Matrix<double> InputBasis::correction_matrix(Index outputs) const {
  Matrix<double> change;
  if (drift_.rows() == 0 || outputs <= size()) return change;
  change = drift_.clone();
  solve(change.view());
  return change;
}

// Rows a (L D L^T)^-1
void InputBasis::solve(MatrixView<double> rows) const {
  blas::solve_upper_from_right(factor_.view(), rows);
  blas::solve_upper_from_right(factor_.view(), rows, blas::Op::transpose);
}

// Rows of W in these coordinates: w += w drift (L D L^T)^-1.
void InputBasis::correct(MatrixView<float> rows, MatrixView<const double> correction) const {
  const Matrix<double> w = detail::widened(MatrixView<const float>(rows));
  Matrix<double> change = Matrix<double>::uninitialized(rows.rows(), size());
  const bool is_solved = !correction.empty();
  const auto factor = is_solved ? correction : drift_.view();
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, w.view(), factor, 0.0, change.view());
  if (!is_solved) solve(change.view());
  for (Index i = 0; i < rows.rows(); ++i) {
    for (Index j = 0; j < size(); ++j) rows(i, j) = static_cast<float>(w(i, j) + change(i, j));
  }
}

Matrix<float> InputBasis::coordinates(const RowSource& w, InputSide inputs) const {
  if (inputs == InputSide::rows) {
    const Matrix<float> stored = read_all(w);
    const Matrix<float> by_output = detail::transposed(stored.view());
    return coordinates(DenseRows(by_output.view()), InputSide::cols);
  }
  kCheck.that(w.cols() == size(), [&] {
    return "the matrix must have " + detail::text_of(size()) + " inputs, got " + detail::text_of(w.cols());
  });
  kCheck.finite(w);
  const Matrix<double> correction = correction_matrix(w.rows());
  Matrix<float> result = Matrix<float>::uninitialized(size(), w.rows());
  parallel_for((w.rows() + kRowsOfTask - 1) / kRowsOfTask, [&](Index task) {
    const Index first = task * kRowsOfTask, count = std::min(kRowsOfTask, w.rows() - first);
    Matrix<float> buffer, rows = Matrix<float>::uninitialized(count, size());
    const auto given = w.read_rows(first, count, buffer);
    std::vector<float> row(static_cast<std::size_t>(size()));
    for (Index i = 0; i < count; ++i) {
      std::ranges::copy(given.row(i), row.begin());
      if (rotation_) rotation_->apply(row);
      std::ranges::transform(order_, rows.row(i).begin(), [&](Index j) { return row[j]; });
    }
    if (drift_.rows() > 0) correct(rows.view(), correction.view());
    detail::transpose_into(std::as_const(rows).view(), result.view().col_block(first, count));
  });
  return result;
}

}  // namespace loewner
