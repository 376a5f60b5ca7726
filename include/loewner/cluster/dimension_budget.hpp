// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// What the dimensions of a cluster's subspace cost and gain.
struct ClusterSpectrum {
  Index rows = 0;                   ///< n_l, each of which stores one coordinate per dimension
  std::vector<double> eigenvalues;  ///< of the cluster's weighted Gram matrix, >= 0, descending: the squared error
                                    ///< that each dimension takes away
};

/// Dimensions j_l of the subspaces of fixed clusters.
struct DimensionBudget {
  std::vector<Index> dimensions;  ///< j_l
  Index numbers = 0;              ///< sum_l j_l (n_l + d): left blocks and bases
  double squared_error = 0;       ///< sum of the eigenvalues left out
  double price = 0;               ///< squared error per number at which spending stopped; 0 when all was bought
};

/// Minimises  sum_l sum_{i > j_l} eigenvalue_li  subject to  sum_l j_l (n_l + d) <= max_numbers.
///
/// Method    greedy by eigenvalue / (n_l + d): optimal when the last dimension may be split, since the eigenvalues
///           decrease; a dimension that no longer fits closes its cluster and the others go on.
/// Cost      sorting k d numbers.
/// Accuracy  above the optimum by less than the largest single gain that was left out. Eigenvalues of 0 are not bought.
/// Random    none.
DimensionBudget spend_on_dimensions(std::span<const ClusterSpectrum> clusters, Index d, Index max_numbers);

}  // namespace loewner
