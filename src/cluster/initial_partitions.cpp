// SPDX-License-Identifier: Apache-2.0
#include "cluster/initial_partitions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cluster/subspace_distances.hpp"
#include "linalg/blas.hpp"
#include "linalg/gathered_rows.hpp"
#include "linalg/squared_norm.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "loewner/linalg/symmetric_eigen.hpp"

namespace loewner::detail {
namespace {

constexpr int kMeansSteps = 6;

double weight_of(std::span<const double> weights, Index i) {
  return weights.empty() ? 1.0 : weights[i];
}

// An index with probability proportional to its mass; uniform if no mass is positive.
Index drawn(std::span<const double> mass, RandomStream& random) {
  double total = 0;
  for (const double m : mass) total += m;
  if (!(total > 0)) return static_cast<Index>(random.below(mass.size()));
  double rest = random.uniform() * total;
  Index last_positive = 0;
  for (std::size_t i = 0; i < mass.size(); ++i) {
    if (mass[i] <= 0) continue;
    last_positive = static_cast<Index>(i);
    if ((rest -= mass[i]) < 0) break;
  }
  return last_positive;
}

Matrix<float> unit_rows(MatrixView<const float> a) {
  Matrix<float> unit(a.rows(), a.cols());
  for (Index i = 0; i < a.rows(); ++i) {
    const double norm = std::sqrt(squared_norm<float>(a.row(i)));
    if (norm > 0) {
      std::ranges::transform(a.row(i), unit.row(i).begin(), [&](float x) { return static_cast<float>(x / norm); });
    }
  }
  return unit;
}

// Cosines of all rows with all centers (n x k).
Matrix<float> cosines(MatrixView<const float> unit, MatrixView<const float> centers) {
  Matrix<float> result(unit.rows(), centers.rows());
  for_each_row_block(DenseRows(unit), [&](Index, Index first, MatrixView<const float> rows) {
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, rows, centers, 0.0F,
               result.view().row_block(first, rows.rows()));
  });
  return result;
}

Matrix<float> drawn_centers(MatrixView<const float> unit, std::span<const double> weights, Index count,
                            RandomStream& random) {
  Matrix<float> centers(count, unit.cols());
  std::vector<double> mass(unit.rows()), closest(unit.rows(), 0.0);
  for (Index l = 0; l < count; ++l) {
    for (Index i = 0; i < unit.rows(); ++i) mass[i] = weight_of(weights, i) * std::max(0.0, 1 - closest[i]);
    std::ranges::copy(unit.row(drawn(mass, random)), centers.row(l).begin());
    const Matrix<float> cosine = cosines(unit, std::as_const(centers).view().row_block(l, 1));
    for (Index i = 0; i < unit.rows(); ++i) {
      const double c = cosine(i, 0);
      closest[i] = std::max(closest[i], c * c);
    }
  }
  return centers;
}

// Replaces each center by the mean of its rows, with signs such that they point to the side of the
// center. A center without rows stays.
void move_centers(MatrixView<const float> unit, std::span<const double> weights, const Matrix<float>& cosine,
                  const ClusterLabels& labels, Matrix<float>& centers) {
  Matrix<double> sums(centers.rows(), centers.cols());
  for (Index i = 0; i < unit.rows(); ++i) {
    const double weight = weight_of(weights, i) * (cosine(i, labels[i]) < 0 ? -1 : 1);
    const auto row = unit.row(i);
    const auto sum = sums.row(labels[i]);
    for (std::size_t j = 0; j < row.size(); ++j) sum[j] += weight * static_cast<double>(row[j]);
  }
  for (Index l = 0; l < centers.rows(); ++l) {
    double norm = 0;
    for (const double x : sums.row(l)) norm += x * x;
    if (!(norm > 0)) continue;
    std::ranges::transform(sums.row(l), centers.row(l).begin(),
                           [&](double x) { return static_cast<float>(x / std::sqrt(norm)); });
  }
}

ClusterLabels nearest_centers(const Matrix<float>& cosine) {
  ClusterLabels labels(cosine.rows());
  for (Index i = 0; i < cosine.rows(); ++i) {
    const auto row = cosine.row(i);
    const auto best = std::ranges::max_element(row, {}, [](float c) { return std::abs(c); });
    labels[i] = static_cast<std::uint8_t>(best - row.begin());
  }
  return labels;
}

std::vector<Index> closest_rows(MatrixView<const float> unit, Index to, Index count) {
  const Matrix<float> cosine = cosines(unit, unit.row_block(to, 1));
  std::vector<Index> order(unit.rows());
  std::iota(order.begin(), order.end(), Index{0});
  count = std::min(count, unit.rows());
  std::ranges::partial_sort(order, order.begin() + count, std::ranges::greater{},
                            [&](Index i) { return std::pair(std::abs(cosine(i, 0)), -i); });
  order.resize(count);
  return order;
}

}  // namespace

ClusterLabels angular_k_means(MatrixView<const float> a, std::span<const double> weights, Index num_clusters,
                              RandomStream& random) {
  const Matrix<float> unit = unit_rows(a);
  Matrix<float> centers = drawn_centers(unit.view(), weights, num_clusters, random);
  Matrix<float> cosine = cosines(unit.view(), std::as_const(centers).view());
  ClusterLabels labels = nearest_centers(cosine);
  for (int step = 0; step < kMeansSteps; ++step) {
    move_centers(unit.view(), weights, cosine, labels, centers);
    cosine = cosines(unit.view(), std::as_const(centers).view());
    labels = nearest_centers(cosine);
  }
  return labels;
}

ClusterLabels farthest_subspaces(MatrixView<const float> a, std::span<const double> weights,
                                 const ProjectiveClusteringOptions& options, RandomStream& random) {
  const Matrix<float> unit = unit_rows(a);
  std::vector<double> mass(a.rows()), closest(a.rows());
  for (Index i = 0; i < a.rows(); ++i) closest[i] = squared_norm<float>(a.row(i));
  ClusterLabels labels(a.rows());
  for (Index l = 0; l < options.num_clusters; ++l) {
    for (Index i = 0; i < a.rows(); ++i) {
      mass[i] = weight_of(weights, i) * (options.exponent == 1 ? std::sqrt(closest[i]) : closest[i]);
    }
    // About twice the dimension: enough rows to span the subspace, few enough to lie close to one.
    const auto rows = closest_rows(unit.view(), drawn(mass, random), 2 * options.dimension + 1);
    const DenseRows source(a);
    const SymmetricEigen eigen = symmetric_eigen(gram(GatheredRows(source, rows), gathered(weights, rows)));
    const Frame frame{eigen.vectors_t.view(), options.dimension};
    const Matrix<double> distances = squared_distances(source, {&frame, 1});
    for (Index i = 0; i < a.rows(); ++i) {
      if (l > 0 && distances(i, 0) >= closest[i]) continue;
      closest[i] = distances(i, 0);
      labels[i] = static_cast<std::uint8_t>(l);
    }
  }
  return labels;
}

ClusterLabels energy_strata(const RowSource& a, std::span<const double> weights, Index num_clusters) {
  const std::vector<double> energy = row_energies(a, weights);
  std::vector<Index> order(a.rows());
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](Index i) { return energy[i]; });
  ClusterLabels labels(a.rows());
  for (Index rank = 0; rank < a.rows(); ++rank) {
    labels[order[rank]] = static_cast<std::uint8_t>(rank * num_clusters / a.rows());
  }
  return labels;
}

}  // namespace loewner::detail
