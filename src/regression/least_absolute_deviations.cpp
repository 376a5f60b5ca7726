// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/lane_sum.hpp"
#include "linalg/cholesky_solve.hpp"
#include "linalg/row_kernels.hpp"
#include "regression/polyhedral_regression.hpp"
#include "regression/row_basis.hpp"

namespace loewner::detail {
namespace {

using Values = std::vector<double>;

constexpr double kStepToBoundary = 0.9995;
constexpr double kInside = 1e-15;         // distance to a bound that rounding leaves
constexpr double kCrossover = 1e-2;       // of 1/n: gap at which the nearest vertex is worth a look
constexpr double kLooseTolerance = 1e-4;  // from which on a vertex is not asked for
constexpr double kGuessTolerance = 1e-3;  // of a solution that only tells signs
constexpr Index kSmallProblem = 4000;     // rows that are not worth a sample
constexpr double kBandWidth = 2.5;        // in standard deviations of what the sample leaves open
constexpr Index kFewWrong = 50;           // of how many rows in the wide band one may be wrong outside it
constexpr Index kNarrowing = 6;           // wide band : narrow band
constexpr int kBandRounds = 6;
constexpr double kSmallPivot = 1e-9;
constexpr double kDualSlack = 1e-11;
constexpr double kIdleStep = 1e-13;
constexpr int kIdleExchanges = 50;

double sum_of_sizes(std::span<const double> x) {
  return lane_sum(static_cast<Index>(x.size()), [&](Index i) { return std::abs(x[i]); });
}

Values residual_of(MatrixView<const double> u, std::span<const double> b, std::span<const double> y) {
  Values r = multiply(u, y);
  for (std::size_t i = 0; i < r.size(); ++i) r[i] = b[i] - r[i];
  return r;
}

// ---- the interior point method ----

// min over y of  sum_i |b_i - u_i y| - g^T y + offset;  its dual: max b^T z + offset, U^T z = -g, |z_i| <= 1.
struct Problem {
  MatrixView<const double> u;
  std::span<const double> b;
  Values g;
  double offset = 0;
};

struct PrimalDual {
  Values y, z;
  int iterations = 0;
  bool is_optimal_vertex = false;
  double objective = 0;  // over all rows, where all were looked at
};

// Mehrotra's predictor and corrector for the bounded dual [PortnoyKoenker1997, Mehrotra1992]: b - U y = v - w with
// v, w > 0, and in the limit v (1 - z) = w (1 + z) = 0.
class InteriorPointMethod {
 public:
  explicit InteriorPointMethod(const Problem& problem) : problem_(problem), n_(problem.u.rows()) {}

  PrimalDual solve(const RegressionStop& stop) {
    start();
    PrimalDual point;
    while (point.iterations < stop.max_iterations && !is_solved(stop.tolerance)) {
      step();
      ++point.iterations;
      if (!(progress_ > 1e-6)) break;  // rounding has the upper hand
    }
    point.y = std::move(y_);
    point.z = std::move(z_);
    return point;
  }

 private:
  void start() {
    const Matrix<double> factor = ridged_cholesky(weighted_gram(problem_.u, Values(n_, 1.0)));
    y_ = multiply_transposed(problem_.u, problem_.b);
    solve_cholesky(factor.view(), y_);
    z_.assign(n_, 0.0);
    residual_ = residual_of(problem_.u, problem_.b, y_);
    const double size = sum_of_sizes(residual_) / static_cast<double>(n_) + 1e-300;
    v_.resize(n_);
    w_.resize(n_);
    for (Index i = 0; i < n_; ++i) {
      v_[i] = std::max(residual_[i], 0.0) + size;
      w_[i] = std::max(-residual_[i], 0.0) + size;
    }
  }

  bool is_solved(double tolerance) {
    const double primal = sum_of_sizes(residual_) - dot(problem_.g, y_) + problem_.offset;
    const double dual = dot(problem_.b, z_) + problem_.offset;
    unbalance_ = multiply_transposed(problem_.u, z_);
    double off = 0;
    for (std::size_t k = 0; k < unbalance_.size(); ++k) {
      unbalance_[k] = -(unbalance_[k] + problem_.g[k]);
      off = std::max(off, std::abs(unbalance_[k]));
    }
    return primal - dual <= tolerance * std::abs(primal) && off <= tolerance * static_cast<double>(n_);
  }

  double mean_product(double step_primal, double step_dual) const {
    const double sum = lane_sum(n_, [&](Index i) {
      const double z = z_[i] + step_dual * dz_[i];
      return (v_[i] + step_primal * dv_[i]) * (1 - z) + (w_[i] + step_primal * dw_[i]) * (1 + z);
    });
    return sum / static_cast<double>(2 * n_);
  }

  void step() {
    theta_.resize(n_);
    for (Index i = 0; i < n_; ++i) theta_[i] = 1 / (v_[i] / (1 - z_[i]) + w_[i] / (1 + z_[i]));
    const Matrix<double> factor = ridged_cholesky(weighted_gram(problem_.u, theta_));
    dv_.assign(n_, 0.0);
    dw_.assign(n_, 0.0);
    dz_.assign(n_, 0.0);
    const double mean = mean_product(0, 0);
    directions(factor, 0.0, false);
    const double affine = mean_product(primal_step(), dual_step());
    directions(factor, mean * std::pow(affine / mean, 3), true);
    const double primal = primal_step(), dual = dual_step();
    for (Index i = 0; i < n_; ++i) {
      v_[i] = std::max(v_[i] + primal * dv_[i], kInside);
      w_[i] = std::max(w_[i] + primal * dw_[i], kInside);
      z_[i] = std::clamp(z_[i] + dual * dz_[i], kInside - 1, 1 - kInside);
    }
    add_scaled(primal, dy_, y_);
    add_scaled(-primal, change_, residual_);
    progress_ = std::max(primal, dual);
  }

  // Newton's step towards v (1 - z) = w (1 + z) = target, with the products of the last step's changes taken off.
  void directions(const Matrix<double>& factor, double target, bool correct) {
    Values kv(n_), kw(n_), load(n_);
    for (Index i = 0; i < n_; ++i) {
      const double product = correct ? dz_[i] : 0.0;
      kv[i] = (target + dv_[i] * product) / (1 - z_[i]);
      kw[i] = (target - dw_[i] * product) / (1 + z_[i]);
      load[i] = (residual_[i] - kv[i] + kw[i]) * theta_[i];
    }
    dy_ = multiply_transposed(problem_.u, load);
    for (std::size_t k = 0; k < dy_.size(); ++k) dy_[k] -= unbalance_[k];
    solve_cholesky(factor.view(), dy_);
    change_ = multiply(problem_.u, dy_);
    for (Index i = 0; i < n_; ++i) {
      dz_[i] = load[i] - change_[i] * theta_[i];
      dv_[i] = kv[i] + v_[i] * dz_[i] / (1 - z_[i]) - v_[i];
      dw_[i] = kw[i] - w_[i] * dz_[i] / (1 + z_[i]) - w_[i];
    }
  }

  double primal_step() const {
    double step = 1 / kStepToBoundary;
    for (Index i = 0; i < n_; ++i) {
      if (dv_[i] < 0) step = std::min(step, -v_[i] / dv_[i]);
      if (dw_[i] < 0) step = std::min(step, -w_[i] / dw_[i]);
    }
    return kStepToBoundary * step;
  }

  double dual_step() const {
    double step = 1 / kStepToBoundary;
    for (Index i = 0; i < n_; ++i) {
      if (dz_[i] > 0) step = std::min(step, (1 - z_[i]) / dz_[i]);
      if (dz_[i] < 0) step = std::min(step, -(1 + z_[i]) / dz_[i]);
    }
    return kStepToBoundary * step;
  }

  const Problem& problem_;
  Index n_;
  Values y_, z_, v_, w_, residual_, theta_, unbalance_, dy_, change_, dz_, dv_, dw_;
  double progress_ = 1;
};

// ---- vertices ----

// A vertex: r rows with residual 0. The dual has the signs of the other residuals, and on the r rows what balances
// them; where that exceeds 1, letting the row go decreases the objective.
class Vertex {
 public:
  // The rows where the residual is small and the dual is not at a limit; nothing where these are too dependent.
  static std::optional<Vertex> nearest(const Problem& problem, const PrimalDual& point) {
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
    vertex.basis_.factorise();
    vertex.compute();
    return vertex;
  }

  // Exchanges rows until the dual is feasible; returns the number of exchanges. Where more rows than the basis has
  // residual 0, exchanges may go on for long in one place: some are tried.
  int improve(int max_exchanges) {
    int exchanges = 0;
    while (!is_optimal() && exchanges < max_exchanges && idle_ < kIdleExchanges && exchange(worst())) ++exchanges;
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
  explicit Vertex(const Problem& problem) : u_(problem.u), b_(problem.b), g_(problem.g), basis_(problem.u.cols()) {}

  Index worst() const {
    return std::ranges::max_element(dual_, {}, [](double z) { return std::abs(z); }) - dual_.begin();
  }
  double largest_dual() const { return std::abs(dual_[worst()]); }

  // Everything from the rows of the basis.
  void compute() {
    Values values(rows_.size());
    for (std::size_t k = 0; k < rows_.size(); ++k) values[k] = b_[rows_[k]];
    y_ = basis_.solve(values);
    residual_ = residual_of(u_, b_, y_);
    for (const Index row : rows_) residual_[row] = 0;
    signs_.resize(residual_.size());
    std::ranges::transform(residual_, signs_.begin(), [](double x) { return x < 0 ? -1.0 : 1.0; });
    for (const Index row : rows_) signs_[row] = 0;
    balance_ = multiply_transposed(u_, signs_);
    add_scaled(1, g_, balance_);
    set_dual();
  }

  void set_dual() {
    dual_ = basis_.coefficients(balance_);
    for (double& z : dual_) z = -z;
  }

  struct Breakpoint {
    double step, slope;
    Index row;
    bool operator<(const Breakpoint& other) const { return step != other.step ? step < other.step : row < other.row; }
  };

  // Lets row k of the basis go, as far as the objective decreases along the edge: to a weighted median of breakpoints
  // [BarrodaleRoberts1973]. False when that is nowhere.
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
    // Heaps find the few that are passed without sorting all.
    std::ranges::make_heap(ahead, std::greater<>{}, [](const Breakpoint& x) { return std::pair(x.step, x.row); });
    while (!ahead.empty()) {
      std::ranges::pop_heap(ahead, std::greater<>{}, [](const Breakpoint& x) { return std::pair(x.step, x.row); });
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

  // Row `point.row` takes the place of row k, which leaves on `side`.
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
    if (++exchanges_ % 50 == 0) return compute();
    residual_[point.row] = 0;
    Values values(rows_.size());
    for (std::size_t j = 0; j < rows_.size(); ++j) values[j] = b_[rows_[j]];
    y_ = basis_.solve(values);
    set_dual();
  }

  MatrixView<const double> u_;
  std::span<const double> b_;
  const Values& g_;
  RowBasis basis_;
  std::vector<Index> rows_;
  Values y_, residual_, signs_, balance_, dual_;  // balance: g and the rows outside the basis, with their signs
  int exchanges_ = 0;
  int idle_ = 0;  // exchanges without a step since the last that made one
};

// The nearest vertex, exchanged until it is optimal; the point as it is where that does not succeed.
PrimalDual moved_to_vertex(const Problem& problem, PrimalDual point, int max_iterations) {
  auto vertex = Vertex::nearest(problem, point);
  if (!vertex) return point;
  point.iterations += vertex->improve(std::max(0, max_iterations - point.iterations));
  if (!vertex->is_optimal()) return point;
  return {.y = vertex->y(), .z = vertex->z(), .iterations = point.iterations, .is_optimal_vertex = true};
}

// ---- fewer rows: those whose sign is known count as a linear term ----

Matrix<double> rows_of(MatrixView<const double> u, const std::vector<Index>& rows) {
  Matrix<double> out = Matrix<double>::uninitialized(static_cast<Index>(rows.size()), u.cols());
  for (Index i = 0; i < out.rows(); ++i) std::ranges::copy(u.row(rows[i]), out.row(i).begin());
  return out;
}

// Rows of U with chances like their lengths, but at least some; each divided by its chance.
PrimalDual solve_sample(MatrixView<const double> u, std::span<const double> b, std::span<const double> lengths,
                        Index count, int max_iterations) {
  const double mean = std::accumulate(lengths.begin(), lengths.end(), 0.0) / static_cast<double>(u.rows());
  std::vector<Index> rows;
  Values chances;
  double passed = 0;
  for (Index i = 0; i < u.rows(); ++i) {
    const double chance =
        std::min(1.0, 0.5 * static_cast<double>(count) * (lengths[i] / mean + 1) / static_cast<double>(u.rows()));
    passed += chance;
    if (passed < static_cast<double>(rows.size()) + 0.5) continue;
    rows.push_back(i);
    chances.push_back(chance);
  }
  Matrix<double> sample = rows_of(u, rows);
  Values targets(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    targets[i] = b[rows[i]] / chances[i];
    for (double& x : sample.row(static_cast<Index>(i))) x /= chances[i];
  }
  const Problem problem{.u = sample.view(), .b = targets, .g = Values(u.cols(), 0.0)};
  return InteriorPointMethod(problem).solve({kGuessTolerance, max_iterations});
}

// The problem of the rows in the band alone, the others with the signs of their residuals.
class Band {
 public:
  Band(MatrixView<const double> u, std::span<const double> b, const std::vector<char>& in_band, const Values& signs) {
    Values fixed = signs;
    for (Index i = 0; i < u.rows(); ++i) {
      if (!in_band[i]) continue;
      rows_.push_back(i);
      targets_.push_back(b[i]);
      fixed[i] = 0;
    }
    u_ = rows_of(u, rows_);
    problem_ = {.u = u_.view(), .b = targets_, .g = multiply_transposed(u, fixed), .offset = dot(b, fixed)};
  }

  PrimalDual solve(const RegressionStop& stop, bool to_vertex) const {
    PrimalDual point = InteriorPointMethod(problem_).solve(stop);
    return to_vertex ? moved_to_vertex(problem_, std::move(point), stop.max_iterations) : point;
  }

  // From a solution of fewer rows; `z` of all rows.
  PrimalDual solve_from(const PrimalDual& before, std::span<const double> z, const RegressionStop& stop,
                        bool to_vertex) const {
    PrimalDual point{.y = before.y, .z = {}};
    for (const Index row : rows_) point.z.push_back(z[row]);
    point = moved_to_vertex(problem_, std::move(point), stop.max_iterations);
    return point.is_optimal_vertex ? point : solve(stop, to_vertex);
  }

  // Puts the band's dual in its places.
  void write(const Values& of_band, Values& z) const {
    for (std::size_t i = 0; i < rows_.size(); ++i) z[rows_[i]] = of_band[i];
  }

 private:
  std::vector<Index> rows_;
  Matrix<double> u_;
  Values targets_;
  Problem problem_;
};

Index band_size(Index n, Index r, Index sample) {
  const double open = kBandWidth * std::sqrt(static_cast<double>(r) / static_cast<double>(sample));
  return std::min(n, static_cast<Index>(open * static_cast<double>(n)) + 10 * r);
}

// Signs of all rows but those of a band, whose residual may change its sign: the error of a solution shows in a row by
// the row's length.
class SignGuess {
 public:
  SignGuess(MatrixView<const double> u, std::span<const double> lengths, std::span<const double> b)
      : signs(u.rows()), in_band(u.rows()), u_(u), lengths_(lengths), b_(b) {}

  void look_from(const Values& y) { residual_ = residual_of(u_, b_, y); }
  double objective() const { return sum_of_sizes(residual_); }

  // The `size` rows of smallest residual in that sense become the band.
  void take(Index size) {
    const double mean = std::accumulate(lengths_.begin(), lengths_.end(), 0.0) / static_cast<double>(u_.rows());
    Values order(residual_.size());
    for (std::size_t i = 0; i < residual_.size(); ++i) {
      signs[i] = residual_[i] < 0 ? -1 : 1;
      order[i] = std::abs(residual_[i]) / (lengths_[i] + mean);
    }
    Values sorted = order;
    std::ranges::nth_element(sorted, sorted.begin() + (size - 1));
    std::ranges::transform(order, in_band.begin(), [&](double x) { return x <= sorted[size - 1]; });
  }

  // Takes rows into the band whose residual has the other sign; returns their number.
  Index correct() {
    Index wrong = 0;
    for (std::size_t i = 0; i < residual_.size(); ++i) {
      if (in_band[i] || signs[i] * residual_[i] >= 0) continue;
      in_band[i] = true;
      ++wrong;
    }
    return wrong;
  }

  Values signs;  // of rows in the band: their dual
  std::vector<char> in_band;

 private:
  MatrixView<const double> u_;
  std::span<const double> lengths_, b_;
  Values residual_;
};

// A sample leaves the signs of a wide band of rows open, whose solution leaves those of a narrow one
// [PortnoyKoenker1997]. The guess is checked, and rows with a wrong sign join the band. Nothing where the problem is
// small or the guess no good.
std::optional<PrimalDual> solve_by_band(MatrixView<const double> u, std::span<const double> lengths,
                                        std::span<const double> b, const RegressionStop& stop, bool to_vertex) {
  const Index n = u.rows(), r = u.cols();
  const auto sample = static_cast<Index>(std::pow(static_cast<double>(n), 2.0 / 3) * std::cbrt(static_cast<double>(r)));
  Index size = band_size(n, r, sample);
  if (n < kSmallProblem || 2 * (sample + size) > n) return std::nullopt;
  SignGuess guess(u, lengths, b);
  const PrimalDual rough = solve_sample(u, b, lengths, sample, stop.max_iterations);
  int iterations = rough.iterations;
  PrimalDual point;
  for (Index wrong = n; wrong > size / kFewWrong;) {
    if (wrong < n) size *= 2;
    if (2 * size > n) return std::nullopt;
    guess.look_from(rough.y);
    guess.take(size);
    point = Band(u, b, guess.in_band, guess.signs).solve({kGuessTolerance, stop.max_iterations}, false);
    iterations += point.iterations;
    guess.look_from(point.y);
    wrong = guess.correct();
  }
  guess.take(size / kNarrowing);
  for (int round = 0; round < kBandRounds; ++round) {
    const Band band(u, b, guess.in_band, guess.signs);
    point = round == 0 ? band.solve(stop, to_vertex) : band.solve_from(point, guess.signs, stop, to_vertex);
    iterations += point.iterations;
    band.write(point.z, guess.signs);
    guess.look_from(point.y);
    if (guess.correct() > 0) continue;
    point.z = std::move(guess.signs);
    point.objective = guess.objective();
    point.iterations = iterations;
    return point;
  }
  return std::nullopt;
}

PrimalDual solve_in_interior(MatrixView<const double> u, std::span<const double> lengths, std::span<const double> b,
                             const RegressionStop& stop, bool to_vertex) {
  if (auto point = solve_by_band(u, lengths, b, stop, to_vertex)) return std::move(*point);
  const Problem problem{.u = u, .b = b, .g = Values(u.cols(), 0.0)};
  PrimalDual point = InteriorPointMethod(problem).solve(stop);
  point.objective = sum_of_sizes(residual_of(u, b, point.y));
  return point;
}

// U^T z = 0 and |z_i| <= 1 again.
double bound_of(MatrixView<const double> u, std::span<const double> b, Values z) {
  const Values off = multiply_transposed(u, z);
  const Values correction = multiply(u, off);
  double largest = 1;
  for (std::size_t i = 0; i < z.size(); ++i) {
    z[i] -= correction[i];
    largest = std::max(largest, std::abs(z[i]));
  }
  return dot(b, z) / largest;
}

}  // namespace

BasisSolution exchange_from(MatrixView<const double> u, std::span<const double> b, std::span<const double> y,
                            std::span<const double> z, const RegressionStop& stop) {
  BasisSolution solution{.y = {y.begin(), y.end()}, .lower_bound = 0, .status = Status::breakdown, .iterations = 0};
  const Problem problem{.u = u, .b = b, .g = Values(u.cols(), 0.0)};
  auto vertex = Vertex::nearest(problem, {.y = solution.y, .z = {z.begin(), z.end()}});
  if (!vertex) return solution;
  solution.iterations = vertex->improve(stop.max_iterations);
  solution.y = vertex->y();
  solution.lower_bound = bound_of(u, b, vertex->z());
  const bool limited = solution.iterations >= stop.max_iterations;
  solution.status = vertex->is_optimal() ? Status::converged : limited ? Status::max_iterations : Status::stalled;
  return solution;
}

BasisSolution least_absolute_deviations(MatrixView<const double> u, std::span<const double> lengths,
                                        std::span<const double> b, const RegressionStop& stop) {
  const double crossover = std::clamp(kCrossover / static_cast<double>(u.rows()), 1e-10, 1e-6);
  const bool to_vertex = stop.tolerance < kLooseTolerance;
  const RegressionStop inner{to_vertex ? crossover : stop.tolerance, stop.max_iterations};
  PrimalDual point = solve_in_interior(u, lengths, b, inner, to_vertex);
  BasisSolution solution{.y = point.y, .lower_bound = bound_of(u, b, point.z), .iterations = point.iterations};
  double objective = point.objective;
  const auto is_solved = [&] { return objective - solution.lower_bound <= stop.tolerance * objective; };
  const auto take = [&](const Values& y, double lower_bound, int iterations) {
    const double value = sum_of_sizes(residual_of(u, b, y));
    if (value < objective) {
      solution.y = y;
      objective = value;
    }
    solution.lower_bound = std::max(solution.lower_bound, lower_bound);
    solution.iterations += iterations;
  };
  const auto left = [&] { return std::max(0, stop.max_iterations - solution.iterations); };
  if (!point.is_optimal_vertex && (to_vertex || !is_solved())) {
    const BasisSolution vertex = exchange_from(u, b, point.y, point.z, {stop.tolerance, left()});
    take(vertex.y, vertex.lower_bound, vertex.iterations);
  }
  if (!is_solved() && left() > 0) {
    const Problem problem{.u = u, .b = b, .g = Values(u.cols(), 0.0)};
    point = InteriorPointMethod(problem).solve({stop.tolerance / 2, left()});
    take(point.y, bound_of(u, b, point.z), point.iterations);
  }
  if (is_solved()) {
    solution.status = Status::converged;
  } else if (solution.iterations < stop.max_iterations) {
    solution.status = Status::stalled;
  }
  return solution;
}

}  // namespace loewner::detail
