// SPDX-License-Identifier: Apache-2.0
#include "regression/least_absolute_deviations.hpp"

#include <algorithm>
#include <utility>

#include "regression/l1_interior_point.hpp"
#include "regression/l1_preprocessing.hpp"
#include "regression/l1_simplex.hpp"
#include "regression/tall_products.hpp"

namespace loewner::detail {
namespace {

constexpr double kCrossover = 1e-2;       // of 1/n: the gap at which the simplex method takes over
constexpr double kLooseTolerance = 1e-4;  // from here on the solution need not be a vertex

L1Point interior_solution(MatrixView<const double> u, std::span<const double> lengths, std::span<const double> b,
                          const RegressionStop& stop, bool to_vertex) {
  if (auto point = solve_by_predicted_signs(u, lengths, b, stop, to_vertex)) return std::move(*point);
  L1Point point = l1_interior_point(l1_problem(u, b), stop);
  point.objective = absolute_sum(residual_of(u, b, point.y));
  return point;
}

}  // namespace

BasisSolution least_absolute_deviations(MatrixView<const double> u, std::span<const double> lengths,
                                        std::span<const double> b, const RegressionStop& stop) {
  const double crossover = std::clamp(kCrossover / static_cast<double>(u.rows()), 1e-10, 1e-6);
  const bool to_vertex = stop.tolerance < kLooseTolerance;
  const RegressionStop inner{to_vertex ? crossover : stop.tolerance, stop.max_iterations};
  L1Point point = interior_solution(u, lengths, b, inner, to_vertex);
  BasisSolution solution{
      .y = point.y, .z = point.z, .lower_bound = l1_lower_bound(u, b, point.z), .iterations = point.iterations};
  double objective = point.objective;
  const auto is_solved = [&] { return objective - solution.lower_bound <= stop.tolerance * objective; };
  const auto take = [&](const std::vector<double>& y, std::vector<double> z, double lower_bound, int iterations) {
    const double value = absolute_sum(residual_of(u, b, y));
    if (value < objective) {
      solution.y = y;
      objective = value;
    }
    if (lower_bound > solution.lower_bound) {
      solution.z = std::move(z);
      solution.lower_bound = lower_bound;
    }
    solution.iterations += iterations;
  };
  const auto left = [&] { return std::max(0, stop.max_iterations - solution.iterations); };
  if (!point.is_optimal_vertex && (to_vertex || !is_solved())) {
    BasisSolution vertex = l1_simplex(u, b, point.y, point.z, {stop.tolerance, left()});
    take(vertex.y, std::move(vertex.z), vertex.lower_bound, vertex.iterations);
  }
  if (!is_solved() && left() > 0) {
    point = l1_interior_point(l1_problem(u, b), {stop.tolerance / 2, left()});
    const double lower_bound = l1_lower_bound(u, b, point.z);
    take(point.y, std::move(point.z), lower_bound, point.iterations);
  }
  if (is_solved()) {
    solution.status = Status::converged;
  } else if (solution.iterations < stop.max_iterations) {
    solution.status = Status::stalled;
  }
  return solution;
}

}  // namespace loewner::detail
