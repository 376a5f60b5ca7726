// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/subspace_fit.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "plan/methods.hpp"

namespace loewner {
namespace {

constexpr int kCurvePoints = 64;

double share_of_energy(const EncodeRequest& request, double squared_error) {
  const auto energies = row_energies(*request.matrix, request.row_weights);
  const double energy = std::accumulate(energies.begin(), energies.end(), 0.0);
  return energy > 0 ? squared_error / energy : 0.0;
}

// The guard: factors that take as much as the matrix itself, in its own or in the factors' format, help nobody.
Index most_bytes(const EncodeRequest& request) {
  const Index dense = request.matrix->rows() * request.matrix->cols() * bytes_per_number(request.factor_format);
  return std::min(dense, request.source_bytes) - 1;
}

}  // namespace

std::vector<Candidate> subspaces_curve(MatrixSurvey& survey) {
  const auto& request = survey.request();
  const SubspaceFit fit(request.matrix, {.row_weights = request.row_weights, .num_subspaces = request.num_subspaces});
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
                            .num_subspaces = request.num_subspaces,
                            .format = request.factor_format};
  if (subspaces.max_bytes) subspaces.max_bytes = std::min(*subspaces.max_bytes, most_bytes(request));
  auto encoded = encode_subspaces(request.matrix, subspaces);
  if (encoded.matrix->bytes() > most_bytes(request)) {
    throw BudgetError("subspaces within the error take " + std::to_string(encoded.matrix->bytes()) +
                      " bytes, but the dense matrix takes " + std::to_string(most_bytes(request) + 1));
  }
  Encoding encoding;
  encoding.subspaces = static_cast<Index>(encoded.matrix->sizes().size());
  encoding.matrix = std::move(encoded.matrix);
  encoding.method = Method::subspaces;
  encoding.predicted_error = std::sqrt(share_of_energy(request, encoded.squared_error));
  return encoding;
}

// The Gram matrices of 8 clusters and their eigenproblems, or the matrix in memory, whichever is more.
Index subspaces_memory(Index cols) {
  return 10 * cols * cols * Index{sizeof(double)} + pass_memory(cols);
}

}  // namespace loewner
