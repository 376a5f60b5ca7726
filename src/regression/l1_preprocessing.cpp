// SPDX-License-Identifier: Apache-2.0
#include "regression/l1_preprocessing.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "linalg/gathered_rows.hpp"
#include "linalg/row_kernels.hpp"
#include "regression/l1_interior_point.hpp"
#include "regression/l1_simplex.hpp"
#include "regression/tall_products.hpp"

namespace loewner::detail {
namespace {

using Values = std::vector<double>;

constexpr double kRoughTolerance = 1e-3;  // of solutions that serve to predict signs
constexpr Index kSmallProblem = 4000;     // fewer rows are solved directly
constexpr double kBandWidth = 2.5;        // in standard deviations of the residuals that a sample leaves
constexpr Index kFewWrong = 50;           // one wrong sign per so many rows of the wide band is accepted
constexpr Index kNarrowing = 6;           // size of the wide band / size of the narrow band
constexpr int kBandRounds = 6;

// The problem of `count` sampled rows: row i with probability about (length_i / mean length + 1) /
// 2 times count / n, divided by that probability.
L1Point solve_sample(MatrixView<const double> u, std::span<const double> b, std::span<const double> lengths,
                     Index count, int max_iterations) {
  const double mean = std::accumulate(lengths.begin(), lengths.end(), 0.0) / static_cast<double>(u.rows());
  std::vector<Index> rows;
  Values probabilities;
  double passed = 0;
  for (Index i = 0; i < u.rows(); ++i) {
    const double probability =
        std::min(1.0, 0.5 * static_cast<double>(count) * (lengths[i] / mean + 1) / static_cast<double>(u.rows()));
    passed += probability;
    if (passed < static_cast<double>(rows.size()) + 0.5) continue;
    rows.push_back(i);
    probabilities.push_back(probability);
  }
  Matrix<double> sample = gathered_rows_wide(RowMatrix(u), rows);
  Values targets(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    targets[i] = b[rows[i]] / probabilities[i];
    for (double& x : sample.row(static_cast<Index>(i))) x /= probabilities[i];
  }
  return l1_interior_point(l1_problem(sample.view(), targets), {kRoughTolerance, max_iterations});
}

// The problem of the rows in the band. The other rows enter as a linear term with the signs of
// their residuals.
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
    u_ = gathered_rows_wide(RowMatrix(u), rows_);
    problem_ = {.u = u_.view(), .b = targets_, .g = multiply_transposed(u, fixed), .offset = dot(b, fixed)};
  }

  L1Point solve(const RegressionStop& stop, bool to_vertex) const {
    L1Point point = l1_interior_point(problem_, stop);
    return to_vertex ? moved_to_vertex(problem_, std::move(point), stop.max_iterations) : point;
  }

  // The same, started at the vertex near the solution of a smaller band; `z` is the dual of all
  // rows.
  L1Point solve_from(const L1Point& before, std::span<const double> z, const RegressionStop& stop,
                     bool to_vertex) const {
    L1Point point{.y = before.y, .z = {}};
    for (const Index row : rows_) point.z.push_back(z[row]);
    point = moved_to_vertex(problem_, std::move(point), stop.max_iterations);
    return point.is_optimal_vertex ? point : solve(stop, to_vertex);
  }

  // Copies the dual of the band to its rows in z.
  void write(const Values& of_band, Values& z) const {
    for (std::size_t i = 0; i < rows_.size(); ++i) z[rows_[i]] = of_band[i];
  }

 private:
  std::vector<Index> rows_;
  Matrix<double> u_;
  Values targets_;
  L1Problem problem_;
};

Index band_size(Index n, Index r, Index sample) {
  const double open = kBandWidth * std::sqrt(static_cast<double>(r) / static_cast<double>(sample));
  return std::min(n, static_cast<Index>(open * static_cast<double>(n)) + 10 * r);
}

// Predicts the signs of the residuals from an approximate solution, except in a band of rows with
// small residuals. An error of the solution changes the residual of a row in proportion to the
// row's length.
class SignPrediction {
 public:
  SignPrediction(MatrixView<const double> u, std::span<const double> lengths, std::span<const double> b)
      : signs(u.rows()), in_band(u.rows()), u_(u), lengths_(lengths), b_(b) {}

  void set_solution(const Values& y) { residual_ = residual_of(u_, b_, y); }
  double objective() const { return absolute_sum(residual_); }

  // The band becomes the `size` rows with the smallest residual relative to their length.
  void set_band(Index size) {
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

  // Adds the rows with a wrong sign to the band; returns their number.
  Index add_wrong_rows() {
    Index wrong = 0;
    for (std::size_t i = 0; i < residual_.size(); ++i) {
      if (in_band[i] || signs[i] * residual_[i] >= 0) continue;
      in_band[i] = true;
      ++wrong;
    }
    return wrong;
  }

  Values signs;  // predicted; in the band: the dual
  std::vector<char> in_band;

 private:
  MatrixView<const double> u_;
  std::span<const double> lengths_, b_;
  Values residual_;
};

}  // namespace

std::optional<L1Point> solve_by_predicted_signs(MatrixView<const double> u, std::span<const double> lengths,
                                                std::span<const double> b, const RegressionStop& stop, bool to_vertex) {
  const Index n = u.rows(), r = u.cols();
  const auto sample = static_cast<Index>(std::pow(static_cast<double>(n), 2.0 / 3) * std::cbrt(static_cast<double>(r)));
  Index size = band_size(n, r, sample);
  if (n < kSmallProblem || 2 * (sample + size) > n) return std::nullopt;
  SignPrediction prediction(u, lengths, b);
  const L1Point rough = solve_sample(u, b, lengths, sample, stop.max_iterations);
  int iterations = rough.iterations;
  L1Point point;
  for (Index wrong = n; wrong > size / kFewWrong;) {  // the wide band
    if (wrong < n) size *= 2;
    if (2 * size > n) return std::nullopt;
    prediction.set_solution(rough.y);
    prediction.set_band(size);
    point = Band(u, b, prediction.in_band, prediction.signs).solve({kRoughTolerance, stop.max_iterations}, false);
    iterations += point.iterations;
    prediction.set_solution(point.y);
    wrong = prediction.add_wrong_rows();
  }
  prediction.set_band(size / kNarrowing);
  for (int round = 0; round < kBandRounds; ++round) {
    const Band band(u, b, prediction.in_band, prediction.signs);
    point = round == 0 ? band.solve(stop, to_vertex) : band.solve_from(point, prediction.signs, stop, to_vertex);
    iterations += point.iterations;
    band.write(point.z, prediction.signs);
    prediction.set_solution(point.y);
    if (prediction.add_wrong_rows() > 0) continue;
    point.z = std::move(prediction.signs);
    point.objective = prediction.objective();
    point.iterations = iterations;
    return point;
  }
  return std::nullopt;
}

}  // namespace loewner::detail
