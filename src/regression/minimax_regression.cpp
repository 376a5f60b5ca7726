// SPDX-License-Identifier: Apache-2.0
#include "regression/minimax_regression.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "linalg/row_kernels.hpp"
#include "loewner/base/cancellation.hpp"
#include "regression/row_basis.hpp"
#include "regression/tall_products.hpp"

namespace loewner::detail {
namespace {

using Values = std::vector<double>;

constexpr double kRelativeSlack = 1e-13;  // a residual above the height by this fraction is no violation
constexpr double kSmallCoefficient = 1e-11;
constexpr Index kWorkingSetPerColumn = 8;
constexpr int kExchangesPerRow = 60;  // of the reference, within one working set

// A reference: r + 1 rows with signs s_i and weights m_i >= 0, sum m_i = 1, sum m_i s_i u_i = 0.
// The best fit of these rows alone has the residuals s_i h; the height h is a lower bound of the
// least maximum over all rows. Exchanging a row for one with a larger residual increases h
// [Stiefel1959].
class Reference {
 public:
  explicit Reference(Index rank) : basis_(rank + 1), rank_(rank) {}

  // Takes the first rows in the given order that are independent, with large angles if possible.
  // False if there are too few.
  bool start(MatrixView<const double> u, std::span<const double> b, const std::vector<Index>& order) {
    RowBasis first(rank_);
    std::vector<Index> rows;
    for (const double least_sine : {0.3, 1e-2, 1e-4, 1e-7, 1e-12}) {
      for (const Index i : order) {
        if (first.is_complete()) break;
        if (first.add(u.row(i), least_sine)) rows.push_back(i);
      }
    }
    const auto last = std::ranges::find_if(order, [&](Index i) { return std::ranges::find(rows, i) == rows.end(); });
    if (!first.is_complete() || last == order.end()) return false;
    first.factorize();
    Values weights = first.coefficients(u.row(*last));
    for (double& weight : weights) weight = -weight;
    weights.push_back(1);
    rows.push_back(*last);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0,
                                       [](double total, double weight) { return total + std::abs(weight); });
    rows_ = rows;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      signs_.push_back(weights[k] < 0 ? -1.0 : 1.0);
      weights_.push_back(std::abs(weights[k]) / sum);
      values_.push_back(signs_[k] * b[rows[k]]);
      if (!basis_.add(signed_row(u.row(rows[k]), signs_[k]), 0)) return false;
    }
    basis_.factorize();
    solve();
    return true;
  }

  // y and the height h of the reference.
  std::span<const double> y() const { return std::span(solution_).first(rank_); }
  double height() const { return solution_.back(); }

  // The dual vector, n values: s_i m_i on the rows of the reference.
  Values dual(Index n) const {
    Values z(n, 0.0);
    for (std::size_t k = 0; k < rows_.size(); ++k) z[rows_[k]] += signs_[k] * weights_[k];
    return z;
  }

  // Row i, with a residual of sign `sign`, enters the reference; false if no row can leave.
  bool exchange(Index i, std::span<const double> row, double b, double sign) {
    const Values entering = signed_row(row, sign), coefficients = basis_.coefficients(entering);
    std::optional<std::size_t> leaving;
    double ratio = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < weights_.size(); ++k) {
      if (coefficients[k] <= kSmallCoefficient) continue;
      const double candidate = weights_[k] / coefficients[k];
      if (candidate < ratio || (candidate == ratio && coefficients[k] > coefficients[*leaving])) {
        ratio = candidate;
        leaving = k;
      }
    }
    if (!leaving) return false;
    for (std::size_t k = 0; k < weights_.size(); ++k)
      weights_[k] = std::max(0.0, weights_[k] - ratio * coefficients[k]);
    rows_[*leaving] = i;
    weights_[*leaving] = ratio;
    signs_[*leaving] = sign;
    values_[*leaving] = sign * b;
    basis_.replace(static_cast<Index>(*leaving), entering, coefficients);
    solve();
    return true;
  }

 private:
  static Values signed_row(std::span<const double> row, double sign) {
    Values out(row.begin(), row.end());
    for (double& x : out) x *= sign;
    out.push_back(1);
    return out;
  }

  void solve() { solution_ = basis_.solve(values_); }

  RowBasis basis_;  // rows (s_i u_i, 1)
  Index rank_;
  std::vector<Index> rows_;
  Values signs_, weights_, values_, solution_;
};

struct Worst {
  Index row = 0;
  double residual = 0;
};

Worst worst_of(MatrixView<const double> u, std::span<const double> b, std::span<const double> y,
               const std::vector<Index>& rows) {
  Worst worst;
  for (const Index i : rows) {
    const double residual = b[i] - dot(u.row(i), y);
    if (std::abs(residual) > std::abs(worst.residual)) worst = {i, residual};
  }
  return worst;
}

// The `count` rows with the largest residuals, largest first.
std::vector<Index> largest_rows(const Values& residual, Index count) {
  std::vector<Index> order(residual.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](Index i, Index j) {
    const double a = std::abs(residual[i]), c = std::abs(residual[j]);
    return a != c ? a > c : i < j;
  });
  order.resize(count);
  return order;
}

// Exchanges rows until no residual in the working set exceeds the height.
bool improve_within(MatrixView<const double> u, std::span<const double> b, const std::vector<Index>& rows,
                    Reference& reference) {
  for (Index left = kExchangesPerRow * (u.cols() + 1); left > 0; --left) {
    throw_if_cancelled();
    const Worst worst = worst_of(u, b, reference.y(), rows);
    if (std::abs(worst.residual) <= reference.height() * (1 + kRelativeSlack)) return true;
    if (!reference.exchange(worst.row, u.row(worst.row), b[worst.row], worst.residual < 0 ? -1.0 : 1.0)) return false;
  }
  return false;
}

// A lower bound of  min over y of  ||b - U y||_inf  from z, projected on U^T z = 0. The height of a nearly singular
// reference is none.
double minimax_lower_bound(MatrixView<const double> u, std::span<const double> b, Values z) {
  const Values correction = multiply(u, multiply_transposed(u, z));
  double sum = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    z[i] -= correction[i];
    sum += std::abs(z[i]);
  }
  return sum > 0 ? dot(b, z) / sum : 0.0;
}

double largest_of(const Values& x) {
  return std::accumulate(x.begin(), x.end(), 0.0,
                         [](double most, double value) { return std::max(most, std::abs(value)); });
}

}  // namespace

BasisSolution minimax_regression(MatrixView<const double> u, std::span<const double> b, const RegressionStop& stop) {
  const Index n = u.rows(), r = u.cols(), size = std::min(n, std::max<Index>(200, kWorkingSetPerColumn * (r + 1)));
  BasisSolution solution{.y = Values(r, 0.0), .z = {}};
  Values residual(b.begin(), b.end());
  Reference reference(r);
  if (!reference.start(u, b, largest_rows(residual, n))) {
    solution.status = Status::breakdown;
    return solution;
  }
  double best = largest_of(residual);  // of y = 0
  for (; solution.iterations <= stop.max_iterations; ++solution.iterations) {
    throw_if_cancelled();
    residual = residual_of(u, b, reference.y());
    const std::vector<Index> rows = largest_rows(residual, size);
    const double worst = std::abs(residual[rows.front()]);
    if (worst < best) {
      best = worst;
      solution.y.assign(reference.y().begin(), reference.y().end());
    }
    Values z = reference.dual(n);
    const double lower_bound = minimax_lower_bound(u, b, z);
    if (lower_bound > solution.lower_bound) {
      solution.lower_bound = lower_bound;
      solution.z = std::move(z);
    }
    if (best - solution.lower_bound <= stop.tolerance * best) {
      solution.status = Status::converged;
      return solution;
    }
    const double before = reference.height();
    if (!improve_within(u, b, rows, reference) && !(reference.height() > before)) {
      solution.status = Status::stalled;
      return solution;
    }
  }
  return solution;
}

}  // namespace loewner::detail
