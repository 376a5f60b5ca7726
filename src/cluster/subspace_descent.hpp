// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "cluster/cluster_subspaces.hpp"
#include "cluster/subspace_distances.hpp"
#include "loewner/base/status.hpp"
#include "loewner/cluster/projective_clustering.hpp"

namespace loewner::detail {

/// min(r^q, t) as a function of r^2. For q = 1 it is quadratic below `smoothing`, so that weights
/// stay finite.
class DistanceLoss {
 public:
  DistanceLoss(const ProjectiveClusteringOptions& options, double smoothing);

  /// True unless the loss is r^2, for which all weights are 1.
  bool reweights() const;

  double value(double squared_distance) const;

  /// d value / d squared_distance, up to a constant factor: the weight of a row in the next Gram
  /// matrix.
  double weight(double squared_distance) const;

 private:
  bool linear_;
  double truncation_, smoothing_;
};

/// min sum_i u_i loss(dist(a_i, S_c(i))^2)  over subspaces S_l of one dimension.
struct SubspaceProblem {
  const RowSource& a;
  std::vector<double> weights;  ///< u, n
  Index dimension;
  DistanceLoss loss;
};

struct SubspaceClusters {
  ClusterLabels labels;               ///< n
  std::vector<Matrix<double>> bases;  ///< k matrices, dimension x d
  double objective = std::numeric_limits<double>::infinity();

  SubspaceClusters clone() const;
};

/// The label of the closest subspace of every row; `frames` are eigenbases (d x d) whose leading
/// rows span the subspaces.
ClusterLabels closest_subspaces(const SubspaceProblem& problem, const std::vector<Matrix<double>>& frames);

/// Alternates between the subspaces of the clusters and the closest subspace of every row, and
/// keeps the best iterate.
///
/// Refers to the problem, which must outlive it.
class SubspaceDescent {
 public:
  SubspaceDescent(const SubspaceProblem& problem, Index num_clusters, ClusterLabels start);

  /// At most max_steps further steps; stops when a step lowers the objective by less than
  /// `tolerance` (relative).
  void run(int max_steps, double tolerance);

  const SubspaceClusters& best() const { return best_; }
  int steps() const { return steps_; }
  Status status() const { return status_; }

  /// All d eigenvectors of each cluster of the last step, by rows.
  std::vector<Matrix<double>> frames() const;

  /// The labels after the most costly cluster is split in two: its rows of larger cost become
  /// cluster `new_label`.
  ClusterLabels with_split_cluster(Index new_label) const;

 private:
  void take_step();
  void reweight(std::span<const double> squared_distances);
  Index refill_empty_clusters();
  std::vector<Index> rows_by_cost() const;

  const SubspaceProblem& problem_;
  ClusterSubspaces subspaces_;
  ClusterLabels labels_;
  std::vector<double> step_weights_, costs_;
  std::vector<bool> was_refilled_;
  Index refilled_ = 0;
  SubspaceClusters best_;
  int steps_ = 0;
  Status status_ = Status::max_iterations;
};

}  // namespace loewner::detail
