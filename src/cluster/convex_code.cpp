// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/convex_code.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "linalg/blas.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "sketch/sketched_basis.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerBlock = 256;

// min over the simplex of  w^T H w - 2 c^T w.  All that a row needs of the vertices.
class SimplexProblem {
 public:
  // H plus a multiple of the matrix of ones: on the simplex a constant, and definite where the vertices are affinely
  // independent, even if they are linearly dependent.
  explicit SimplexProblem(MatrixView<const double> vertices) : h_(vertices.rows(), vertices.rows()) {
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, vertices, vertices, 0.0, h_.view());
    for (Index i = 0; i < size(); ++i) shift_ += h_(i, i) / static_cast<double>(size());
    if (shift_ == 0) shift_ = 1;
    for (Index i = 0; i < size(); ++i) {
      for (double& x : h_.row(i)) x += shift_;
    }
  }

  Index size() const { return h_.rows(); }
  double shift() const { return shift_; }
  std::span<const double> row(Index i) const { return h_.row(i); }
  double at(Index i, Index j) const { return h_(i, j); }

 private:
  Matrix<double> h_;
  double shift_ = 0;
};

// One row's weights, step by step.
class ActiveSet {
 public:
  // From weights of allowed vertices that some problem near to this one has, or from none.
  ActiveSet(const SimplexProblem& problem, std::span<const double> c, std::span<const char> allowed,
            std::vector<double> weights)
      : problem_(problem), c_(c), allowed_(allowed), weights_(std::move(weights)), blocked_(c.size(), 0) {
    weights_.resize(c.size(), 0.0);
  }

  // Ends when the gap is below `tolerance` (in units of the objective) or nothing can be done.
  double solve(double tolerance) {
    start();
    const Index limit = 3 * problem_.size() + 10;
    for (Index step = 0; step < limit && gap() > tolerance; ++step) {
      const Index entering = steepest();
      if (entering < 0) break;
      active_.push_back(entering);
      if (!settle()) blocked_[entering] = 1;
    }
    return gap();
  }
  const std::vector<double>& weights() const { return weights_; }

 private:
  // The weights given, or the nearest vertex.
  void start() {
    for (Index j = 0; j < problem_.size(); ++j) {
      if (weights_[j] > 0) active_.push_back(j);
    }
    if (!active_.empty()) {
      normalise();
      settle();
      return;
    }
    Index best = -1;
    for (Index j = 0; j < problem_.size(); ++j) {
      if (!allowed_[j]) continue;
      if (best < 0 || problem_.at(j, j) - 2 * c_[j] < problem_.at(best, best) - 2 * c_[best]) best = j;
    }
    active_ = {best};
    weights_[best] = 1;
    update_gradient();
  }

  // Half of the objective's gradient, H w - c.
  void update_gradient() {
    gradient_.assign(c_.begin(), c_.end());
    for (double& g : gradient_) g = -g;
    for (const Index i : active_) {
      const auto row = problem_.row(i);
      for (std::size_t j = 0; j < gradient_.size(); ++j) gradient_[j] += weights_[i] * row[j];
    }
  }

  // Frank-Wolfe: f(w) - min f <= 2 (g^T w - min_j g_j).
  double gap() const {
    double along = 0, least = 0;
    bool first = true;
    for (std::size_t j = 0; j < gradient_.size(); ++j) {
      along += weights_[j] * gradient_[j];
      if (!allowed_[j]) continue;
      least = first ? gradient_[j] : std::min(least, gradient_[j]);
      first = false;
    }
    return std::max(0.0, 2 * (along - least));
  }

  Index steepest() const {
    Index best = -1;
    for (Index j = 0; j < problem_.size(); ++j) {
      if (!allowed_[j] || blocked_[j] || std::ranges::find(active_, j) != active_.end()) continue;
      if (best < 0 || gradient_[j] < gradient_[best]) best = j;
    }
    return best;
  }

  // The minimiser on the active vertices alone, weights of any sign: z = H^-1 (c + mu 1), 1^T z = 1. Nothing when they
  // are affinely dependent.
  bool minimiser(std::vector<double>& z) const {
    const auto s = static_cast<Index>(active_.size());
    Matrix<double> factor(s, s);
    for (Index i = 0; i < s; ++i) {
      for (Index j = i; j < s; ++j) factor(i, j) = problem_.at(active_[i], active_[j]);
    }
    const double largest = factor(0, 0);
    if (!blas::cholesky_upper(factor.view())) return false;
    for (Index i = 0; i < s; ++i) {
      if (factor(i, i) * factor(i, i) < 1e-12 * std::max(largest, problem_.at(active_[i], active_[i]))) return false;
    }
    std::vector<double> ones(static_cast<std::size_t>(s), 1.0), right(static_cast<std::size_t>(s));
    for (Index i = 0; i < s; ++i) right[i] = c_[active_[i]];
    solve_with(factor, right);
    solve_with(factor, ones);
    const double mu =
        (1 - std::accumulate(right.begin(), right.end(), 0.0)) / std::accumulate(ones.begin(), ones.end(), 0.0);
    z.resize(static_cast<std::size_t>(s));
    for (Index i = 0; i < s; ++i) z[i] = right[i] + mu * ones[i];
    return true;
  }

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

  // Moves to the minimiser, as far as weights stay positive; vertices whose weight becomes 0 leave. False when the last
  // one that came in depends on the others: it leaves again.
  bool settle() {
    std::vector<double> z;
    while (true) {
      if (!minimiser(z)) {
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
        if (step < 1 && z[i] <= 0 && w <= 1e-15) w = 0;
      }
      if (step == 1) break;
      if (std::erase_if(active_, [&](Index j) { return weights_[j] <= 0; }) == 0) break;  // rounding: no progress left
    }
    normalise();
    update_gradient();
    return true;
  }

  void normalise() {
    double sum = 0;
    for (const Index j : active_) sum += weights_[j];
    for (const Index j : active_) weights_[j] /= sum;
  }

  const SimplexProblem& problem_;
  std::span<const double> c_;
  std::span<const char> allowed_;
  std::vector<double> weights_, gradient_;
  std::vector<char> blocked_;
  std::vector<Index> active_;
};

struct RowCode {
  std::vector<std::int32_t> columns;
  std::vector<double> weights;
  double scale = 1, squared_distance = 0, gap = 0;
};

std::vector<char> largest_weights(const std::vector<double>& weights, Index count) {
  std::vector<Index> order(weights.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::nth_element(order, order.begin() + (count - 1), [&](Index a, Index b) {
    return weights[a] != weights[b] ? weights[a] > weights[b] : a < b;
  });
  std::vector<char> kept(weights.size(), 0);
  for (Index i = 0; i < count; ++i) kept[order[i]] = weights[order[i]] > 0;
  return kept;
}

// Weights and scale of one row, from its products with the vertices.
class RowCoder {
 public:
  RowCoder(const SimplexProblem& problem, std::span<const double> products, double squared_norm,
           const ConvexCodeOptions& options)
      : problem_(problem), products_(products), squared_norm_(squared_norm), options_(options) {}

  RowCode code() {
    if (options_.scaled && squared_norm_ > 0) scale_ = std::sqrt(squared_norm_ / problem_.shift());
    fit(std::vector<char>(products_.size(), 1), options_.sparsity > 0 ? kForVertices : kForWeights);
    const auto used = std::ranges::count_if(weights_, [](double w) { return w > 0; });
    if (options_.sparsity > 0 && (options_.scaled || used > options_.sparsity)) {
      fit(largest_weights(weights_, std::min<Index>(used, options_.sparsity)), kForWeights);
    }
    return result();
  }

 private:
  // When the scale is near enough.
  struct Rounds {
    int most;
    double stands_still;  // relative change
  };
  static constexpr Rounds kForVertices{5, 1e-2};  // which of them are taken hardly changes after
  static constexpr Rounds kForWeights{30, 1e-6};

  // The weights at the scale, then the scale, in turn.
  void fit(const std::vector<char>& allowed, const Rounds& rounds) {
    for (int round = 1;; ++round) {
      solve(allowed);
      if (!options_.scaled || round == rounds.most) return;
      const double before = scale_, scale = best_scale();
      if (!(scale > 0) || std::abs(scale - before) <= rounds.stands_still * before) return;
      scale_ = scale;
    }
  }

  void solve(const std::vector<char>& allowed) {
    std::vector<double> c(products_.begin(), products_.end());
    // the shift of H on the simplex, so that gradients stay those of the distance
    for (double& x : c) x = x / scale_ + problem_.shift();
    for (std::size_t j = 0; j < weights_.size(); ++j) {
      if (!allowed[j]) weights_[j] = 0;
    }
    ActiveSet set(problem_, c, allowed, std::move(weights_));
    gap_ = set.solve(options_.gap * squared_norm_ / (scale_ * scale_)) * scale_ * scale_;
    weights_ = set.weights();
  }

  // ||M^T w||^2 and <a, M^T w>.
  struct Mixture {
    double squared_length = 0, along = 0;
  };
  Mixture mixture() const {
    Mixture sum;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] <= 0) continue;
      sum.along += weights_[i] * products_[i];
      for (std::size_t j = 0; j < weights_.size(); ++j) {
        sum.squared_length +=
            weights_[i] * weights_[j] * (problem_.at(static_cast<Index>(i), static_cast<Index>(j)) - problem_.shift());
      }
    }
    return sum;
  }

  double best_scale() const {
    const auto [squared_length, along] = mixture();
    return squared_length > 0 ? std::max(0.0, along / squared_length) : 0.0;
  }

  RowCode result() const {
    RowCode code;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] <= 0) continue;
      code.columns.push_back(static_cast<std::int32_t>(i));
      code.weights.push_back(weights_[i]);
    }
    const auto [squared_length, along] = mixture();
    if (options_.scaled) code.scale = best_scale();
    code.squared_distance = std::max(0.0, squared_norm_ + code.scale * (code.scale * squared_length - 2 * along));
    code.gap = squared_norm_ > 0 ? gap_ / squared_norm_ : 0.0;
    return code;
  }

  const SimplexProblem& problem_;
  std::span<const double> products_;
  double squared_norm_;
  const ConvexCodeOptions& options_;
  double scale_ = 1, gap_ = 0;
  std::vector<double> weights_;
};

std::vector<RowCode> codes_of_block(const RowMatrix& a, MatrixView<const double> vertices_t,
                                    const SimplexProblem& problem, Index first, Index count,
                                    const ConvexCodeOptions& options) {
  Matrix<double> products = Matrix<double>::uninitialized(count, vertices_t.cols());
  detail::multiply_rows(a, first, vertices_t, products.view());
  Matrix<double> row(1, a.cols());
  std::vector<RowCode> codes;
  for (Index i = 0; i < count; ++i) {
    read_rows_wide(a, first + i, row.view());
    const auto values = row.row(0);
    const double squared_norm = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
    codes.push_back(RowCoder(problem, products.row(i), squared_norm, options).code());
  }
  return codes;
}

void require_usable(MatrixView<const double> vertices, const RowMatrix& a, const ConvexCodeOptions& options) {
  require(vertices.rows() >= 1 && vertices.cols() == a.cols(), [&] {
    return "convex_code: at least one vertex of " + std::to_string(a.cols()) + " columns is needed, got " +
           std::to_string(vertices.rows()) + " x " + std::to_string(vertices.cols());
  });
  require(options.sparsity >= 0 && options.gap >= 0 && std::isfinite(options.gap),
          [] { return std::string("convex_code: sparsity and gap must be >= 0 and finite"); });
  require_finite(RowMatrix(vertices), "convex_code: the matrix of vertices");
  require_finite(a, "convex_code: the matrix");
}

}  // namespace

ConvexCodes convex_code(MatrixView<const double> vertices, const RowMatrix& a, const ConvexCodeOptions& options) {
  require_usable(vertices, a, options);
  const SimplexProblem problem(vertices);
  Matrix<double> vertices_t = Matrix<double>::uninitialized(vertices.cols(), vertices.rows());
  for (Index i = 0; i < vertices.rows(); ++i) {
    for (Index j = 0; j < vertices.cols(); ++j) vertices_t(j, i) = vertices(i, j);
  }
  const Index blocks = (a.rows() + kRowsPerBlock - 1) / kRowsPerBlock;
  std::vector<std::vector<RowCode>> parts(static_cast<std::size_t>(blocks));
  parallel_for(blocks, [&](Index block) {
    const Index first = block * kRowsPerBlock, count = std::min(kRowsPerBlock, a.rows() - first);
    parts[block] = codes_of_block(a, vertices_t.view(), problem, first, count, options);
  });
  ConvexCodes codes;
  for (const auto& part : parts) {
    for (const auto& code : part) {
      codes.columns.insert(codes.columns.end(), code.columns.begin(), code.columns.end());
      codes.weights.insert(codes.weights.end(), code.weights.begin(), code.weights.end());
      codes.row_offsets.push_back(static_cast<std::int64_t>(codes.columns.size()));
      codes.scales.push_back(code.scale);
      codes.squared_distances.push_back(code.squared_distance);
      codes.largest_gap = std::max(codes.largest_gap, code.gap);
    }
  }
  return codes;
}

}  // namespace loewner
