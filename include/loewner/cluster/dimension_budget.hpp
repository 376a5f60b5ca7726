// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// What each further dimension of a cluster's subspace costs and gains.
struct ClusterSpectrum {
  Index rows = 0;  ///< n_l; each row stores one coordinate per dimension
  /// Eigenvalues of the cluster's weighted Gram matrix, >= 0, descending. Dimension i lowers the
  /// squared error by eigenvalue i.
  std::vector<double> eigenvalues;
};

/// Dimensions j_l of the subspaces of fixed clusters.
struct DimensionBudget {
  std::vector<Index> dimensions;  ///< j_l
  Index numbers = 0;              ///< sum_l j_l (n_l + d): stored coordinates and bases
  double squared_error = 0;       ///< sum of the eigenvalues of all other dimensions
  /// Gain per number, eigenvalue / (n_l + d), of the first dimension that did not fit: the Lagrange
  /// multiplier of the budget. 0 if all dimensions fit.
  double price = 0;
};

/// Chooses the dimensions of the subspaces: minimizes  sum_l sum_{i > j_l} eigenvalue_li
/// subject to  sum_l j_l (n_l + d) <= max_numbers.
///
/// Shapes    clusters: k spectra of at most d eigenvalues; result: k dimensions.
/// Method    greedy by eigenvalue / (n_l + d), which is optimal for the relaxation with a
///           fractional last dimension. A cluster whose next dimension does not fit receives no
///           further ones; the others continue.
/// Cost      sorting at most k d numbers.
/// Accuracy  the squared error exceeds the minimum by less than the largest eigenvalue that was
///           left out. Dimensions of eigenvalue 0 are never added.
/// Random    none.
/// Errors    none.
DimensionBudget spend_on_dimensions(std::span<const ClusterSpectrum> clusters, Index d, Index max_numbers);

}  // namespace loewner
