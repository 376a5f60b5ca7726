// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/budgeted_clustering.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/argument_check.hpp"
#include "cluster/cluster_subspaces.hpp"
#include "cluster/initial_partitions.hpp"
#include "cluster/subspace_distances.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner {
namespace {

constexpr int kStepsPerNumber = 4;      // steps with each number of clusters that is tried
constexpr double kDoublingGain = 0.02;  // least relative decrease of the squared error by a doubling

void require_usable(const RowSource& a, const BudgetedClusteringOptions& options) {
  const detail::ArgumentCheck check("budgeted_clustering");
  check.that(a.rows() >= 1 && a.cols() >= 1,
             [&] { return "the matrix must not be empty, got " + detail::shape_text(a.rows(), a.cols()); });
  if (options.num_clusters) check.in_range("num_clusters", *options.num_clusters, 1, kMaxClusters);
  check.that(options.start.empty() || static_cast<Index>(options.start.size()) == a.rows(), [&] {
    return "start must have one label per row, " + detail::text_of(a.rows()) + ", got " +
           detail::text_of(options.start.size());
  });
  check.number(options.max_numbers >= 0, "max_numbers", ">= 0", options.max_numbers);
  check.number(options.max_iterations >= 1, "max_iterations", ">= 1", options.max_iterations);
  check.number(options.tolerance >= 0, "tolerance", ">= 0", options.tolerance);
  check.row_weights(options.row_weights, a.rows());
  check.finite(a);
}

std::vector<ClusterSpectrum> spectra_of(const detail::ClusterSubspaces& subspaces) {
  std::vector<ClusterSpectrum> spectra(subspaces.num_clusters());
  for (Index l = 0; l < subspaces.num_clusters(); ++l) {
    spectra[l].rows = subspaces.size(l);
    if (spectra[l].rows == 0) continue;
    const auto& values = subspaces.eigen(l).values;
    for (const double value : values) spectra[l].eigenvalues.push_back(std::max(0.0, value));
  }
  return spectra;
}

// Moves every row to the cluster of least error plus price of its coordinates. Ties keep their
// label.
ClusterLabels reassigned(const Matrix<double>& distances, std::span<const double> weights,
                         const DimensionBudget& budget, ClusterLabels labels) {
  const Index k = distances.cols();
  for (Index i = 0; i < distances.rows(); ++i) {
    const auto cost = [&](Index l) {
      return weights[i] * distances(i, l) + budget.price * static_cast<double>(budget.dimensions[l]);
    };
    for (Index l = 0; l < k; ++l) {
      if (cost(l) < cost(labels[i])) labels[i] = static_cast<std::uint8_t>(l);
    }
  }
  return labels;
}

// Keeps the order of the other clusters.
void drop_empty_clusters(BudgetedClustering& result) {
  std::vector<std::uint8_t> number(result.clusters.size());
  std::uint8_t next = 0;
  for (std::size_t l = 0; l < number.size(); ++l) {
    if (result.clusters[l].rows > 0) number[l] = next++;
  }
  for (auto& label : result.cluster_of_row) label = number[label];
  std::erase_if(result.clusters, [](const ClusterSpectrum& cluster) { return cluster.rows == 0; });
}

struct BudgetedProblem {
  const RowSource& a;
  std::vector<double> weights;
  Index max_numbers;
};

struct StoppingRule {
  int max_iterations;
  double tolerance;
};

BudgetedClustering descend(const BudgetedProblem& problem, ClusterLabels labels, Index num_clusters,
                           const StoppingRule& stop) {
  detail::ClusterSubspaces subspaces(problem.a, num_clusters);
  BudgetedClustering best;
  best.report.final_objective = std::numeric_limits<double>::infinity();
  best.report.status = Status::max_iterations;
  while (best.report.iterations < stop.max_iterations) {
    throw_if_cancelled();
    ++best.report.iterations;
    subspaces.fit(labels, problem.weights);
    std::vector<ClusterSpectrum> spectra = spectra_of(subspaces);
    const DimensionBudget budget = spend_on_dimensions(spectra, problem.a.cols(), problem.max_numbers);
    const double before = best.report.final_objective;
    if (budget.squared_error < before) {
      best.report.final_objective = budget.squared_error;
      best.cluster_of_row = labels;
      best.clusters = std::move(spectra);
    }
    if (num_clusters == 1 || budget.squared_error >= (1 - stop.tolerance) * before) {
      best.report.status = Status::converged;
      break;
    }
    std::vector<detail::Frame> frames;
    for (Index l = 0; l < num_clusters; ++l) {
      frames.push_back({subspaces.eigen(l).vectors_t.view(), budget.dimensions[l]});
    }
    labels = reassigned(detail::squared_distances(problem.a, frames), problem.weights, budget, std::move(labels));
  }
  return best;
}

// Starts from strata of equal energy.
BudgetedClustering from_strata(const BudgetedProblem& problem, Index num_clusters, const StoppingRule& stop) {
  return descend(problem, detail::energy_strata(problem.a, problem.weights, num_clusters), num_clusters, stop);
}

BudgetedClustering from_labels(const BudgetedProblem& problem, std::span<const std::uint8_t> labels,
                               const StoppingRule& stop) {
  const Index num_clusters = Index{*std::ranges::max_element(labels)} + 1;
  return descend(problem, {labels.begin(), labels.end()}, num_clusters, stop);
}

// Tries 2, 4, 8, ... clusters for a few steps each until a doubling gains too little; continues
// from the best.
BudgetedClustering with_chosen_number(const BudgetedProblem& problem, double single_objective,
                                      const StoppingRule& stop) {
  const Index most = std::min(kMaxClusters, problem.a.rows());
  BudgetedClustering best;
  best.report.final_objective = single_objective;
  for (Index k = 2; k <= most; k *= 2) {
    BudgetedClustering tried = from_strata(problem, k, {kStepsPerNumber, stop.tolerance});
    const bool enough = tried.report.final_objective >= (1 - kDoublingGain) * best.report.final_objective;
    if (tried.report.final_objective < best.report.final_objective) best = std::move(tried);
    if (enough) break;
  }
  return best.cluster_of_row.empty() ? std::move(best) : from_labels(problem, best.cluster_of_row, stop);
}

BudgetedClustering with_several(const BudgetedProblem& problem, const BudgetedClusteringOptions& options,
                                double single_objective) {
  const StoppingRule stop{options.max_iterations, options.tolerance};
  if (!options.start.empty()) return from_labels(problem, options.start, stop);
  if (!options.num_clusters) return with_chosen_number(problem, single_objective, stop);
  return from_strata(problem, *options.num_clusters, stop);
}

}  // namespace

BudgetedClustering budgeted_clustering(const RowSource& a, const BudgetedClusteringOptions& options) {
  require_usable(a, options);
  BudgetedProblem problem{a, {options.row_weights.begin(), options.row_weights.end()}, options.max_numbers};
  if (problem.weights.empty()) problem.weights.assign(a.rows(), 1.0);
  BudgetedClustering single = descend(problem, ClusterLabels(a.rows()), 1, {1, 0});
  const double single_objective = single.report.final_objective;
  single.report.initial_objective = single_objective;
  if (options.num_clusters == 1 || single_objective == 0) return single;
  BudgetedClustering several = with_several(problem, options, single_objective);
  if (several.report.final_objective >= single_objective) return single;
  several.report.initial_objective = single_objective;
  drop_empty_clusters(several);
  return several;
}

}  // namespace loewner
