// SPDX-License-Identifier: Apache-2.0
#include "cluster/subspace_descent.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "linalg/matrix_copies.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner::detail {
namespace {

struct Assignment {
  ClusterLabels labels;
  std::vector<double> squared_distances, costs;
  double objective = 0;
};

// Moves every row to its closest subspace. Ties keep their label; otherwise rows could alternate
// between equal subspaces for ever.
Assignment assigned(const SubspaceProblem& problem, std::span<const Frame> frames, ClusterLabels labels) {
  const Matrix<double> distances = squared_distances(problem.a, frames);
  const Index n = problem.a.rows();
  Assignment result{
      .labels = std::move(labels), .squared_distances = std::vector<double>(n), .costs = std::vector<double>(n)};
  result.labels.resize(n);
  for (Index i = 0; i < n; ++i) {
    const auto row = distances.row(i);
    const auto closest = std::ranges::min_element(row);
    if (*closest < row[result.labels[i]]) result.labels[i] = static_cast<std::uint8_t>(closest - row.begin());
    result.squared_distances[i] = *closest;
    result.costs[i] = problem.weights[i] * problem.loss.value(*closest);
    result.objective += result.costs[i];
  }
  return result;
}

}  // namespace

DistanceLoss::DistanceLoss(const ProjectiveClusteringOptions& options, double smoothing)
    : linear_(options.exponent == 1), truncation_(options.truncation), smoothing_(linear_ ? smoothing : 0) {}

bool DistanceLoss::reweights() const {
  return linear_ || std::isfinite(truncation_);
}

double DistanceLoss::value(double squared_distance) const {
  if (!linear_) return std::min(squared_distance, truncation_);
  const double r = std::sqrt(squared_distance);
  const double smooth = r >= smoothing_ ? r : (squared_distance / smoothing_ + smoothing_) / 2;
  return std::min(smooth, truncation_);
}

double DistanceLoss::weight(double squared_distance) const {
  if (value(squared_distance) >= truncation_) return 0;
  const double r = std::max(std::sqrt(squared_distance), smoothing_);
  return !linear_ ? 1.0 : r > 0 ? 1 / r : 0.0;
}

SubspaceClusters SubspaceClusters::clone() const {
  SubspaceClusters copy{.labels = labels, .bases = {}, .objective = objective};
  for (const auto& basis : bases) copy.bases.push_back(basis.clone());
  return copy;
}

ClusterLabels closest_subspaces(const SubspaceProblem& problem, const std::vector<Matrix<double>>& frames) {
  std::vector<Frame> views;
  views.reserve(frames.size());
  for (const auto& frame : frames) views.push_back({frame.view(), problem.dimension});
  return assigned(problem, views, {}).labels;
}

SubspaceDescent::SubspaceDescent(const SubspaceProblem& problem, Index num_clusters, ClusterLabels start)
    : problem_(problem),
      subspaces_(problem.a, num_clusters),
      labels_(std::move(start)),
      step_weights_(problem.weights),
      costs_(problem.a.rows()) {}

void SubspaceDescent::run(int max_steps, double tolerance) {
  status_ = Status::max_iterations;
  for (int step = 0; step < max_steps; ++step) {
    throw_if_cancelled();
    const double before = best_.objective;
    take_step();
    if (best_.objective == 0 || (refilled_ == 0 && best_.objective >= (1 - tolerance) * before)) {
      status_ = Status::converged;
      return;
    }
  }
}

std::vector<Matrix<double>> SubspaceDescent::frames() const {
  std::vector<Matrix<double>> result;
  for (Index l = 0; l < subspaces_.num_clusters(); ++l) result.push_back(subspaces_.eigen(l).vectors_t.clone());
  return result;
}

ClusterLabels SubspaceDescent::with_split_cluster(Index new_label) const {
  std::vector<double> cost_of(subspaces_.num_clusters());
  for (std::size_t i = 0; i < labels_.size(); ++i) cost_of[labels_[i]] += costs_[i];
  const auto worst = static_cast<std::uint8_t>(std::ranges::max_element(cost_of) - cost_of.begin());
  ClusterLabels labels = labels_;
  std::vector<Index> rows;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == worst) rows.push_back(static_cast<Index>(i));
  }
  std::ranges::stable_sort(rows, std::ranges::greater{}, [&](Index i) { return costs_[i]; });
  rows.resize(rows.size() / 2);
  for (const Index i : rows) labels[i] = static_cast<std::uint8_t>(new_label);
  return labels;
}

void SubspaceDescent::take_step() {
  ++steps_;
  subspaces_.fit(labels_, step_weights_);
  std::vector<Frame> frames;
  for (Index l = 0; l < subspaces_.num_clusters(); ++l) {
    frames.push_back({subspaces_.eigen(l).vectors_t.view(), problem_.dimension});
  }
  Assignment step = assigned(problem_, frames, labels_);
  if (step.objective < best_.objective) {
    best_ = {.labels = step.labels, .bases = {}, .objective = step.objective};
    for (const auto& frame : frames) {
      best_.bases.push_back(leading_rows<double>(frame.vectors_t, problem_.dimension));
    }
  }
  if (problem_.loss.reweights()) reweight(step.squared_distances);
  labels_ = std::move(step.labels);
  costs_ = std::move(step.costs);
  refilled_ = refill_empty_clusters();
}

void SubspaceDescent::reweight(std::span<const double> squared_distances) {
  for (std::size_t i = 0; i < step_weights_.size(); ++i) {
    step_weights_[i] = problem_.weights[i] * problem_.loss.weight(squared_distances[i]);
  }
}

// Gives the rows of largest cost to the empty clusters and returns the number of refilled clusters.
// Each cluster is refilled at most once; otherwise two clusters could exchange the same rows for
// ever.
Index SubspaceDescent::refill_empty_clusters() {
  std::vector<Index> sizes(subspaces_.num_clusters());
  for (const auto label : labels_) ++sizes[label];
  was_refilled_.resize(sizes.size());
  std::vector<Index> worst;
  Index refilled = 0;
  const Index share = std::max(problem_.dimension + 1, problem_.a.rows() / (4 * subspaces_.num_clusters()));
  for (std::size_t l = 0; l < sizes.size(); ++l) {
    if (sizes[l] > 0 || was_refilled_[l] || best_.objective == 0) continue;
    if (worst.empty()) worst = rows_by_cost();
    for (Index i = refilled * share; i < std::min((refilled + 1) * share, problem_.a.rows()); ++i) {
      labels_[worst[i]] = static_cast<std::uint8_t>(l);
    }
    was_refilled_[l] = true;
    ++refilled;
  }
  return refilled;
}

std::vector<Index> SubspaceDescent::rows_by_cost() const {
  std::vector<Index> order(costs_.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](Index i) { return costs_[i]; });
  return order;
}

}  // namespace loewner::detail
