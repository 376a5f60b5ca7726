// SPDX-License-Identifier: Apache-2.0
#include "cluster/simplex_least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "linalg/blas.hpp"

namespace loewner::detail {
namespace {

constexpr double kProvenSum = 1000;  // of the weights over the cone, beside those found

// The weights sum to 1, or to anything.
enum class Hull { simplex, cone };

template <Hull kHull>
class ActiveSet {
 public:
  ActiveSet(const Matrix<double>& gram, std::span<const double> c, std::span<const char> allowed,
            std::vector<double> start)
      : gram_(gram), c_(c), allowed_(allowed), weights_(std::move(start)), blocked_(c.size(), 0) {
    weights_.resize(c.size(), 0.0);
  }

  SimplexMinimum solve(double tolerance) {
    start();
    const Index limit = 3 * gram_.rows() + 10;
    for (Index step = 0; step < limit && gap() > tolerance; ++step) {
      const Index entering = steepest();
      if (entering < 0) break;
      active_.push_back(entering);
      if (!settle()) blocked_[entering] = 1;
    }
    return {.weights = weights_, .gap = gap()};
  }

 private:
  // From the given weights, or from the best single vertex.
  void start() {
    for (Index j = 0; j < gram_.rows(); ++j) {
      if (weights_[j] > 0) active_.push_back(j);
    }
    if (!active_.empty()) {
      normalize();
      settle();
      return;
    }
    Index best = -1;
    for (Index j = 0; j < gram_.rows(); ++j) {
      if (!allowed_[j] || (kHull == Hull::cone && !(c_[j] > 0))) continue;
      if (best < 0 || objective_of(j) < objective_of(best)) best = j;
    }
    if (best >= 0) {
      active_ = {best};
      weights_[best] = kHull == Hull::cone ? c_[best] / gram_(best, best) : 1;
    }
    update_gradient();
  }

  // The least objective of one vertex alone.
  double objective_of(Index j) const {
    return kHull == Hull::cone ? -c_[j] * (c_[j] / gram_(j, j)) : gram_(j, j) - 2 * c_[j];
  }

  double sum_of_weights() const {
    if constexpr (kHull == Hull::simplex) return 1;
    return std::accumulate(weights_.begin(), weights_.end(), 0.0);
  }

  // Half the gradient of the objective, H w - c.
  void update_gradient() {
    gradient_.assign(c_.begin(), c_.end());
    for (double& g : gradient_) g = -g;
    for (const Index i : active_) {
      const auto row = gram_.row(i);
      for (std::size_t j = 0; j < gradient_.size(); ++j) gradient_[j] += weights_[i] * row[j];
    }
  }

  // Frank-Wolfe: f(w) - min f <= 2 (g^T w - min_j g_j), and over a cone, for sums up to s, 2 (g^T w - s min_j g_j) if
  // the minimum is negative.
  double gap() const {
    double along = 0, least = 0;
    bool first = true;
    for (std::size_t j = 0; j < gradient_.size(); ++j) {
      along += weights_[j] * gradient_[j];
      if (!allowed_[j]) continue;
      least = first ? gradient_[j] : std::min(least, gradient_[j]);
      first = false;
    }
    if constexpr (kHull == Hull::cone) least = std::min(0.0, least) * kProvenSum * sum_of_weights();
    return std::max(0.0, 2 * (along - least));
  }

  Index steepest() const {
    Index best = -1;
    for (Index j = 0; j < gram_.rows(); ++j) {
      if (!allowed_[j] || blocked_[j] || std::ranges::find(active_, j) != active_.end()) continue;
      if (kHull == Hull::cone && !(gradient_[j] < 0)) continue;
      if (best < 0 || gradient_[j] < gradient_[best]) best = j;
    }
    return best;
  }

  // The minimizer on the active vertices with weights of any sign: z = H^-1 (c + mu 1), where the sum
  // is 1 or, over a cone, mu = 0. False when the active vertices are affinely dependent.
  bool minimizer(std::vector<double>& z) const {
    const auto s = static_cast<Index>(active_.size());
    Matrix<double> factor(s, s);
    for (Index i = 0; i < s; ++i) {
      for (Index j = i; j < s; ++j) factor(i, j) = gram_(active_[i], active_[j]);
    }
    const double largest = factor(0, 0);
    if (!blas::cholesky_upper(factor.view())) return false;
    for (Index i = 0; i < s; ++i) {
      if (factor(i, i) * factor(i, i) < 1e-12 * std::max(largest, gram_(active_[i], active_[i]))) return false;
    }
    z.resize(static_cast<std::size_t>(s));
    for (Index i = 0; i < s; ++i) z[i] = c_[active_[i]];
    solve_with(factor, z);
    if constexpr (kHull == Hull::cone) return true;
    std::vector<double> ones(static_cast<std::size_t>(s), 1.0);
    solve_with(factor, ones);
    const double mu = (1 - std::accumulate(z.begin(), z.end(), 0.0)) / std::accumulate(ones.begin(), ones.end(), 0.0);
    for (Index i = 0; i < s; ++i) z[i] += mu * ones[i];
    return true;
  }

  // x <- (u^T u)^-1 x. Plain loops, since active sets are small.
  static void solve_with(const Matrix<double>& upper, std::vector<double>& x) {
    const Index s = upper.rows();
    for (Index i = 0; i < s; ++i) {
      for (Index j = 0; j < i; ++j) x[i] -= upper(j, i) * x[j];
      x[i] /= upper(i, i);
    }
    for (Index i = s - 1; i >= 0; --i) {
      for (Index j = i + 1; j < s; ++j) x[i] -= upper(i, j) * x[j];
      x[i] /= upper(i, i);
    }
  }

  // Moves towards the minimizer until a weight becomes 0; that vertex leaves, and the move is
  // repeated. False when the vertex that entered last is affinely dependent on the others; it then
  // leaves again.
  bool settle() {
    std::vector<double> z;
    const double least = 1e-15 * sum_of_weights();
    while (!active_.empty()) {
      if (!minimizer(z)) {
        weights_[active_.back()] = 0;
        active_.pop_back();
        update_gradient();
        return false;
      }
      double step = 1;
      for (std::size_t i = 0; i < active_.size(); ++i) {
        const double w = weights_[active_[i]];
        if (z[i] <= 0) step = std::min(step, w / (w - z[i]));
      }
      for (std::size_t i = 0; i < active_.size(); ++i) {
        double& w = weights_[active_[i]];
        w += step * (z[i] - w);
        if (step < 1 && z[i] <= 0 && w <= least) w = 0;
      }
      if (step == 1) break;
      // No vertex left: rounding allows no further progress.
      if (std::erase_if(active_, [&](Index j) { return weights_[j] <= 0; }) == 0) break;
    }
    normalize();
    update_gradient();
    return true;
  }

  void normalize() {
    if constexpr (kHull == Hull::cone) return;
    double sum = 0;
    for (const Index j : active_) sum += weights_[j];
    for (const Index j : active_) weights_[j] /= sum;
  }

  const Matrix<double>& gram_;
  std::span<const double> c_;
  std::span<const char> allowed_;
  std::vector<double> weights_, gradient_;
  std::vector<char> blocked_;
  std::vector<Index> active_;
};

}  // namespace

SimplexGram::SimplexGram(MatrixView<const double> vertices) : h_(vertices.rows(), vertices.rows()) {
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, vertices, vertices, 0.0, h_.view());
  for (Index i = 0; i < size(); ++i) shift_ += h_(i, i) / static_cast<double>(size());
  if (shift_ == 0) shift_ = 1;
  g_ = h_.clone();
  for (Index i = 0; i < size(); ++i) {
    for (double& x : h_.row(i)) x += shift_;
  }
}

SimplexMinimum minimize_over_simplex(const SimplexGram& gram, std::span<const double> c, std::span<const char> allowed,
                                     std::vector<double> start, double tolerance) {
  return ActiveSet<Hull::simplex>(gram.shifted(), c, allowed, std::move(start)).solve(tolerance);
}

SimplexMinimum minimize_over_cone(const SimplexGram& gram, std::span<const double> c, std::span<const char> allowed,
                                  std::vector<double> start, double tolerance) {
  return ActiveSet<Hull::cone>(gram.plain(), c, allowed, std::move(start)).solve(tolerance);
}

}  // namespace loewner::detail
