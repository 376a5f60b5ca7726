// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/projective_clustering.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "base/argument_check.hpp"
#include "cluster/initial_partitions.hpp"
#include "cluster/poisson_sample.hpp"
#include "cluster/subspace_descent.hpp"
#include "cluster/subspace_distances.hpp"

namespace loewner {
namespace {

using detail::SubspaceClusters;
using detail::SubspaceDescent;
using detail::SubspaceProblem;

constexpr Index kMostRestarts = 1000;
constexpr int kTrialRounds = 4;           // comparisons of the trials
constexpr int kTrialSteps = 2;            // steps of each trial per round
constexpr double kTrialTolerance = 1e-3;  // a sample's optimum differs from that of all rows
constexpr double kExpectedGain = 1.5;     // bound on a trial's further gain, in units of its last gain
constexpr Index kExchanges = 3;           // clusters that are dissolved in turn
constexpr int kSplitSteps = 2;            // steps after each split of a cluster
constexpr double kSmoothing = 1e-7;       // for q = 1, in units of the root mean square row norm

void require_usable(const RowSource& a, const ProjectiveClusteringOptions& options) {
  const detail::ArgumentCheck check("projective_clustering");
  check.that(a.rows() >= 1 && a.cols() >= 1,
             [&] { return "the matrix must not be empty, got " + detail::shape_text(a.rows(), a.cols()); });
  check.in_range("num_clusters", options.num_clusters, 1, kMaxClusters);
  check.in_range("dimension", options.dimension, 0, a.cols());
  check.number(options.exponent == 1 || options.exponent == 2, "exponent", "1 or 2", options.exponent);
  check.number(options.truncation > 0, "truncation", "> 0", options.truncation);
  check.in_range("num_restarts", options.num_restarts, 1, kMostRestarts);
  check.number(options.max_iterations >= 1, "max_iterations", ">= 1", options.max_iterations);
  check.number(options.tolerance >= 0, "tolerance", ">= 0", options.tolerance);
  check.row_weights(options.row_weights, a.rows());
  check.finite(a);
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

SubspaceProblem problem_of(const RowSource& a, const ProjectiveClusteringOptions& options) {
  std::vector<double> weights(options.row_weights.begin(), options.row_weights.end());
  if (weights.empty()) weights.assign(a.rows(), 1.0);
  const double smoothing = options.exponent == 1 ? kSmoothing * root_mean_square_norm(a, weights) : 0.0;
  return {a, std::move(weights), options.dimension, detail::DistanceLoss(options, smoothing)};
}

ClusterLabels by_splitting(const SubspaceProblem& sample, Index num_clusters) {
  ClusterLabels labels(sample.a.rows());
  for (Index count = 1; count < num_clusters; ++count) {
    SubspaceDescent descent(sample, count, std::move(labels));
    descent.run(count == 1 ? 1 : kSplitSteps, 0);
    labels = descent.with_split_cluster(count);
  }
  return labels;
}

ClusterLabels start_labels(const SubspaceProblem& sample, MatrixView<const float> rows,
                           const ProjectiveClusteringOptions& options, int start) {
  RandomStream random(options.seed, RandomPurpose::initial_guess, static_cast<std::uint64_t>(start));
  if (start == 0) return by_splitting(sample, options.num_clusters);
  if (start % 2 == 1) return detail::angular_k_means(rows, sample.weights, options.num_clusters, random);
  return detail::farthest_subspaces(rows, sample.weights, options, random);
}

// A descent and its gain in the last round.
struct Trial {
  std::unique_ptr<SubspaceDescent> descent;
  double gain = std::numeric_limits<double>::infinity();
  bool running = true;

  double objective() const { return descent->best().objective; }
  void run_round() {
    if (descent->steps() == 0) descent->run(1, kTrialTolerance);  // a gain needs an objective before it
    const double before = objective();
    descent->run(kTrialSteps, kTrialTolerance);
    gain = before - objective();
    running = descent->status() != Status::converged;
  }
};

// Runs the trials for a few rounds. After each round it drops the trials that would not overtake
// the leader even if they gained kExpectedGain times their last gain.
std::unique_ptr<SubspaceDescent> best_of(std::vector<Trial> trials) {
  for (int round = 0; round < kTrialRounds; ++round) {
    for (Trial& trial : trials) {
      if (trial.running) trial.run_round();
    }
    std::ranges::stable_sort(trials, {}, &Trial::objective);
    const double best = trials.front().objective();
    const auto is_beaten = [&](const Trial& trial) {
      return trial.objective() > best && (!trial.running || trial.objective() - kExpectedGain * trial.gain > best);
    };
    std::erase_if(trials, is_beaten);
  }
  return std::move(trials.front().descent);
}

// The labels after one cluster is dissolved and the most costly of the others is split in two.
ClusterLabels exchanged_labels(const SubspaceProblem& sample, const SubspaceDescent& descent, Index dissolved) {
  std::vector<Matrix<double>> frames = descent.frames();
  frames.erase(frames.begin() + dissolved);
  const auto rest = static_cast<Index>(frames.size());
  SubspaceDescent without(sample, rest, detail::closest_subspaces(sample, frames));
  without.run(1, 0);
  return without.with_split_cluster(rest);
}

// The best of the descent and of kExchanges descents that start with one of its clusters exchanged:
// exchanges leave a basin of attraction, descents do not.
std::unique_ptr<SubspaceDescent> improved_by_exchanges(const SubspaceProblem& sample,
                                                       std::unique_ptr<SubspaceDescent> best, Index num_clusters) {
  std::vector<Trial> trials;
  for (Index l = 0; l < std::min(num_clusters, kExchanges); ++l) {
    trials.push_back(
        {.descent = std::make_unique<SubspaceDescent>(sample, num_clusters, exchanged_labels(sample, *best, l))});
  }
  trials.push_back({.descent = std::move(best)});
  return best_of(std::move(trials));
}

// Eigenbases of the clusters of the best restart on a sample of the rows.
std::vector<Matrix<double>> best_frames_on_sample(const SubspaceProblem& problem,
                                                  const ProjectiveClusteringOptions& options) {
  const Index wanted = std::max<Index>(4096, 4 * options.num_clusters * problem.a.cols());
  RandomStream random(options.seed, RandomPurpose::sampling);
  detail::PoissonSample chosen = detail::poisson_sample(problem.a, problem.weights, wanted, random);
  const DenseRows rows(std::as_const(chosen.rows).view());
  const SubspaceProblem sample{rows, std::move(chosen.weights), problem.dimension, problem.loss};
  std::vector<Trial> trials;
  trials.reserve(static_cast<std::size_t>(options.num_restarts));
  for (int start = 0; start < options.num_restarts; ++start) {
    trials.push_back(
        {.descent = std::make_unique<SubspaceDescent>(
             sample, options.num_clusters, start_labels(sample, std::as_const(chosen.rows).view(), options, start))});
  }
  return improved_by_exchanges(sample, best_of(std::move(trials)), options.num_clusters)->frames();
}

ProjectiveClustering finished(SubspaceClusters found, double single_objective, const SubspaceDescent& descent) {
  ProjectiveClustering result{.cluster_of_row = std::move(found.labels), .bases = std::move(found.bases), .report = {}};
  result.report = {.status = descent.status(),
                   .iterations = descent.steps(),
                   .initial_objective = single_objective,
                   .final_objective = found.objective,
                   .detail = ""};
  return result;
}

// The single subspace as a result of k clusters: the first one has all rows, the others are empty.
SubspaceClusters padded(SubspaceClusters single, Index num_clusters) {
  while (static_cast<Index>(single.bases.size()) < num_clusters) single.bases.push_back(single.bases[0].clone());
  return single;
}

}  // namespace

ProjectiveClustering projective_clustering(const RowSource& a, const ProjectiveClusteringOptions& options) {
  require_usable(a, options);
  const SubspaceProblem problem = problem_of(a, options);
  SubspaceDescent single(problem, 1, ClusterLabels(a.rows()));
  single.run(problem.loss.reweights() ? options.max_iterations : 1, options.tolerance);
  const double single_objective = single.best().objective;
  const auto single_result = [&] {
    return finished(padded(single.best().clone(), options.num_clusters), single_objective, single);
  };
  if (options.num_clusters == 1 || single_objective == 0) return single_result();
  const auto start = detail::closest_subspaces(problem, best_frames_on_sample(problem, options));
  SubspaceDescent descent(problem, options.num_clusters, start);
  descent.run(options.max_iterations, options.tolerance);
  if (descent.best().objective >= single_objective) return single_result();
  return finished(descent.best().clone(), single_objective, descent);
}

}  // namespace loewner
