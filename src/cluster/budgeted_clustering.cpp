// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/budgeted_clustering.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "detail/cluster_starts.hpp"
#include "detail/cluster_subspaces.hpp"
#include "detail/row_weights.hpp"
#include "detail/subspace_distances.hpp"
#include "loewner/base/cancellation.hpp"

namespace loewner {
namespace {

void require_usable(const RowSource& a, const BudgetedClusteringOptions& options) {
  const std::string name = "budgeted_clustering: ";
  require(a.rows() >= 1 && a.cols() >= 1, [&] {
    return name + "the matrix must not be empty, got " + std::to_string(a.rows()) + " x " + std::to_string(a.cols());
  });
  require(options.num_clusters >= 1 && options.num_clusters <= kMaxClusters, [&] {
    return name + "the number of clusters must be in [1, 256], got " + std::to_string(options.num_clusters);
  });
  require(options.max_numbers >= 0 && options.max_iterations >= 1 && options.tolerance >= 0, [&] {
    return name + "a number of factor entries and a tolerance >= 0 and at least one iteration are needed";
  });
  detail::require_row_weights(options.row_weights, a.rows(), "budgeted_clustering");
  require_finite(a, name + "the matrix");
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

// Every row to where its error and its coordinates cost least; ties stay.
ClusterLabels cheapest(const Matrix<double>& distances, std::span<const double> weights, const DimensionBudget& budget,
                       ClusterLabels labels) {
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

// Clusters that have rows, numbered anew in their old order.
void drop_empty_clusters(BudgetedClustering& result) {
  std::vector<std::uint8_t> number(result.clusters.size());
  std::uint8_t next = 0;
  for (std::size_t l = 0; l < number.size(); ++l) {
    if (result.clusters[l].rows > 0) number[l] = next++;
  }
  for (auto& label : result.cluster_of_row) label = number[label];
  std::erase_if(result.clusters, [](const ClusterSpectrum& cluster) { return cluster.rows == 0; });
}

BudgetedClustering descend(const RowSource& a, const BudgetedClusteringOptions& options,
                           std::span<const double> weights, ClusterLabels labels, Index num_clusters) {
  detail::ClusterSubspaces subspaces(a, num_clusters);
  BudgetedClustering best;
  best.report.final_objective = std::numeric_limits<double>::infinity();
  best.report.status = Status::max_iterations;
  while (best.report.iterations < options.max_iterations) {
    throw_if_cancelled();
    ++best.report.iterations;
    subspaces.fit(labels, weights);
    std::vector<ClusterSpectrum> spectra = spectra_of(subspaces);
    const DimensionBudget budget = spend_on_dimensions(spectra, a.cols(), options.max_numbers);
    const double before = best.report.final_objective;
    if (budget.squared_error < before) {
      best.report.final_objective = budget.squared_error;
      best.cluster_of_row = labels;
      best.clusters = std::move(spectra);
    }
    if (num_clusters == 1 || budget.squared_error >= (1 - options.tolerance) * before) {
      best.report.status = Status::converged;
      break;
    }
    std::vector<detail::Frame> frames;
    for (Index l = 0; l < num_clusters; ++l) {
      frames.push_back({subspaces.eigen(l).vectors_t.view(), budget.dimensions[l]});
    }
    labels = cheapest(detail::squared_distances(a, frames), weights, budget, std::move(labels));
  }
  return best;
}

}  // namespace

BudgetedClustering budgeted_clustering(const RowSource& a, const BudgetedClusteringOptions& options) {
  require_usable(a, options);
  std::vector<double> weights(options.row_weights.begin(), options.row_weights.end());
  if (weights.empty()) weights.assign(a.rows(), 1.0);
  BudgetedClustering single = descend(a, options, weights, ClusterLabels(a.rows()), 1);
  const double nested = single.report.initial_objective = single.report.final_objective;
  if (options.num_clusters == 1 || nested == 0) return single;
  BudgetedClustering several =
      descend(a, options, weights, detail::energy_strata(a, weights, options.num_clusters), options.num_clusters);
  if (several.report.final_objective >= nested) return single;
  several.report.initial_objective = nested;
  drop_empty_clusters(several);
  return several;
}

}  // namespace loewner
