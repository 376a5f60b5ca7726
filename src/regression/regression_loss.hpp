// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "loewner/base/parallel.hpp"
#include "regression/basis_solution.hpp"
#include "regression/regression_design.hpp"

namespace loewner::detail {

/// A loss of residuals r (n values), with the solver of its regressions and what a proof of a lower
/// bound needs.
class RegressionLoss {
 public:
  virtual ~RegressionLoss() = default;

  /// The objective of c r is c^degree times that of r.
  virtual int degree() const = 0;

  /// min over y_j of  loss(targets_j - U y_j)  for columns that are orthogonal to U, of order 1.
  virtual BasisSolutions solve(const Matrix<double>& targets) const = 0;

  virtual double objective(std::span<const double> r) const = 0;

  /// At least ||r - r'||_2 for all r and r' whose objectives are at most this.
  virtual double reach(double objective) const = 0;

  /// At least sum_i |z_i (r_i - r'_i)| for such r and r'.
  virtual double reach_along(std::span<const double> z, double objective) const = 0;

  /// At most the objective of every r with  z^T r >= product.
  virtual double bound(std::span<const double> z, double product) const = 0;
};

/// ||r||_p, 1 <= p <= infinity. The design must outlive it.
std::shared_ptr<const RegressionLoss> norm_loss(const RegressionDesign& design, double p, const RegressionStop& stop);

/// The sum of the Huber losses of r_i with thresholds c_i. The design must outlive it.
std::shared_ptr<const RegressionLoss> huber_sum(const RegressionDesign& design, std::vector<double> thresholds,
                                                const RegressionStop& stop);

/// Runs the tasks in parallel. If there are fewer tasks than threads, the loops inside a task run in
/// parallel instead.
template <typename Task>
void for_each_task(Index count, Task&& task) {
  if (count >= num_threads()) {
    parallel_for(count, task);
  } else {
    for (Index i = 0; i < count; ++i) task(i);
  }
}

}  // namespace loewner::detail
