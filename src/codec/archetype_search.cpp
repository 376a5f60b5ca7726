// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/archetype_search.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "linalg/blas.hpp"
#include "linalg/cholesky_solve.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/cluster/convex_code.hpp"
#include "loewner/cluster/latent_simplex.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "loewner/sketch/energy_sample.hpp"

namespace loewner {
namespace {

constexpr Index kRowsToLearnFrom = 4096;
constexpr Index kRowsPerArchetype = 8;
constexpr Index kMostVertices = 64;
constexpr int kTries = 4;  // for each stage of the latent simplex
constexpr int kRounds = 4;
constexpr double kPull = 1e-3;  // weight of the previous archetypes, relative to the mean weight of one

// Unit rows and their weights.
struct Sample {
  Matrix<double> rows;
  std::vector<double> weights;
};

void bring_to_unit_length(MatrixView<double> v) {
  for (Index k = 0; k < v.rows(); ++k) {
    const double length = std::sqrt(detail::dot(v.row(k), v.row(k)));
    for (double& x : v.row(k)) x = length > 0 ? x / length : 0.0;
  }
}

Sample sample_of(const RowSource& a, const ArchetypeSearchOptions& options) {
  const Index count = std::max(kRowsToLearnFrom, kRowsPerArchetype * options.count);
  const auto energies = row_energies(a, options.row_weights);
  auto drawn = sample_rows_by_energy(a, options.row_weights, energies, count, options.seed);
  const DenseRows rows(drawn.rows.view());
  Sample sample{.rows = Matrix<double>::uninitialized(rows.rows(), rows.cols()),
                .weights = row_energies(rows, drawn.weights)};
  for (Index i = 0; i < rows.rows(); ++i) std::ranges::copy(drawn.rows.row(i), sample.rows.row(i).begin());
  bring_to_unit_length(sample.rows.view());
  return sample;
}

Matrix<double> start_of(const Sample& sample, const ArchetypeSearchOptions& options) {
  const Index rows = sample.rows.rows(), cols = sample.rows.cols();
  const auto simplex =
      latent_simplex(RowMatrix(sample.rows.view()), std::min({options.count, kMostVertices, rows, cols}),
                     {.tries = kTries, .seed = options.seed});
  Matrix<double> v(options.count, cols);
  const Index found = simplex.vertices.rows(), rest = options.count - found;
  for (Index k = 0; k < found; ++k) std::ranges::copy(simplex.vertices.row(k), v.row(k).begin());
  for (Index k = 0; k < rest; ++k) std::ranges::copy(sample.rows.row(k * rows / rest), v.row(found + k).begin());
  bring_to_unit_length(v.view());
  return v;
}

// (u^T u)^-1 right, column by column.
Matrix<double> solved(const Matrix<double>& u, const Matrix<double>& right) {
  Matrix<double> result = Matrix<double>::uninitialized(right.rows(), right.cols());
  parallel_for(right.cols(), [&](Index j) {
    std::vector<double> column(static_cast<std::size_t>(right.rows()));
    for (Index k = 0; k < right.rows(); ++k) column[k] = right(k, j);
    detail::solve_cholesky(u.view(), column);
    for (Index k = 0; k < right.rows(); ++k) result(k, j) = column[k];
  });
  return result;
}

// Least squares for the archetypes with fixed mixtures. A small penalty on the distance from the
// previous archetypes keeps those that no row uses.
void refit(const Sample& sample, Index per_row, Matrix<double>& v) {
  const ConvexCodes codes = convex_code(v.view(), RowMatrix(sample.rows.view()), {.sparsity = per_row, .scaled = true});
  Matrix<double> gram(v.rows(), v.rows()), right(v.rows(), v.cols());
  for (Index i = 0; i < sample.rows.rows(); ++i) {
    const auto first = codes.row_offsets[i], last = codes.row_offsets[i + 1];
    for (auto m = first; m < last; ++m) {
      const double weight = sample.weights[i] * codes.scales[i] * codes.weights[m];
      detail::add_scaled(weight, sample.rows.row(i), right.row(codes.columns[m]));
      for (auto other = first; other < last; ++other) {
        gram(codes.columns[m], codes.columns[other]) += weight * codes.scales[i] * codes.weights[other];
      }
    }
  }
  double pull = 0;
  for (Index k = 0; k < v.rows(); ++k) pull += kPull * gram(k, k) / static_cast<double>(v.rows());
  for (Index k = 0; k < v.rows(); ++k) {
    gram(k, k) += pull;
    detail::add_scaled(pull, v.row(k), right.row(k));
  }
  if (!(pull > 0) || !blas::cholesky_upper(gram.view())) return;  // no row uses any archetype
  v = solved(gram, right);
  bring_to_unit_length(v.view());
}

}  // namespace

Matrix<float> find_archetypes(const RowSource& a, const ArchetypeSearchOptions& options) {
  require(options.count >= 1 && options.count <= a.rows() && options.per_row >= 1, [&] {
    return "find_archetypes: the number of archetypes must be in [1, " + std::to_string(a.rows()) +
           "] and per_row at least 1, got " + std::to_string(options.count) + " and " + std::to_string(options.per_row);
  });
  require_finite(a, "find_archetypes: the matrix");
  Matrix<float> result(options.count, a.cols());
  const Sample sample = sample_of(a, options);
  if (sample.rows.rows() == 0) return result;  // all rows are zero
  Matrix<double> v = start_of(sample, options);
  for (int round = 0; round < kRounds; ++round) refit(sample, options.per_row, v);
  for (Index k = 0; k < v.rows(); ++k) std::ranges::copy(v.row(k), result.row(k).begin());
  return result;
}

}  // namespace loewner
