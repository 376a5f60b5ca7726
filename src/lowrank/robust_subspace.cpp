// SPDX-License-Identifier: Apache-2.0
#include "loewner/lowrank/robust_subspace.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/squared_norm.hpp"
#include "loewner/linalg/truncated_svd.hpp"

namespace loewner {
namespace {

using detail::squared_norm;

// If ||a||^2 - ||V^T a||^2 is a smaller fraction of ||a||^2, it has lost too many digits, and the
// residual is formed.
constexpr double kCancellation = 1e-6;

double formed_residual(std::span<const double> row, std::span<const double> coordinates, MatrixView<const double> vt) {
  std::vector<double> residual(row.begin(), row.end());
  for (Index k = 0; k < vt.rows(); ++k) {
    for (Index j = 0; j < vt.cols(); ++j) residual[j] -= coordinates[k] * vt(k, j);
  }
  return std::sqrt(squared_norm<double>(residual));
}

double distance(std::span<const double> row, std::span<const double> coordinates, MatrixView<const double> vt) {
  const double norm = squared_norm(row), rest = norm - squared_norm(coordinates);
  return rest > kCancellation * norm ? std::sqrt(rest) : formed_residual(row, coordinates, vt);
}

// Iteratively reweighted least squares: distances from the subspace, weights from the distances, a
// subspace from the weights.
class Reweighting {
 public:
  Reweighting(const RowSource& a, const RobustSubspaceOptions& options)
      : a_(a), options_(options), weights_(a.rows(), 1.0) {}

  Matrix<double> subspace() const {
    std::vector<double> products = weights_;
    for (std::size_t i = 0; i < products.size(); ++i) products[i] *= row_weight(i);
    return truncated_svd(a_, {.rank = options_.rank, .row_weights = products}).vt;
  }

  double measure(MatrixView<const double> vt) {
    distances_ = distances_to_subspace(a_, vt);
    double objective = 0;
    bool is_zero = true;
    for (std::size_t i = 0; i < distances_.size(); ++i) {
      objective += row_weight(i) * options_.loss.value(distances_[i]);
      is_zero = is_zero && (distances_[i] == 0 || row_weight(i) == 0);
    }
    detail::ArgumentCheck("robust_subspace").that(std::isfinite(objective) && (objective > 0 || is_zero), [&] {
      return std::string("the objective ") + (objective == 0 ? "underflows" : "overflows") +
             " float64 at the scale of this input; multiply the matrix and the scale of the loss by a constant";
    });
    return objective;
  }

  /// False if all weights are 0.
  bool reweight() {
    const double damping = options_.loss.damping();
    double total = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const double target = options_.loss.weight(distances_[i]);
      weights_[i] = damping == 1 ? target : std::pow(weights_[i], 1 - damping) * std::pow(target, damping);
      total += weights_[i] * row_weight(i);
    }
    return total > 0;
  }

 private:
  double row_weight(std::size_t i) const { return options_.row_weights.empty() ? 1.0 : options_.row_weights[i]; }

  const RowSource& a_;
  const RobustSubspaceOptions& options_;
  std::vector<double> weights_, distances_;
};

}  // namespace

std::vector<double> distances_to_subspace(const RowSource& a, MatrixView<const double> vt) {
  detail::ArgumentCheck("distances_to_subspace").that(vt.cols() == a.cols(), [&] {
    return "vt must have " + detail::text_of(a.cols()) + " columns, got " + detail::text_of(vt.cols());
  });
  std::vector<double> distances(a.rows());
  for_each_row_block(a, [&](Index, Index first, MatrixView<const float> rows) {
    const Matrix<double> wide = detail::widened(rows);
    Matrix<double> coordinates = Matrix<double>::uninitialized(rows.rows(), vt.rows());
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, wide.view(), vt, 0.0, coordinates.view());
    for (Index i = 0; i < rows.rows(); ++i) distances[first + i] = distance(wide.row(i), coordinates.row(i), vt);
  });
  return distances;
}

RobustSubspace robust_subspace(const RowSource& a, const RobustSubspaceOptions& options) {
  const detail::ArgumentCheck check("robust_subspace");
  check.rank(options.rank, a.rows(), a.cols());
  check.row_weights(options.row_weights, a.rows());
  check.at_least("max_iterations", options.max_iterations, 0);
  Reweighting reweighting(a, options);
  RobustSubspace best{.vt = reweighting.subspace(), .report = {}};
  best.report.status = Status::max_iterations;
  double objective = reweighting.measure(best.vt.view());
  best.report.initial_objective = best.report.final_objective = objective;
  while (best.report.iterations < options.max_iterations) {
    if (objective == 0) {
      best.report.status = Status::converged;
      break;
    }
    if (!reweighting.reweight()) {
      best.report.status = Status::breakdown;
      best.report.detail = "all weights are 0: the scale of the loss is below all distances";
      break;
    }
    Matrix<double> vt = reweighting.subspace();
    const double previous = std::exchange(objective, reweighting.measure(vt.view()));
    ++best.report.iterations;
    if (objective < best.report.final_objective) {
      best.report.final_objective = objective;
      best.vt = std::move(vt);
    }
    if (std::abs(previous - objective) <= options.tolerance * previous) {
      best.report.status = Status::converged;
      break;
    }
  }
  return best;
}

}  // namespace loewner
