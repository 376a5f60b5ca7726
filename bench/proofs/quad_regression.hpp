// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quadmath.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "loewner/base/matrix.hpp"

// l_p regression in IEEE quadruple precision, 34 digits and exponents to +-4932, as a reference: slow, for small systems.
namespace loewner::proofs {

__extension__ typedef __float128 Quad;
using QuadVector = std::vector<Quad>;

struct System {
  Matrix<double> a, b;          // n x d, n x 1
  std::vector<double> weights;  // of rows; empty: ones
  double p = 1;
};

/// (sum_i u_i |a_i^T x - b_i|^p)^(1/p), or max_i u_i |a_i^T x - b_i|, and the largest weighted residual.
struct QuadObjective {
  Quad value = 0, largest = 0;
};

class QuadRegression {
 public:
  explicit QuadRegression(const System& system) : system_(system), n_(system.a.rows()), d_(system.a.cols()) {
    for (Index i = 0; i < n_; ++i) {
      const Quad u = system.weights.empty() ? 1.0 : system.weights[i];
      scales_.push_back(u == 0 || std::isinf(system.p) ? u : powq(u, Quad(1) / system.p));
    }
  }

  QuadObjective objective(const QuadVector& x) const { return norm_of(residual(x), system_.p); }

  /// The least objective that a few methods find: no proof of optimality. least_pivot: columns whose distance from the
  /// span of the others is below this fraction of their length are dropped.
  QuadVector solution(Quad least_pivot) {
    orthonormalize(least_pivot);
    QuadVector best(d_, 0);
    Quad least = objective(best).value;
    const auto take = [&](const QuadVector& y) {
      const QuadVector x = coefficients(y);
      const Quad value = objective(x).value;
      if (value < least) {
        least = value;
        best = x;
      }
    };
    QuadVector y = least_squares();
    take(y);
    const double last = std::isinf(system_.p) ? 64 : system_.p;
    if (last > 2) {
      for (double p = 2; p < last; p = std::min(last, 1.6 * p)) take(y = improved(y, std::min(last, 1.6 * p), 0));
    } else if (last < 2) {
      const QuadVector rest = basis_residual(y);
      Quad size = 0;
      for (const Quad r : rest) size = std::max(size, fabsq(r));
      for (int step = 1; step < 14; ++step) take(y = improved(y, last, size * powq(Quad(10), -step)));
      if (last == 1) take(vertex(y));
    }
    return best;
  }

  Index rank() const { return static_cast<Index>(q_.size()); }

 private:
  static QuadObjective norm_of(const QuadVector& r, double p) {
    QuadObjective out;
    for (const Quad value : r) out.largest = std::max(out.largest, fabsq(value));
    out.value = out.largest;
    if (out.largest == 0 || std::isinf(p)) return out;
    Quad sum = 0;
    for (const Quad value : r) sum += value == 0 ? Quad(0) : powq(fabsq(value) / out.largest, p);
    out.value = out.largest * powq(sum, Quad(1) / p);
    return out;
  }

  QuadVector residual(const QuadVector& x) const {
    QuadVector r(n_);
    for (Index i = 0; i < n_; ++i) {
      Quad value = system_.b(i, 0);
      for (Index j = 0; j < d_; ++j) value -= Quad(system_.a(i, j)) * x[j];
      r[i] = scales_[i] * value;
    }
    return r;
  }

  static Quad dot(const QuadVector& x, const QuadVector& y) {
    Quad sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
    return sum;
  }

  // Gram-Schmidt with column pivoting, each column orthogonalized twice: S A P = Q R.
  void orthonormalize(Quad least_pivot) {
    std::vector<QuadVector> columns(d_, QuadVector(n_));
    for (Index j = 0; j < d_; ++j) {
      for (Index i = 0; i < n_; ++i) columns[j][i] = scales_[i] * Quad(system_.a(i, j));
      const Quad length = sqrtq(dot(columns[j], columns[j]));
      lengths_.push_back(length > 0 ? length : Quad(1));
      for (Quad& x : columns[j]) x /= lengths_[j];
      order_.push_back(j);
    }
    r_.assign(d_, QuadVector(d_, 0));
    for (Index k = 0; k < std::min(n_, d_); ++k) {
      Index pivot = k;
      Quad longest = -1;
      for (Index j = k; j < d_; ++j) {
        const Quad length = dot(columns[order_[j]], columns[order_[j]]);
        if (length > longest) {
          longest = length;
          pivot = j;
        }
      }
      std::swap(order_[k], order_[pivot]);
      for (Index i = 0; i < k; ++i) std::swap(r_[i][k], r_[i][pivot]);
      QuadVector& q = columns[order_[k]];
      for (Index i = 0; i < k; ++i) {
        const Quad part = dot(q_[i], q);
        r_[i][k] += part;
        for (Index row = 0; row < n_; ++row) q[row] -= part * q_[i][row];
      }
      const Quad length = sqrtq(dot(q, q));
      if (!(length > least_pivot)) break;
      r_[k][k] = length;
      for (Quad& x : q) x /= length;
      q_.push_back(q);
      for (Index j = k + 1; j < d_; ++j) {
        QuadVector& column = columns[order_[j]];
        const Quad part = dot(q, column);
        r_[k][j] += part;
        for (Index row = 0; row < n_; ++row) column[row] -= part * q[row];
      }
    }
  }

  QuadVector coefficients(const QuadVector& y) const {
    QuadVector x(d_, 0), z = y;
    for (Index k = rank() - 1; k >= 0; --k) {
      for (Index j = k + 1; j < rank(); ++j) z[k] -= r_[k][j] * z[j];
      z[k] /= r_[k][k];
      x[order_[k]] = z[k] / lengths_[order_[k]];
    }
    return x;
  }

  QuadVector basis_residual(const QuadVector& y) const {
    QuadVector r(n_);
    for (Index i = 0; i < n_; ++i) {
      r[i] = scales_[i] * Quad(system_.b(i, 0));
      for (Index k = 0; k < rank(); ++k) r[i] -= q_[k][i] * y[k];
    }
    return r;
  }

  QuadVector least_squares() const {
    QuadVector y(rank(), 0);
    for (int pass = 0; pass < 2; ++pass) {
      const QuadVector rest = basis_residual(y);
      for (Index k = 0; k < rank(); ++k) y[k] += dot(q_[k], rest);
    }
    return y;
  }

  // G y = c by Gaussian elimination with partial pivoting; false if G is singular.
  static bool solve(std::vector<QuadVector> g, QuadVector c, QuadVector& y) {
    const std::size_t r = c.size();
    for (std::size_t k = 0; k < r; ++k) {
      std::size_t pivot = k;
      for (std::size_t i = k; i < r; ++i) {
        if (fabsq(g[i][k]) > fabsq(g[pivot][k])) pivot = i;
      }
      if (!(fabsq(g[pivot][k]) > 0)) return false;
      std::swap(g[k], g[pivot]);
      std::swap(c[k], c[pivot]);
      for (std::size_t i = k + 1; i < r; ++i) {
        const Quad factor = g[i][k] / g[k][k];
        for (std::size_t j = k; j < r; ++j) g[i][j] -= factor * g[k][j];
        c[i] -= factor * c[k];
      }
    }
    y = c;
    for (std::size_t k = r; k-- > 0;) {
      for (std::size_t j = k + 1; j < r; ++j) y[k] -= g[k][j] * y[j];
      y[k] /= g[k][k];
    }
    return true;
  }

  // Newton steps on sum (r^2 + e^2)^(p/2), halved until it falls.
  QuadVector improved(QuadVector y, double p, Quad e) const {
    const auto value_of = [&](const QuadVector& r, Quad size) {
      Quad sum = 0;
      for (const Quad x : r) {
        const Quad s = (x * x + e * e) / (size * size);
        if (s > 0) sum += powq(s, Quad(p) / 2);
      }
      return sum;
    };
    for (int step = 0; step < 12; ++step) {
      const QuadVector r = basis_residual(y);
      Quad size = 0;
      for (const Quad x : r) size = std::max(size, fabsq(x));
      if (size == 0) return y;
      std::vector<QuadVector> hessian(rank(), QuadVector(rank(), 0));
      QuadVector gradient(rank(), 0), change;
      for (Index i = 0; i < n_; ++i) {
        const Quad s = (r[i] * r[i] + e * e) / (size * size);
        if (s == 0) continue;
        const Quad w = powq(s, Quad(p) / 2 - 1), h = w * (1 + (p - 2) * r[i] * r[i] / (s * size * size));
        for (Index k = 0; k < rank(); ++k) {
          gradient[k] += w * r[i] * q_[k][i];
          for (Index l = 0; l < rank(); ++l) hessian[k][l] += h * q_[k][i] * q_[l][i];
        }
      }
      if (!solve(hessian, gradient, change)) return y;
      const Quad before = value_of(r, size);
      bool improves = false;
      for (Quad length = 1; length > 1e-4Q && !improves; length /= 2) {
        QuadVector next = y;
        for (Index k = 0; k < rank(); ++k) next[k] += length * change[k];
        const Quad after = value_of(basis_residual(next), size);
        if (!(after < before)) continue;
        improves = true;
        y = next;
        if (after > before * (1 - 1e-16Q)) return y;
      }
      if (!improves) return y;
    }
    return y;
  }

  // The point that fits the rank() independent rows with the smallest residuals exactly.
  QuadVector vertex(const QuadVector& y) const {
    const QuadVector r = basis_residual(y);
    std::vector<Index> order(n_);
    for (Index i = 0; i < n_; ++i) order[i] = i;
    std::ranges::sort(order, [&](Index i, Index j) { return fabsq(r[i]) < fabsq(r[j]); });
    std::vector<QuadVector> rows, orthogonal;
    QuadVector values;
    for (const Index i : order) {
      QuadVector row(rank());
      for (Index k = 0; k < rank(); ++k) row[k] = q_[k][i];
      QuadVector rest = row;
      const Quad before = sqrtq(dot(rest, rest));
      for (int pass = 0; pass < 2; ++pass) {
        for (const QuadVector& other : orthogonal) {
          const Quad part = dot(other, rest);
          for (Index k = 0; k < rank(); ++k) rest[k] -= part * other[k];
        }
      }
      const Quad after = sqrtq(dot(rest, rest));
      if (!(after > 1e-12Q * before)) continue;
      for (Quad& x : rest) x /= after;
      orthogonal.push_back(rest);
      rows.push_back(row);
      values.push_back(scales_[i] * Quad(system_.b(i, 0)));
      if (static_cast<Index>(rows.size()) == rank()) break;
    }
    QuadVector solved = y;
    if (static_cast<Index>(rows.size()) == rank()) solve(rows, values, solved);
    return solved;
  }

  const System& system_;
  Index n_, d_;
  QuadVector scales_, lengths_;
  std::vector<QuadVector> q_, r_;
  std::vector<Index> order_;
};

}  // namespace loewner::proofs
