// SPDX-License-Identifier: Apache-2.0
#include "cluster/cluster_subspaces.hpp"

#include <algorithm>
#include <utility>

#include "linalg/gathered_rows.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/linalg/gram.hpp"

namespace loewner::detail {
namespace {

// Downdating a Gram matrix to this share of its trace loses as many digits; it is then computed
// anew.
constexpr double kSmallestShare = 1e-4;

double trace(const Matrix<double>& g) {
  double sum = 0;
  for (Index i = 0; i < g.rows(); ++i) sum += g(i, i);
  return sum;
}

void add(const Matrix<double>& part, double sign, Matrix<double>& sum) {
  for (Index i = 0; i < sum.rows(); ++i) {
    for (Index j = 0; j < sum.cols(); ++j) sum(i, j) += sign * part(i, j);
  }
}

}  // namespace

std::vector<std::vector<Index>> rows_by_cluster(std::span<const std::uint8_t> labels, Index num_clusters) {
  std::vector<std::vector<Index>> rows(num_clusters);
  for (std::size_t i = 0; i < labels.size(); ++i) rows[labels[i]].push_back(static_cast<Index>(i));
  return rows;
}

ClusterSubspaces::ClusterSubspaces(const RowSource& a, Index num_clusters) : a_(a), clusters_(num_clusters) {}

Matrix<double> ClusterSubspaces::gram_of(const std::vector<Index>& rows) const {
  return gram(GatheredRows(a_, rows), gathered(weights_, rows));
}

void ClusterSubspaces::fit_cluster(Index l, const std::vector<Index>& rows, const std::vector<Index>& in,
                                   const std::vector<Index>& out) {
  Cluster& cluster = clusters_[l];
  cluster.size = static_cast<Index>(rows.size());
  if (in.size() + out.size() >= rows.size()) {
    cluster.gram = gram_of(rows);
    return;
  }
  const double before = trace(cluster.gram);
  add(gram_of(in), 1, cluster.gram);
  add(gram_of(out), -1, cluster.gram);
  if (trace(cluster.gram) < kSmallestShare * before) cluster.gram = gram_of(rows);
}

void ClusterSubspaces::fit(ClusterLabels labels, std::span<const double> weights) {
  const bool fresh = labels_.empty() || !std::ranges::equal(weights, weights_);
  weights_.assign(weights.begin(), weights.end());
  std::vector<std::vector<Index>> in(clusters_.size()), out(clusters_.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (fresh || labels[i] != labels_[i]) in[labels[i]].push_back(static_cast<Index>(i));
    if (!fresh && labels[i] != labels_[i]) out[labels_[i]].push_back(static_cast<Index>(i));
  }
  const auto rows = rows_by_cluster(labels, num_clusters());
  std::vector<Index> changed;
  for (Index l = 0; l < num_clusters(); ++l) {
    if (!fresh && in[l].empty() && out[l].empty()) continue;
    fit_cluster(l, rows[l], in[l], out[l]);
    const bool has_basis = clusters_[l].eigen.vectors_t.rows() > 0;
    if (trace(clusters_[l].gram) > 0 || !has_basis) changed.push_back(l);
  }
  parallel_for(static_cast<Index>(changed.size()), [&](Index i) {
    Cluster& cluster = clusters_[changed[i]];
    cluster.eigen = symmetric_eigen(cluster.gram.clone());
  });
  labels_ = std::move(labels);
}

}  // namespace loewner::detail
