// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/random.hpp"

namespace loewner::test {

/// matrix^-1 b by Gaussian elimination without pivoting, for positive definite matrices.
inline std::vector<double> solve_spd(const Matrix<double>& matrix, std::vector<double> b) {
  Matrix<double> m = matrix.clone();
  const Index d = m.rows();
  for (Index k = 0; k < d; ++k) {
    for (Index i = k + 1; i < d; ++i) {
      const double factor = m(i, k) / m(k, k);
      for (Index j = k; j < d; ++j) m(i, j) -= factor * m(k, j);
      b[i] -= factor * b[k];
    }
  }
  for (Index i = d - 1; i >= 0; --i) {
    for (Index j = i + 1; j < d; ++j) b[i] -= m(i, j) * b[j];
    b[i] /= m(i, i);
  }
  return b;
}

/// The range of ||A x||_p / ||x||_Q, ||A x||_p^p = sum_i u_i |a_i^T x|^p, from a local search: largest / smallest is a
/// lower bound of the distortion of Q. Plain loops, independent of the library's linear algebra.
class EllipsoidSearch {
 public:
  struct Range {
    double smallest = 0, largest = 0;
    double distortion() const { return largest / smallest; }
  };

  EllipsoidSearch(const Matrix<float>& a, const Matrix<double>& q, double p, std::vector<double> row_weights = {})
      : a_(a), q_(q), p_(p), u_(std::move(row_weights)) {
    if (u_.empty()) u_.assign(a.rows(), 1.0);
  }

  /// Starts from `starts` random directions and as many single rows, with `steps` steps up and down from each.
  Range run(int starts, int steps) const {
    RandomStream random(1, RandomPurpose::test_data, 1000);
    Range range{.smallest = 1e300, .largest = 0};
    for (int start = 0; start < 2 * starts; ++start) {
      std::vector<double> x(a_.cols());
      for (double& v : x) v = random.normal();
      if (start >= starts) x = solve_spd(q_, row(static_cast<Index>(random.below(a_.rows()))));
      range.largest = std::max(range.largest, climb(x, steps, +1));
      range.smallest = std::min(range.smallest, climb(x, steps, -1));
    }
    return range;
  }

  double ratio(std::span<const double> x) const {
    double norm = 0;
    for (Index i = 0; i < a_.rows(); ++i) norm += u_[i] * std::pow(std::abs(dot(i, x)), p_);
    return std::pow(norm, 1 / p_) / std::sqrt(inner(x, times_q(x)));
  }

 private:
  // A stationary point x of the ratio solves A^T U |Ax|^(p-2) A x = lambda Q x. Its maximum is approached by solving
  // with Q (a convex function on an ellipsoid: never decreases), its minimum by solving with the reweighted Gram
  // matrix.
  double climb(std::vector<double> x, int steps, int direction) const {
    double best = ratio(x);
    for (int step = 0; step < steps; ++step) {
      auto next = direction > 0 ? solve_spd(q_, gradient(x)) : solve_spd(reweighted_gram(x), times_q(x));
      scale_to_ellipsoid(next);
      scale_to_ellipsoid(x);
      bool moved = false;
      for (int halving = 0; halving < 6 && !moved; ++halving) {
        const double value = ratio(next);
        moved = direction > 0 ? value > best : value < best;
        if (moved) best = value;
        if (!moved) std::ranges::transform(next, x, next.begin(), [](double y, double z) { return 0.5 * (y + z); });
      }
      if (!moved) break;
      x = next;
    }
    return best;
  }

  std::vector<double> row(Index i) const { return {a_.row(i).begin(), a_.row(i).end()}; }
  double dot(Index i, std::span<const double> x) const {
    double sum = 0;
    for (Index j = 0; j < a_.cols(); ++j) sum += static_cast<double>(a_(i, j)) * x[j];
    return sum;
  }
  static double inner(std::span<const double> x, std::span<const double> y) {
    double sum = 0;
    for (std::size_t j = 0; j < x.size(); ++j) sum += x[j] * y[j];
    return sum;
  }
  std::vector<double> times_q(std::span<const double> x) const {
    std::vector<double> y(x.size());
    for (Index i = 0; i < q_.rows(); ++i) y[i] = inner(q_.row(i), x);
    return y;
  }
  void scale_to_ellipsoid(std::vector<double>& x) const {
    const double norm = std::sqrt(inner(x, times_q(x)));
    for (double& v : x) v /= norm;
  }
  std::vector<double> gradient(std::span<const double> x) const {
    std::vector<double> g(x.size(), 0.0);
    for (Index i = 0; i < a_.rows(); ++i) {
      const double y = dot(i, x), slope = u_[i] * std::copysign(std::pow(std::abs(y), p_ - 1), y);
      for (Index j = 0; j < a_.cols(); ++j) g[j] += slope * static_cast<double>(a_(i, j));
    }
    return g;
  }
  Matrix<double> reweighted_gram(std::span<const double> x) const {
    std::vector<double> y(a_.rows());
    double mean = 0;
    for (Index i = 0; i < a_.rows(); ++i) mean += std::abs(y[i] = dot(i, x)) / static_cast<double>(a_.rows());
    Matrix<double> g(a_.cols(), a_.cols());
    for (Index i = 0; i < a_.rows(); ++i) {
      const double weight = u_[i] * std::pow(y[i] * y[i] + 1e-4 * mean * mean, p_ / 2 - 1);
      for (Index j = 0; j < a_.cols(); ++j) {
        const double scaled = weight * static_cast<double>(a_(i, j));
        for (Index l = 0; l < a_.cols(); ++l) g(j, l) += scaled * static_cast<double>(a_(i, l));
      }
    }
    return g;
  }
  const Matrix<float>& a_;
  const Matrix<double>& q_;
  double p_;
  std::vector<double> u_;
};

}  // namespace loewner::test
