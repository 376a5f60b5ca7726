// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/subspace_fit.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "cluster/cluster_subspaces.hpp"
#include "linalg/blas.hpp"
#include "linalg/gathered_rows.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/error.hpp"
#include "loewner/linalg/row_projection.hpp"

namespace loewner {
namespace {

// Enough for the shape of the curve; an encoding iterates to convergence.
constexpr int kStepsPerBudget = 6;

// Numbers of factors that fit besides the labels; negative if the labels alone are too large.
Index numbers_within(Index rows, Index max_bytes, NumberFormat format) {
  return max_bytes < rows ? -1 : (max_bytes - rows) / bytes_per_number(format);
}

double squared_error_of(const BudgetedClustering& clustering, Index cols, Index max_numbers) {
  return spend_on_dimensions(clustering.clusters, cols, max_numbers).squared_error;
}

[[noreturn]] void refuse_budget(Index max_bytes, Index smallest) {
  throw BudgetError("the budget leaves " + std::to_string(max_bytes) +
                    " bytes for the subspaces, but labels and one dimension need " + std::to_string(smallest));
}

Matrix<float> mapped(MatrixView<const double> basis, MatrixView<const double> channel_map) {
  if (channel_map.rows() == 0) return detail::narrowed(basis);
  Matrix<double> product = Matrix<double>::uninitialized(basis.rows(), basis.cols());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, basis, channel_map, 0.0, product.view());
  return detail::narrowed(product.view());
}

// The leading eigenvectors of each cluster, and left blocks that are projected on them when they
// are read.
std::unique_ptr<Subspaces> built(const std::shared_ptr<const RowSource>& matrix, std::span<const double> weights,
                                 const BudgetedClustering& clustering, const DimensionBudget& budget,
                                 NumberFormat format, MatrixView<const double> channel_map) {
  const auto count = static_cast<Index>(clustering.clusters.size());
  detail::ClusterSubspaces subspaces(*matrix, count);
  subspaces.fit(clustering.cluster_of_row, weights);
  auto rows = detail::rows_by_cluster(clustering.cluster_of_row, count);
  std::vector<Subspaces::Cluster> clusters(count);
  for (Index l = 0; l < count; ++l) {
    if (budget.dimensions[l] == 0) continue;
    const auto basis = subspaces.eigen(l).vectors_t.view().row_block(0, budget.dimensions[l]);
    auto members = std::make_shared<detail::GatheredRows>(matrix, std::move(rows[l]));
    clusters[l] = {std::make_shared<ProjectedRows>(std::move(members), basis), mapped(basis, channel_map)};
  }
  return std::make_unique<Subspaces>(clustering.cluster_of_row, matrix->cols(), std::move(clusters), format);
}

void require_shares(const std::vector<double>& shares) {
  const bool usable = !shares.empty() && std::ranges::all_of(shares, [](double s) { return s > 0 && s <= 1; });
  require(usable,
          [] { return std::string("SubspaceFit: the shares of numbers to keep must be in (0, 1], one or more"); });
}

}  // namespace

SubspaceFit::SubspaceFit(std::shared_ptr<const RowSource> matrix, const SubspaceFitOptions& options)
    : matrix_(std::move(matrix)),
      row_weights_(options.row_weights.begin(), options.row_weights.end()),
      channel_map_(options.channel_map) {
  require_shares(options.keep_numbers);
  const auto entries = static_cast<double>(matrix_->rows()) * static_cast<double>(matrix_->cols());
  for (const double share : options.keep_numbers) {
    BudgetedClusteringOptions budgeted{.num_clusters = options.num_subspaces,
                                       .max_numbers = static_cast<Index>(share * entries),
                                       .row_weights = row_weights_,
                                       .max_iterations = kStepsPerBudget};
    if (!clusterings_.empty()) budgeted.start = clusterings_.back().cluster_of_row;
    clusterings_.push_back(budgeted_clustering(*matrix_, budgeted));
  }
}

double SubspaceFit::squared_norm() const {
  return squared_error_of(clusterings_.front(), matrix_->cols(), 0);
}

const BudgetedClustering& SubspaceFit::best_for(Index max_numbers) const {
  return *std::ranges::min_element(clusterings_, {}, [&](const BudgetedClustering& clustering) {
    return squared_error_of(clustering, matrix_->cols(), max_numbers);
  });
}

double SubspaceFit::squared_error(Index max_bytes, NumberFormat format) const {
  const Index numbers = numbers_within(rows(), max_bytes, format);
  if (numbers < 0) return std::numeric_limits<double>::infinity();
  return squared_error_of(best_for(numbers), matrix_->cols(), numbers);
}

std::optional<Index> SubspaceFit::bytes_within(double max_squared_error, NumberFormat format) const {
  const Index d = matrix_->cols();
  Index low = 0, high = (rows() + kMaxClusters * d) * d;  // numbers: too few, and the largest possible
  const auto error = [&](Index numbers) { return squared_error_of(best_for(numbers), d, numbers); };
  if (error(high) > max_squared_error) return std::nullopt;
  while (low < high) {
    const Index middle = low + (high - low) / 2;
    if (error(middle) <= max_squared_error) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return Subspaces::bytes_of_numbers(rows(), high, format);
}

BudgetedClustering SubspaceFit::refined(const BudgetedClustering& clustering, Index max_numbers) const {
  return budgeted_clustering(*matrix_, {.num_clusters = std::nullopt,
                                        .max_numbers = max_numbers,
                                        .row_weights = row_weights_,
                                        .start = clustering.cluster_of_row});
}

SubspaceFit::Encoded SubspaceFit::encode(Index max_bytes, NumberFormat format, bool refine) const {
  const Index numbers = numbers_within(rows(), max_bytes, format);
  const Index smallest = Subspaces::bytes_of_numbers(rows(), rows() + matrix_->cols(), format);
  if (numbers < 0) refuse_budget(max_bytes, smallest);
  const BudgetedClustering& fitted = best_for(numbers);
  const double error = squared_error_of(fitted, matrix_->cols(), numbers);
  std::optional<BudgetedClustering> better;
  if (refine) better = refined(fitted, numbers);
  const bool use_better = better && better->report.final_objective < error;
  const BudgetedClustering& chosen = use_better ? *better : fitted;
  const DimensionBudget budget = spend_on_dimensions(chosen.clusters, matrix_->cols(), numbers);
  if (budget.numbers == 0 && squared_norm() > 0) refuse_budget(max_bytes, smallest);
  return {built(matrix_, row_weights_, chosen, budget, format, channel_map_), budget.squared_error};
}

SubspaceFit::Encoded encode_subspaces(std::shared_ptr<const RowSource> matrix, const SubspaceRequest& request) {
  require(request.max_bytes.has_value() != request.max_error.has_value(),
          [] { return std::string("encode_subspaces: exactly one of max_bytes and max_error is needed"); });
  SubspaceFitOptions options{
      .row_weights = request.row_weights, .num_subspaces = request.num_subspaces, .channel_map = request.channel_map};
  const double entries = static_cast<double>(matrix->rows()) * static_cast<double>(matrix->cols());
  if (request.max_bytes) {
    const Index numbers = numbers_within(matrix->rows(), *request.max_bytes, request.format);
    options.keep_numbers = {std::clamp(static_cast<double>(numbers) / entries, 1e-6, 1.0)};
    return SubspaceFit(std::move(matrix), options).encode(*request.max_bytes, request.format);
  }
  require(*request.max_error > 0,
          [&] { return "encode_subspaces: the error must be positive, got " + std::to_string(*request.max_error); });
  const SubspaceFit fit(std::move(matrix), options);
  const double allowed = *request.max_error * *request.max_error * fit.squared_norm();
  const auto bytes = fit.bytes_within(allowed, request.format);
  if (!bytes) throw BudgetError("the error " + std::to_string(*request.max_error) + " cannot be reached by subspaces");
  return fit.encode(*bytes, request.format, false);  // refinement would lower the error below the target
}

}  // namespace loewner
