// SPDX-License-Identifier: Apache-2.0
#include "regression/l1_simplex.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>

#include "linalg/row_kernels.hpp"
#include "loewner/base/cancellation.hpp"
#include "regression/row_basis.hpp"
#include "regression/tall_products.hpp"

namespace loewner::detail {
namespace {

using Values = std::vector<double>;

constexpr double kSmallPivot = 1e-9;
constexpr double kDualSlack = 1e-11;  // |z_i| <= 1 + this counts as feasible
constexpr double kIdleStep = 1e-13;   // a shorter step does not move the point
constexpr int kIdleExchanges = 50;
constexpr int kExchangesPerRefresh = 50;  // after so many updates everything is recomputed

// r rows with residual 0. The dual is the sign of the residual on the other rows; on the r rows it
// balances the rest. If |z_k| > 1 there, removing row k from the basis decreases the objective.
class Vertex {
 public:
  // The vertex of the rows whose residual is smallest relative to the distance of the dual from its
  // bounds; nothing if fewer than r rows are independent.
  static std::optional<Vertex> nearest(const L1Problem& problem, const L1Point& point) {
    const MatrixView<const double> u = problem.u;
    Vertex vertex(problem);
    Values remoteness = residual_of(u, problem.b, point.y);
    for (std::size_t i = 0; i < remoteness.size(); ++i) {
      remoteness[i] = std::abs(remoteness[i]) / (std::abs(1 - std::abs(point.z[i])) + 1e-300);
    }
    std::vector<Index> order(u.rows());
    std::iota(order.begin(), order.end(), Index{0});
    const auto smaller = [&](Index i, Index j) {
      return remoteness[i] != remoteness[j] ? remoteness[i] < remoteness[j] : i < j;
    };
    for (Index sorted = 0, next = std::min(u.rows(), 4 * u.cols() + 100); sorted < u.rows();
         sorted = next, next = u.rows()) {
      std::partial_sort(order.begin() + sorted, order.begin() + next, order.end(), smaller);
      for (Index k = sorted; k < next && !vertex.basis_.is_complete(); ++k) {
        if (vertex.basis_.add(u.row(order[k]))) vertex.rows_.push_back(order[k]);
      }
      if (vertex.basis_.is_complete()) break;
    }
    if (!vertex.basis_.is_complete()) return std::nullopt;
    vertex.basis_.factorize();
    vertex.compute();
    return vertex;
  }

  // Exchanges rows until the dual is feasible; returns the number of exchanges. At a degenerate
  // vertex (more than r residuals are 0) exchanges need not move the point, so a limited number of
  // such exchanges is allowed.
  int improve(int max_exchanges) {
    int exchanges = 0;
    while (!is_optimal() && exchanges < max_exchanges && idle_ < kIdleExchanges && exchange(worst())) {
      throw_if_cancelled();
      ++exchanges;
    }
    return exchanges;
  }

  bool is_optimal() const { return largest_dual() <= 1 + kDualSlack; }
  const Values& y() const { return y_; }
  Values z() const {
    Values z = signs_;
    for (std::size_t k = 0; k < dual_.size(); ++k) z[rows_[k]] = dual_[k];
    return z;
  }

 private:
  explicit Vertex(const L1Problem& problem) : u_(problem.u), b_(problem.b), g_(problem.g), basis_(problem.u.cols()) {}

  Index worst() const {
    return std::ranges::max_element(dual_, {}, [](double z) { return std::abs(z); }) - dual_.begin();
  }
  double largest_dual() const { return std::abs(dual_[worst()]); }

  // Recomputes everything from the rows of the basis.
  void compute() {
    solve_for_y();
    residual_ = residual_of(u_, b_, y_);
    for (const Index row : rows_) residual_[row] = 0;
    signs_.resize(residual_.size());
    std::ranges::transform(residual_, signs_.begin(), [](double x) { return x < 0 ? -1.0 : 1.0; });
    for (const Index row : rows_) signs_[row] = 0;
    balance_ = multiply_transposed(u_, signs_);
    add_scaled(1, g_, balance_);
    set_dual();
  }

  // The residuals of the basis are 0.
  void solve_for_y() {
    Values values(rows_.size());
    for (std::size_t k = 0; k < rows_.size(); ++k) values[k] = b_[rows_[k]];
    y_ = basis_.solve(values);
  }

  void set_dual() {
    dual_ = basis_.coefficients(balance_);
    for (double& z : dual_) z = -z;
  }

  struct Breakpoint {
    double step, slope;
    Index row;
  };

  // Removes row k from the basis and moves along the edge to the minimum, a weighted median of the
  // breakpoints [BarrodaleRoberts1973]. False if no breakpoint ends the descent.
  bool exchange(Index k) {
    const double side = dual_[k] > 0 ? 1.0 : -1.0;
    const Values direction = basis_.direction(k), change = multiply(u_, direction);
    std::vector<Breakpoint> ahead;
    for (Index i = 0; i < u_.rows(); ++i) {
      const double slope = side * change[i];
      if (signs_[i] != 0 && slope * signs_[i] < 0 && std::abs(slope) > kSmallPivot) {
        ahead.push_back({std::abs(residual_[i] / slope), 2 * std::abs(slope), i});
      }
    }
    double slope = 1 - std::abs(dual_[k]);
    // A heap yields the few breakpoints that are passed without sorting all.
    const auto order = [](const Breakpoint& x) { return std::pair(x.step, x.row); };
    std::ranges::make_heap(ahead, std::greater<>{}, order);
    while (!ahead.empty()) {
      std::ranges::pop_heap(ahead, std::greater<>{}, order);
      const Breakpoint point = ahead.back();
      ahead.pop_back();
      slope += point.slope;
      if (slope >= 0) {
        enter(k, point, side, change);
        return true;
      }
      add_scaled(-2 * signs_[point.row], u_.row(point.row), balance_);
      signs_[point.row] = -signs_[point.row];
    }
    return false;
  }

  // Row `point.row` replaces row k; the residual of row k gets the sign `side`.
  void enter(Index k, const Breakpoint& point, double side, const Values& change) {
    idle_ = point.step < kIdleStep ? idle_ + 1 : 0;
    add_scaled(side * point.step, change, residual_);
    const Index leaving = rows_[k];
    signs_[leaving] = side;
    add_scaled(side, u_.row(leaving), balance_);
    add_scaled(-signs_[point.row], u_.row(point.row), balance_);
    signs_[point.row] = 0;
    rows_[k] = point.row;
    const Values coefficients = basis_.coefficients(u_.row(point.row));
    basis_.replace(k, u_.row(point.row), coefficients);
    if (++exchanges_ % kExchangesPerRefresh == 0) return compute();
    residual_[point.row] = 0;
    solve_for_y();
    set_dual();
  }

  MatrixView<const double> u_;
  std::span<const double> b_;
  const Values& g_;
  RowBasis basis_;
  std::vector<Index> rows_;
  Values y_, residual_, signs_, dual_;
  Values balance_;  // g + sum of the rows outside the basis times their signs
  int exchanges_ = 0;
  int idle_ = 0;  // exchanges since the point last moved
};

}  // namespace

BasisSolution l1_simplex(MatrixView<const double> u, std::span<const double> b, std::span<const double> y,
                         std::span<const double> z, const RegressionStop& stop) {
  BasisSolution solution{.y = {y.begin(), y.end()}, .z = {}, .status = Status::breakdown};
  const L1Problem problem = l1_problem(u, b);
  auto vertex = Vertex::nearest(problem, {.y = solution.y, .z = {z.begin(), z.end()}});
  if (!vertex) return solution;
  solution.iterations = vertex->improve(stop.max_iterations);
  solution.y = vertex->y();
  solution.z = vertex->z();
  solution.lower_bound = l1_lower_bound(u, b, solution.z);
  const bool limited = solution.iterations >= stop.max_iterations;
  solution.status = vertex->is_optimal() ? Status::converged : limited ? Status::max_iterations : Status::stalled;
  return solution;
}

L1Point moved_to_vertex(const L1Problem& problem, L1Point point, int max_iterations) {
  auto vertex = Vertex::nearest(problem, point);
  if (!vertex) return point;
  point.iterations += vertex->improve(std::max(0, max_iterations - point.iterations));
  if (!vertex->is_optimal()) return point;
  return {.y = vertex->y(), .z = vertex->z(), .iterations = point.iterations, .is_optimal_vertex = true};
}

}  // namespace loewner::detail
