// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/projective_clustering.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "cluster/cluster_starts.hpp"
#include "cluster/cluster_subspaces.hpp"
#include "cluster/subspace_distances.hpp"
#include "linalg/conversion.hpp"
#include "linalg/row_weights.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner {
namespace {

constexpr int kStartSteps = 2;            // of a start between two comparisons of the starts
constexpr int kTrialRounds = 4;           // of such steps at most
constexpr double kTrialTolerance = 1e-3;  // a sample's optimum is not that of all rows
constexpr double kOptimism = 1.5;         // how much of its last gain a start is trusted to gain yet
constexpr Index kExchanges = 3;           // clusters that are tried to be dissolved
constexpr int kSplitSteps = 2;            // after each split of a cluster
constexpr double kSmoothing = 1e-7;       // of the root mean square norm: the distance below which q = 1 is smoothed

// min(r^q, t) as a function of r^2, smoothed near 0 for q = 1, and its weight for reweighting.
class RowLoss {
 public:
  RowLoss(const ProjectiveClusteringOptions& options, double smoothing)
      : linear_(options.exponent == 1), truncation_(options.truncation), smoothing_(linear_ ? smoothing : 0) {}

  bool reweights() const { return linear_ || std::isfinite(truncation_); }

  double value(double squared_distance) const {
    if (!linear_) return std::min(squared_distance, truncation_);
    const double r = std::sqrt(squared_distance);
    const double smooth = r >= smoothing_ ? r : (squared_distance / smoothing_ + smoothing_) / 2;
    return std::min(smooth, truncation_);
  }

  /// d value / d squared_distance, up to a factor.
  double weight(double squared_distance) const {
    if (value(squared_distance) >= truncation_) return 0;
    const double r = std::max(std::sqrt(squared_distance), smoothing_);
    return !linear_ ? 1.0 : r > 0 ? 1 / r : 0.0;
  }

 private:
  bool linear_;
  double truncation_, smoothing_;
};

// Rows, what each of them counts, and the loss: what a descent works on.
struct Problem {
  const RowSource& a;
  std::vector<double> weights;  // n
  Index dimension;
  RowLoss loss;
};

struct Iterate {
  ClusterLabels labels;
  std::vector<Matrix<double>> bases;
  double objective = std::numeric_limits<double>::infinity();
};

// Alternates between subspaces of the clusters and clusters of the subspaces, and keeps the best pair.
class Descent {
 public:
  Descent(const Problem& problem, Index num_clusters, ClusterLabels start)
      : problem_(problem),
        subspaces_(problem.a, num_clusters),
        labels_(std::move(start)),
        step_weights_(problem.weights),
        costs_(problem.a.rows()) {}

  /// The same from subspaces instead of a partition: labels are the first step's.
  static ClusterLabels nearest(const Problem& problem, const std::vector<Matrix<double>>& frames) {
    const Descent start(problem, static_cast<Index>(frames.size()), {});
    std::vector<detail::Frame> views;
    views.reserve(frames.size());
    for (const auto& frame : frames) views.push_back({frame.view(), problem.dimension});
    return start.assigned(views).labels;
  }

  void run(int max_steps, double tolerance) {
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

  const Iterate& best() const { return best_; }
  int steps() const { return steps_; }
  Status status() const { return status_; }

  /// All d eigenvectors of each cluster of the last step.
  std::vector<Matrix<double>> frames() const {
    std::vector<Matrix<double>> result;
    for (Index l = 0; l < subspaces_.num_clusters(); ++l) result.push_back(subspaces_.eigen(l).vectors_t.clone());
    return result;
  }

  /// The partition with the cluster of largest cost cut in two: its rows of larger cost become cluster `last`.
  ClusterLabels split_into(Index last) const {
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
    for (const Index i : rows) labels[i] = static_cast<std::uint8_t>(last);
    return labels;
  }

 private:
  struct Assignment {
    ClusterLabels labels;
    std::vector<double> squared_distances, costs;
    double objective = 0;
  };

  // Ties stay where they are, so that equal subspaces do not exchange rows for ever.
  Assignment assigned(std::span<const detail::Frame> frames) const {
    const Matrix<double> distances = detail::squared_distances(problem_.a, frames);
    const Index n = problem_.a.rows();
    Assignment result{.labels = labels_, .squared_distances = std::vector<double>(n), .costs = std::vector<double>(n)};
    result.labels.resize(n);
    for (Index i = 0; i < n; ++i) {
      const auto row = distances.row(i);
      const auto closest = std::ranges::min_element(row);
      if (*closest < row[result.labels[i]]) result.labels[i] = static_cast<std::uint8_t>(closest - row.begin());
      result.squared_distances[i] = *closest;
      result.costs[i] = problem_.weights[i] * problem_.loss.value(*closest);
      result.objective += result.costs[i];
    }
    return result;
  }

  void take_step() {
    ++steps_;
    subspaces_.fit(labels_, step_weights_);
    std::vector<detail::Frame> frames;
    for (Index l = 0; l < subspaces_.num_clusters(); ++l) {
      frames.push_back({subspaces_.eigen(l).vectors_t.view(), problem_.dimension});
    }
    Assignment step = assigned(frames);
    if (step.objective < best_.objective) {
      best_ = {.labels = step.labels, .bases = {}, .objective = step.objective};
      for (const auto& frame : frames) {
        best_.bases.push_back(detail::leading_rows<double>(frame.vectors_t, problem_.dimension));
      }
    }
    if (problem_.loss.reweights()) reweight(step.squared_distances);
    labels_ = std::move(step.labels);
    costs_ = std::move(step.costs);
    refilled_ = refill_empty_clusters();
  }

  void reweight(std::span<const double> squared_distances) {
    for (std::size_t i = 0; i < step_weights_.size(); ++i) {
      step_weights_[i] = problem_.weights[i] * problem_.loss.weight(squared_distances[i]);
    }
  }

  // Empty clusters take the rows of largest cost, in turn; each may be refilled once, or two would take turns for ever.
  Index refill_empty_clusters() {
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

  std::vector<Index> rows_by_cost() const {
    std::vector<Index> order(costs_.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::ranges::stable_sort(order, std::ranges::greater{}, [&](Index i) { return costs_[i]; });
    return order;
  }

  const Problem& problem_;
  detail::ClusterSubspaces subspaces_;
  ClusterLabels labels_;
  std::vector<double> step_weights_, costs_;
  std::vector<bool> was_refilled_;
  Index refilled_ = 0;
  Iterate best_;
  int steps_ = 0;
  Status status_ = Status::max_iterations;
};

void require_usable(const RowSource& a, const ProjectiveClusteringOptions& options) {
  const std::string name = "projective_clustering: ";
  require(a.rows() >= 1 && a.cols() >= 1, [&] {
    return name + "the matrix must not be empty, got " + std::to_string(a.rows()) + " x " + std::to_string(a.cols());
  });
  require(options.num_clusters >= 1 && options.num_clusters <= kMaxClusters, [&] {
    return name + "the number of clusters must be in [1, 256], got " + std::to_string(options.num_clusters);
  });
  require(options.dimension >= 0 && options.dimension <= a.cols(), [&] {
    return name + "the dimension must be in [0, " + std::to_string(a.cols()) + "], got " +
           std::to_string(options.dimension);
  });
  require(options.exponent == 1 || options.exponent == 2,
          [&] { return name + "the exponent must be 1 or 2, got " + std::to_string(options.exponent); });
  require(options.truncation > 0,
          [&] { return name + "the truncation must be positive, got " + std::to_string(options.truncation); });
  require(options.num_restarts >= 1 && options.max_iterations >= 1 && options.tolerance >= 0,
          [&] { return name + "at least one restart and one iteration and a tolerance >= 0 are needed"; });
  detail::require_row_weights(options.row_weights, a.rows(), "projective_clustering");
  require_finite(a, name + "the matrix");
}

double root_mean_square_norm(const RowSource& a, std::span<const double> weights) {
  const detail::Frame origin{{nullptr, a.cols(), a.cols()}, 0};
  const Matrix<double> norms = detail::squared_distances(a, {&origin, 1});
  double energy = 0, total = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    energy += weights[i] * norms(i, 0);
    total += weights[i];
  }
  return total > 0 ? std::sqrt(energy / total) : 0.0;
}

Problem problem_of(const RowSource& a, const ProjectiveClusteringOptions& options) {
  std::vector<double> weights(options.row_weights.begin(), options.row_weights.end());
  if (weights.empty()) weights.assign(a.rows(), 1.0);
  const double smoothing = options.exponent == 1 ? kSmoothing * root_mean_square_norm(a, weights) : 0.0;
  return {a, std::move(weights), options.dimension, RowLoss(options, smoothing)};
}

ClusterLabels by_splitting(const Problem& sample, Index num_clusters) {
  ClusterLabels labels(sample.a.rows());
  for (Index count = 1; count < num_clusters; ++count) {
    Descent descent(sample, count, std::move(labels));
    descent.run(count == 1 ? 1 : kSplitSteps, 0);
    labels = descent.split_into(count);
  }
  return labels;
}

ClusterLabels start_labels(const Problem& sample, MatrixView<const float> rows,
                           const ProjectiveClusteringOptions& options, int start) {
  RandomStream random(options.seed, RandomPurpose::initial_guess, static_cast<std::uint64_t>(start));
  if (start == 0) return by_splitting(sample, options.num_clusters);
  if (start % 2 == 1) return detail::angular_k_means(rows, sample.weights, options.num_clusters, random);
  return detail::farthest_subspaces(rows, sample.weights, options, random);
}

// A descent and what its last few steps gained.
struct Trial {
  std::unique_ptr<Descent> descent;
  double gain = std::numeric_limits<double>::infinity();
  bool running = true;

  double objective() const { return descent->best().objective; }
  void go_on() {
    if (descent->steps() == 0) descent->run(1, kTrialTolerance);  // before it there is nothing to gain on
    const double before = objective();
    descent->run(kStartSteps, kTrialTolerance);
    gain = before - objective();
    running = descent->status() != Status::converged;
  }
};

// Lets the descents run a few steps at a time, and gives up those that would not overtake the leader even with
// kOptimism times the gain of their last steps.
std::unique_ptr<Descent> winner(std::vector<Trial> trials) {
  for (int round = 0; round < kTrialRounds; ++round) {
    for (Trial& trial : trials) {
      if (trial.running) trial.go_on();
    }
    std::ranges::stable_sort(trials, {}, &Trial::objective);
    const double best = trials.front().objective();
    const auto beaten = [&](const Trial& trial) {
      return trial.objective() > best && (!trial.running || trial.objective() - kOptimism * trial.gain > best);
    };
    std::erase_if(trials, beaten);
  }
  return std::move(trials.front().descent);
}

// The partition after one cluster was dissolved and the most costly of the others cut in two instead.
ClusterLabels exchanged_labels(const Problem& sample, const Descent& descent, Index dissolved) {
  std::vector<Matrix<double>> frames = descent.frames();
  frames.erase(frames.begin() + dissolved);
  const auto rest = static_cast<Index>(frames.size());
  Descent without(sample, rest, Descent::nearest(sample, frames));
  without.run(1, 0);
  return without.split_into(rest);
}

// Descents do not leave the basin of their start; exchanges of clusters do.
std::unique_ptr<Descent> exchanged(const Problem& sample, std::unique_ptr<Descent> best, Index num_clusters) {
  std::vector<Trial> trials;
  for (Index l = 0; l < std::min(num_clusters, kExchanges); ++l) {
    trials.push_back({.descent = std::make_unique<Descent>(sample, num_clusters, exchanged_labels(sample, *best, l))});
  }
  trials.push_back({.descent = std::move(best)});
  return winner(std::move(trials));
}

// The subspaces that the best start leads to on a sample of the rows.
std::vector<Matrix<double>> best_start(const Problem& problem, const ProjectiveClusteringOptions& options) {
  const Index wanted = std::max<Index>(4096, 4 * options.num_clusters * problem.a.cols());
  RandomStream random(options.seed, RandomPurpose::sampling);
  detail::RowSample chosen = detail::sample_rows(problem.a, problem.weights, wanted, random);
  const DenseRows rows(std::as_const(chosen.rows).view());
  const Problem sample{rows, std::move(chosen.weights), problem.dimension, problem.loss};
  std::vector<Trial> trials;
  trials.reserve(static_cast<std::size_t>(options.num_restarts));
  for (int start = 0; start < options.num_restarts; ++start) {
    trials.push_back(
        {.descent = std::make_unique<Descent>(
             sample, options.num_clusters, start_labels(sample, std::as_const(chosen.rows).view(), options, start))});
  }
  return exchanged(sample, winner(std::move(trials)), options.num_clusters)->frames();
}

ProjectiveClustering finished(Iterate iterate, double nested_objective, const Descent& descent) {
  ProjectiveClustering result{
      .cluster_of_row = std::move(iterate.labels), .bases = std::move(iterate.bases), .report = {}};
  result.report = {.status = descent.status(),
                   .iterations = descent.steps(),
                   .initial_objective = nested_objective,
                   .final_objective = iterate.objective,
                   .detail = ""};
  return result;
}

// One subspace for all, as k clusters of which one has all rows.
Iterate repeated(Iterate single, Index num_clusters) {
  while (static_cast<Index>(single.bases.size()) < num_clusters) single.bases.push_back(single.bases[0].clone());
  return single;
}

}  // namespace

ProjectiveClustering projective_clustering(const RowSource& a, const ProjectiveClusteringOptions& options) {
  require_usable(a, options);
  const Problem problem = problem_of(a, options);
  Descent nested(problem, 1, ClusterLabels(a.rows()));
  nested.run(problem.loss.reweights() ? options.max_iterations : 1, options.tolerance);
  Iterate single{.labels = nested.best().labels, .bases = {}, .objective = nested.best().objective};
  for (const auto& basis : nested.best().bases) single.bases.push_back(basis.clone());
  const double nested_objective = single.objective;
  if (options.num_clusters == 1 || nested_objective == 0) {
    return finished(repeated(std::move(single), options.num_clusters), nested_objective, nested);
  }
  Descent descent(problem, options.num_clusters, Descent::nearest(problem, best_start(problem, options)));
  descent.run(options.max_iterations, options.tolerance);
  if (descent.best().objective >= nested_objective) {
    return finished(repeated(std::move(single), options.num_clusters), nested_objective, nested);
  }
  Iterate best{.labels = descent.best().labels, .bases = {}, .objective = descent.best().objective};
  for (const auto& basis : descent.best().bases) best.bases.push_back(basis.clone());
  return finished(std::move(best), nested_objective, descent);
}

}  // namespace loewner
