// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/subspace_fit.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "plan/method_descriptor.hpp"
#include "plan/solver_memory.hpp"
#include "plan/tall_matrix.hpp"

namespace loewner {
namespace {

constexpr int kCurvePoints = 64;

constexpr MethodOption kNumSubspaces{.name = "num_subspaces",
                                     .meaning = "number of subspaces; by default chosen for the size",
                                     .least = 1,
                                     .most = 256,
                                     .default_value = std::nullopt};

std::optional<Index> num_subspaces(const EncodeRequest& request) {
  return value_of(kNumSubspaces, request.method_options);
}

double share_of_energy(const EncodeRequest& request, double squared_error) {
  const auto energies = row_energies(*request.matrix, request.row_weights);
  const double energy = std::accumulate(energies.begin(), energies.end(), 0.0);
  return energy > 0 ? squared_error / energy : 0.0;
}

// Factors must be smaller than the matrix, both as it is stored and in the factor format.
Index most_bytes(const EncodeRequest& request) {
  const Index dense = request.matrix->rows() * request.matrix->cols() * bytes_per_number(request.factor_format);
  return std::min(dense, request.source_bytes) - 1;
}

std::vector<Candidate> subspaces_curve(MatrixSurvey& survey) {
  const auto& request = survey.request();
  const SubspaceFit fit(request.matrix, {.row_weights = request.row_weights, .num_subspaces = num_subspaces(request)});
  const Index smallest = Subspaces::bytes_of_numbers(
      request.matrix->rows(), request.matrix->rows() + request.matrix->cols(), request.factor_format);
  std::vector<Candidate> points;
  for (int k = 1; k <= kCurvePoints; ++k) {
    const Index bytes = most_bytes(request) * k / kCurvePoints;
    const double error = fit.squared_error(bytes, request.factor_format);
    if (bytes < smallest || !(error < fit.squared_norm())) continue;
    points.push_back({.method = Method::subspaces,
                      .point = {bytes, error / fit.squared_norm()},
                      .rank = std::nullopt,
                      .bits = std::nullopt});
  }
  return points;
}

Encoding encode_by_subspaces(const EncodeRequest& request) {
  SubspaceRequest subspaces{.row_weights = request.row_weights,
                            .max_bytes = request.max_bytes,
                            .max_error = request.max_error,
                            .num_subspaces = num_subspaces(request),
                            .format = request.factor_format};
  if (request.metric != nullptr) subspaces.channel_map = request.metric->inverse_root();
  if (subspaces.max_bytes) subspaces.max_bytes = std::min(*subspaces.max_bytes, most_bytes(request));
  auto encoded = encode_subspaces(request.matrix, subspaces);
  if (encoded.matrix->bytes() > most_bytes(request)) {
    throw BudgetError("subspaces with this error take " + std::to_string(encoded.matrix->bytes()) +
                      " bytes, but the dense matrix takes " + std::to_string(most_bytes(request) + 1));
  }
  Encoding encoding;
  encoding.counts["num_subspaces"] = static_cast<Index>(encoded.matrix->sizes().size());
  encoding.matrix = std::move(encoded.matrix);
  encoding.method = Method::subspaces;
  encoding.predicted_error = std::sqrt(share_of_energy(request, encoded.squared_error));
  return encoding;
}

// The Gram matrices of 8 clusters and their eigenproblems.
Index subspaces_memory(Index cols) {
  return 10 * cols * cols * Index{sizeof(double)} + pass_memory(cols);
}

// Several subspaces leave at best a quarter of the squared error of the SVD, and their search takes
// seconds. So they are tried only if the SVD has a candidate within this factor of all other
// methods at the same size. Candidates of the SVD that leave more than half of the squared norm are
// no evidence, because all methods are close to each other there.
bool subspaces_compete(MatrixSurvey& survey, std::span<const Candidate> others) {
  constexpr double kMostGain = 4, kMostError = 0.5;
  if (!is_tall(*survey.request().matrix)) return false;
  return std::ranges::any_of(others, [&](const Candidate& svd) {
    return svd.method == Method::svd && svd.point.error <= kMostError &&
           std::ranges::none_of(others, [&](const Candidate& other) {
             return other.method != Method::svd && other.point.bytes <= svd.point.bytes &&
                    other.point.error * kMostGain < svd.point.error;
           });
  });
}

}  // namespace

MethodDescriptor subspaces_method() {
  return {.info = {.method = Method::subspaces,
                   .name = "subspaces",
                   .description = "rows in clusters, each cluster with a subspace of its own",
                   .weighs_channels = true,
                   .flag = "--subspaces",
                   .flag_help = "K or auto: number of subspaces of --method subspaces, 1 to 256",
                   .options = {kNumSubspaces},
                   .report_fields = {{.name = "subspaces",
                                      .specification_field = "num_subspaces",
                                      .meaning = "number of clusters"}}},
          .curve = subspaces_curve,
          .encode = encode_by_subspaces,
          .memory = subspaces_memory,
          .turn = AutomaticTurn::last,
          .competes = subspaces_compete};
}

}  // namespace loewner
