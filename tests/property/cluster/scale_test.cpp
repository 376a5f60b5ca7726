// SPDX-License-Identifier: Apache-2.0
// The solvers of cluster on inputs times 10^k.
#include <gtest/gtest.h>

#include "loewner/cluster/budgeted_clustering.hpp"
#include "loewner/cluster/convex_code.hpp"
#include "loewner/cluster/dimension_budget.hpp"
#include "loewner/cluster/latent_simplex.hpp"
#include "loewner/cluster/projective_clustering.hpp"
#include "support/scale_case.hpp"

namespace loewner::test {
namespace {

// Rows near one of three lines.
const Matrix<float>& lines() {
  static const Matrix<float> a = [] {
    Matrix<float> rows = gaussian_matrix({150, 6, 1});
    for (Index i = 0; i < rows.rows(); ++i) {
      for (Index j = 0; j < rows.cols(); ++j) rows(i, j) *= j == i % 3 ? 3.0F : 0.05F;
    }
    return rows;
  }();
  return a;
}

// Convex combinations of three vertices, most of them near one.
const Matrix<float>& mixture() {
  static const Matrix<float> a = [] {
    const Matrix<float> vertices = gaussian_matrix({3, 6, 2}), noise = gaussian_matrix({150, 6, 3});
    Matrix<float> rows(150, 6);
    for (Index i = 0; i < rows.rows(); ++i) {
      const float share = 0.9F - 0.003F * static_cast<float>(i);
      for (Index j = 0; j < rows.cols(); ++j) {
        rows(i, j) = share * vertices(i % 3, j) + (1 - share) * vertices((i + 1) % 3, j) + 0.01F * noise(i, j);
      }
    }
    return rows;
  }();
  return a;
}

// Labels in the order of their first rows: clusters have no order of their own.
std::vector<double> numbers(const ClusterLabels& labels) {
  std::vector<int> names(256, -1);
  std::vector<double> result;
  int next = 0;
  for (const auto label : labels) {
    if (names[label] < 0) names[label] = next++;
    result.push_back(names[label]);
  }
  return result;
}

Findings simplex_of(const RowMatrix& a, VertexAggregate aggregate) {
  const LatentSimplex found = latent_simplex(a, 3, {.aggregate = aggregate});
  std::vector<double> members;
  for (const auto& rows : found.members) members.insert(members.end(), rows.begin(), rows.end());
  return Findings()
      .add("members", members, 0, 0)
      .add("vertices", found.vertices, 1)
      .add("singular values", found.singular_values, 1)
      .add("separations", found.separations, 0);
}

Findings clusters(double exponent, double factor, bool truncates = false) {
  const Matrix<float> a = times(lines(), factor);
  const double truncation = truncates ? 0.5 * std::pow(factor, exponent) : HUGE_VAL;
  const auto found = projective_clustering(
      DenseRows(a.view()), {.num_clusters = 3, .dimension = 1, .exponent = exponent, .truncation = truncation});
  return Findings()
      .add("labels", numbers(found.cluster_of_row), 0, 0)
      .add("objective", found.report.final_objective, exponent, 1e-3);
}

std::vector<ScaleCase> cases() {
  return {
      {"latent_simplex/float32",
       [](double factor) {
         const Matrix<float> a = times(mixture(), factor);
         return simplex_of(RowMatrix(a.view()), VertexAggregate::mean);
       }},
      {"latent_simplex/float64",
       [](double factor) {
         const Matrix<double> a = times_wide(mixture(), factor);
         return simplex_of(RowMatrix(a.view()), VertexAggregate::median);
       },
       false},
      {"projective_clustering/squares", [](double factor) { return clusters(2, factor); }},
      {"projective_clustering/distances", [](double factor) { return clusters(1, factor); }},
      {"projective_clustering/truncated", [](double factor) { return clusters(2, factor, true); }},
      {"projective_clustering/truncated_distances", [](double factor) { return clusters(1, factor, true); }},
      {"budgeted_clustering",
       [](double factor) {
         const Matrix<float> a = times(lines(), factor);
         const auto found = budgeted_clustering(DenseRows(a.view()), {.num_clusters = 3, .max_numbers = 300});
         Findings findings;
         findings.add("labels", numbers(found.cluster_of_row), 0, 0);
         for (const auto& cluster : found.clusters) findings.add("spectrum", cluster.eigenvalues, 2);
         return findings.add("objective", found.report.final_objective, 2, 1e-3);
       }},
      {"spend_on_dimensions",
       [](double factor) {
         const std::vector<ClusterSpectrum> spectra{{.rows = 9, .eigenvalues = {9 * factor, factor, 0.1 * factor}},
                                                    {.rows = 5, .eigenvalues = {2 * factor, factor, 0.5 * factor}}};
         const auto found = spend_on_dimensions(spectra, 3, 40);
         return Findings()
             .add("dimensions", std::vector<double>(found.dimensions.begin(), found.dimensions.end()), 0, 0)
             .add("error", found.squared_error, 1);
       },
       false},
      {"convex_code",
       [](double factor) {
         const Matrix<double> vertices = times_wide(gaussian_matrix({4, 6, 2}), factor);
         const Matrix<double> a = times_wide(gaussian_matrix({30, 6, 5}), factor);
         const auto found = convex_code(vertices.view(), RowMatrix(a.view()));
         return Findings().add("distances", found.squared_distances, 2, 1e-3);
       },
       false},
      {"convex_code/scaled",
       [](double factor) {
         const Matrix<double> vertices = times_wide(gaussian_matrix({4, 6, 2}), factor);
         const Matrix<double> a = times_wide(gaussian_matrix({30, 6, 5}), factor);
         const auto found = convex_code(vertices.view(), RowMatrix(a.view()), {.scaled = true});
         return Findings().add("distances", found.squared_distances, 2, 1e-3);
       },
       false},
  };
}

class ClusterScale : public testing::TestWithParam<ScaleCase> {};
TEST_P(ClusterScale, AnswersDoNotDependOnTheScaleOfTheInput) {
  expect_independent_of_scale(GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, ClusterScale, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace loewner::test
