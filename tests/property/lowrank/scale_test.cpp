// SPDX-License-Identifier: Apache-2.0
// The solvers of lowrank on inputs times 10^k.
#include <gtest/gtest.h>

#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/lowrank/entrywise_low_rank.hpp"
#include "loewner/lowrank/lp_low_rank.hpp"
#include "loewner/lowrank/lp_row_projection.hpp"
#include "loewner/lowrank/robust_subspace.hpp"
#include "support/scale_case.hpp"

namespace loewner::test {
namespace {

const Matrix<float>& data() {
  static const Matrix<float> a = low_rank_plus_entry_outliers({80, 8, 1}, 2, 0.1, 0.02, 10);
  return a;
}

Findings entrywise(double p, double factor, std::span<const double> weights = {}) {
  const Matrix<float> a = times(data(), factor);
  const auto found = entrywise_low_rank(
      a.view(), {.rank = 2, .norm_exponent = p, .row_weights = weights, .max_iterations = 15, .polish_sweeps = 1});
  std::vector<double> starts;
  for (const auto& start : found.starts) starts.push_back(start.objective);
  // For a large p the descents are so sensitive that the rounding of 10^k leads them to other minima of equal value.
  const bool is_sensitive = p > 3;
  return Findings()
      .add("objective", found.report.final_objective, p, is_sensitive ? 0.2 : 0.02)
      .add("starts", starts, p, is_sensitive ? 1 : 0.02)
      .add_product("product", found.left, found.right, 1, is_sensitive ? 0.5 : 0.05);
}

Findings low_rank(double p, double factor, RowProjection projection = RowProjection::orthogonal) {
  const Matrix<float> a = times(data(), factor);
  const auto found = lp_low_rank(DenseRows(a.view()), {.rank = 2, .norm_exponent = p, .row_projection = projection});
  return Findings()
      .add("error", found.error, 1, 1e-3)
      .add("bounds", {found.upper_bound, found.lower_bound}, 1, 1e-3)
      .add_product("product", found.left, found.right, 1, 1e-2);
}

Findings subspace(const std::function<Loss(double)>& loss, double degree, double factor, double tolerance = 1e-3) {
  const Matrix<float> a = times(data(), factor);
  const auto found = robust_subspace(DenseRows(a.view()), {.rank = 2, .loss = loss(factor)});
  return Findings()
      .add_space("subspace", found.vt, 100 * tolerance)
      .add("objective", found.report.final_objective, degree, tolerance)
      .add_count("status", static_cast<Index>(found.report.status));
}

// One of the factors is 1.
Findings projection(double p, double of_a, double of_right, double degree) {
  const Matrix<float> a = times(data(), of_a);
  const auto svd = truncated_svd(DenseRows(data().view()), {.rank = 2});
  const Matrix<float> right = times(detail::narrowed(svd.vt.view()), of_right);
  const auto found = lp_row_projection(DenseRows(a.view()), right.view(), {.norm_exponent = p});
  return Findings()
      .add("left", found.left, degree, 1e-2)
      .add("objective", found.report.final_objective, degree > 0 ? p : 0, 1e-3);
}

std::vector<ScaleCase> cases() {
  static const std::vector<double> weights = [] {
    std::vector<double> values(data().rows());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 7 == 0 ? 0.0 : 1.0 + static_cast<double>(i % 5);
    return values;
  }();
  return {
      {"entrywise_low_rank/1", [](double factor) { return entrywise(1, factor); }},
      {"entrywise_low_rank/1.5", [](double factor) { return entrywise(1.5, factor); }},
      {"entrywise_low_rank/2", [](double factor) { return entrywise(2, factor); }},
      {"entrywise_low_rank/3", [](double factor) { return entrywise(3, factor); }},
      {"entrywise_low_rank/6", [](double factor) { return entrywise(6, factor); }},
      {"entrywise_low_rank/weighted", [](double factor) { return entrywise(1, factor, weights); }},
      {"lp_low_rank/1", [](double factor) { return low_rank(1, factor); }},
      {"lp_low_rank/4", [](double factor) { return low_rank(4, factor); }},
      {"lp_low_rank/20", [](double factor) { return low_rank(20, factor); }},
      {"lp_low_rank/lp", [](double factor) { return low_rank(1.5, factor, RowProjection::lp); }},
      {"lp_factorization/1",
       [](double factor) {
         const Matrix<float> a = times(data(), factor);
         const auto found = lp_factorization(DenseRows(a.view()), {.norm_exponent = 1});
         return Findings().add("scales", found.scales, 1, 1e-3).add("bound", found.error_bound(2), 1, 1e-3);
       }},
      {"lp_factorization/10",
       [](double factor) {
         const Matrix<float> a = times(data(), factor);
         const auto found = lp_factorization(DenseRows(a.view()), {.norm_exponent = 10});
         return Findings().add("scales", found.scales, 1, 1e-2).add("bound", found.error_bound(2), 1, 1e-2);
       }},
      {"lp_error_lower_bound",
       [](double factor) {
         const std::vector<double> sigma{3 * factor, 2 * factor, factor};
         return Findings().add("bound", lp_error_lower_bound(sigma, 1, 9, 3, 1), 1);
       },
       false},
      {"lp_row_projection/1", [](double factor) { return projection(1, factor, 1, 1); }},
      {"lp_row_projection/6", [](double factor) { return projection(6, factor, 1, 1); }},
      {"lp_row_projection/right", [](double factor) { return projection(1, 1, factor, -1); }},
      {"robust_subspace/power",
       [](double factor) { return subspace([](double f) { return Loss::power(1, 1e-3 * f); }, 1, factor); }},
      {"robust_subspace/power4",
       [](double factor) { return subspace([](double f) { return Loss::power(4, 1e-3 * f); }, 4, factor, 0.01); }},
      {"robust_subspace/huber",
       [](double factor) { return subspace([](double f) { return Loss::huber(0.2 * f); }, 2, factor); }},
      {"robust_subspace/tukey",
       [](double factor) { return subspace([](double f) { return Loss::tukey(2 * f); }, 2, factor); }},
      {"robust_subspace/geman_mcclure",
       [](double factor) { return subspace([](double f) { return Loss::geman_mcclure(2 * f); }, 2, factor); }},
      {"distances_to_subspace",
       [](double factor) {
         const Matrix<float> a = times(data(), factor);
         const auto svd = truncated_svd(DenseRows(data().view()), {.rank = 2});
         return Findings().add("distances", distances_to_subspace(DenseRows(a.view()), svd.vt.view()), 1);
       }},
  };
}

class LowrankScale : public testing::TestWithParam<ScaleCase> {};
TEST_P(LowrankScale, AnswersDoNotDependOnTheScaleOfTheInput) {
  expect_independent_of_scale(GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, LowrankScale, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace loewner::test
