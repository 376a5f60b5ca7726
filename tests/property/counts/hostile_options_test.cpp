// SPDX-License-Identifier: Apache-2.0
// Options far outside their use: a solver ends at once with finite numbers or an InvalidArgument that names itself. It
// neither crashes nor runs for ever.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <limits>

#include "linalg/matrix_copies.hpp"
#include "loewner/attention/attend_selected.hpp"
#include "loewner/attention/heavy_key_stream.hpp"
#include "loewner/attention/heavy_keys.hpp"
#include "loewner/cluster/budgeted_clustering.hpp"
#include "loewner/cluster/latent_simplex.hpp"
#include "loewner/cluster/projective_clustering.hpp"
#include "loewner/linalg/block_krylov.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/schatten_low_rank.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "loewner/lowrank/entrywise_low_rank.hpp"
#include "loewner/lowrank/lp_low_rank.hpp"
#include "loewner/lowrank/lp_row_projection.hpp"
#include "loewner/lowrank/robust_subspace.hpp"
#include "loewner/norms/enclosing_ellipsoid.hpp"
#include "loewner/norms/lewis_weights.hpp"
#include "loewner/norms/loewner_ellipsoid.hpp"
#include "loewner/norms/lp_error.hpp"
#include "loewner/sketch/bilinear_sketch.hpp"
#include "loewner/sketch/leverage_scores.hpp"
#include "loewner/sketch/residual_curve.hpp"
#include "loewner/sketch/residual_probe.hpp"
#include "loewner/sketch/sketched_svd.hpp"
#include "loewner/sketch/sparse_embedding.hpp"
#include "loewner/sketch/vector_residual_sketch.hpp"
#include "support/matrices.hpp"

namespace loewner {
namespace {

using Numbers = std::vector<double>;

const Matrix<float>& a() {
  static const Matrix<float> matrix = test::gaussian_matrix({60, 6, 1});
  return matrix;
}
const Matrix<double>& wide() {
  static const Matrix<double> matrix = detail::widened(a().view());
  return matrix;
}
RowMatrix rows() {
  return RowMatrix(a().view());
}

template <typename T>
void add(const Matrix<T>& from, Numbers& to) {
  for (Index i = 0; i < from.rows() * from.cols(); ++i) to.push_back(static_cast<double>(from.data()[i]));
}

Numbers of(const KrylovSvd& svd) {
  Numbers numbers = svd.singular_values;
  add(svd.vt, numbers);
  numbers.push_back(svd.residual_norm);
  return numbers;
}
Numbers of(const LpLowRank& found) {
  Numbers numbers{found.error, found.upper_bound, found.lower_bound, found.distortion};
  add(found.left, numbers);
  return numbers;
}
Numbers of(const FitReport& report) {
  return {report.initial_objective, report.final_objective};
}

struct Call {
  std::string name;
  std::function<Numbers()> run;
};

void PrintTo(const Call& call, std::ostream* out) {
  *out << call.name;
}

// One call for each value of a count.
template <typename Run>
void add_calls(std::vector<Call>& calls, const std::string& name, const std::vector<Index>& values, const Run& run) {
  for (const Index value : values) {
    calls.push_back(
        {name + (value < 0 ? "_minus_" : "_") + std::to_string(std::abs(value)), [=] { return run(value); }});
  }
}

constexpr Index kHuge = Index{1} << 62, kMost = std::numeric_limits<Index>::max();
constexpr int kMostInt = std::numeric_limits<int>::max();

std::vector<Call> krylov_calls() {
  std::vector<Call> calls;
  const std::vector<Index> counts{-1, 10'000'000, kHuge, kMost};
  add_calls(calls, "block_krylov_steps", counts,
            [](Index n) { return of(block_krylov(rows(), {.rank = 2, .steps = n})); });
  add_calls(calls, "block_krylov_steps_float64", counts,
            [](Index n) { return of(block_krylov(MatrixOperator(wide().view()), {.rank = 2, .steps = n})); });
  add_calls(calls, "block_krylov_block", counts,
            [](Index n) { return of(block_krylov(rows(), {.rank = 2, .block = n})); });
  add_calls(calls, "block_krylov_max_products", counts,
            [](Index n) { return of(block_krylov(rows(), {.rank = 2, .max_products = n})); });
  add_calls(calls, "block_krylov_max_bytes", counts,
            [](Index n) { return of(block_krylov(rows(), {.rank = 2, .max_bytes = n})); });
  add_calls(calls, "block_krylov_rank", counts, [](Index n) { return of(block_krylov(rows(), {.rank = n})); });
  add_calls(calls, "sketched_svd_steps", counts,
            [](Index n) { return of(sketched_svd(rows(), {.rank = 2, .steps = n})); });
  add_calls(calls, "sketched_svd_steps_of_sketch", counts,
            [](Index n) { return of(sketched_svd(rows(), {.rank = 2, .rows = 20, .steps = n})); });
  add_calls(calls, "sketched_svd_rows", counts,
            [](Index n) { return of(sketched_svd(rows(), {.rank = 2, .rows = n})); });
  add_calls(calls, "truncated_svd_vectors", counts,
            [](Index n) { return truncated_svd(DenseRows(a().view()), {.rank = 2, .vectors = n}).singular_values; });
  for (const double p : {1.0, 1e3, 1e308, HUGE_VAL}) {
    calls.push_back({"block_krylov_exponent_" + std::to_string(std::log10(p)),
                     [p] { return of(block_krylov(rows(), {.rank = 2, .norm_exponent = p})); }});
  }
  for (const double eps : {1e-300, 1e-12}) {
    calls.push_back({"schatten_eps_" + std::to_string(std::log10(eps)),
                     [eps] { return of(schatten_low_rank(MatrixOperator(wide().view()), {.rank = 2, .eps = eps})); }});
    calls.push_back({"schatten_plan_eps_" + std::to_string(std::log10(eps)), [eps] {
                       const auto plan = schatten_plan(kHuge, {.rank = kHuge / 2, .eps = eps});
                       return Numbers{plan.products() > 0 ? 1.0 : NAN};
                     }});
  }
  return calls;
}

std::vector<Call> sketch_calls() {
  std::vector<Call> calls;
  const std::vector<Index> counts{-1, 0, kHuge, kMost};
  add_calls(calls, "leverage_scores_rows", counts,
            [](Index n) { return leverage_scores(rows(), {.sketch_rows = n}).scores; });
  add_calls(calls, "leverage_scores_projections", counts, [](Index n) {
    return leverage_scores(rows(), {.method = LeverageMethod::sketched, .projections = n}).scores;
  });
  add_calls(calls, "estimate_residuals_rank", counts,
            [](Index n) { return estimate_residuals(rows(), {.max_rank = n}).residual; });
  add_calls(calls, "estimate_residuals_size", counts,
            [](Index n) { return estimate_residuals(rows(), {.max_rank = 2, .sketch_size = n}).residual; });
  add_calls(calls, "estimate_residuals_repetitions", counts,
            [](Index n) { return estimate_residuals(rows(), {.max_rank = 2, .repetitions = n}).residual; });
  add_calls(calls, "probe_frobenius_norm", counts,
            [](Index n) { return Numbers{probe_frobenius_norm(MatrixOperator(rows()), n).norm}; });
  add_calls(calls, "SparseSignEmbedding_columns", {-1, 0, kHuge / 2, kHuge, kMost},
            [](Index n) { return SparseSignEmbedding(16, n, 8, 1).to_csc().values; });
  add_calls(calls, "VectorResidualSketch_size", {-1, kHuge, kMost},
            [](Index n) { return Numbers{VectorResidualSketch(n, {.norm_exponent = 2.0001}).estimate(1)}; });
  return calls;
}

std::vector<Call> norm_calls() {
  std::vector<Call> calls;
  for (const double p : {33.0, 1e3, 1e15, 1e308}) {
    const std::string exponent = std::to_string(std::log10(p));
    calls.push_back({"lewis_weights_" + exponent, [p] {
                       const auto found = lewis_weights(DenseRows(a().view()), {.norm_exponent = p});
                       EXPECT_GE(found.certificate, 1 - 1e-6);
                       Numbers numbers = found.weights;
                       numbers.push_back(found.certificate);
                       return numbers;
                     }});
    calls.push_back({"lp_low_rank_" + exponent, [p] {
                       const auto found = lp_low_rank(DenseRows(a().view()), {.rank = 2, .norm_exponent = p});
                       EXPECT_LE(found.lower_bound, found.error);
                       EXPECT_LE(found.error, found.upper_bound);
                       return of(found);
                     }});
    calls.push_back({"entrywise_low_rank_" + exponent,
                     [p] { return of(entrywise_low_rank(a().view(), {.rank = 2, .norm_exponent = p}).report); }});
    calls.push_back({"approximation_errors_" + exponent, [p] {
                       const DenseRows all(a().view());
                       const auto found = approximation_errors(all, all, {}, p);
                       return Numbers{found.weighted_power_norm, found.relative_lp_error()};
                     }});
    calls.push_back({"lp_row_projection_" + exponent, [p] {
                       const Matrix<float> right = test::gaussian_matrix({2, 6, 2});
                       return of(lp_row_projection(DenseRows(a().view()), right.view(), {.norm_exponent = p}).report);
                     }});
    calls.push_back({"robust_subspace_" + exponent, [p] {
                       return of(robust_subspace(DenseRows(a().view()), {.rank = 2, .loss = Loss::power(p, 1)}).report);
                     }});
    calls.push_back({"loewner_ellipsoid_" + exponent, [p] {
                       return Numbers{loewner_ellipsoid(DenseRows(a().view()), {.norm_exponent = p}).distortion};
                     }});
    calls.push_back({"select_heavy_keys_" + exponent,
                     [p] { return select_heavy_keys(a().view(), {.power = p, .eps = 0.1, .max_keys = {}}).scores; }});
    calls.push_back({"attend_selected_" + exponent, [p] {
                       const std::vector<Index> indices{1, 2};
                       const auto found = attend_selected(a().view(), a().view(), a().view(), indices, p);
                       Numbers numbers = found.captured_mass;
                       add(found.output, numbers);
                       return numbers;
                     }});
  }
  for (const double scale : {1e308, -1e308}) {
    calls.push_back({scale > 0 ? "softmax" : "softmax_negative", [scale] {
                       const std::vector<Index> indices{1, 2};
                       const auto found = attend_selected(a().view(), a().view(), a().view(), indices, {}, scale);
                       Numbers numbers = found.captured_mass;
                       add(found.output, numbers);
                       return numbers;
                     }});
  }
  calls.push_back(
      {"robust_subspace_short_weights", [] {
         const Numbers weights(5, 1.0);
         return of(robust_subspace(DenseRows(a().view()), {.rank = 2, .loss = Loss::huber(1), .row_weights = weights})
                       .report);
       }});
  calls.push_back({"enclosing_ellipsoid_iterations",
                   [] { return Numbers{enclosing_ellipsoid(DenseRows(a().view()), {.max_iterations = -1}).largest}; }});
  return calls;
}

std::vector<Call> cluster_calls() {
  std::vector<Call> calls;
  add_calls(calls, "latent_simplex_tries", {-1, 0, kMostInt},
            [](Index n) { return latent_simplex(rows(), 2, {.tries = static_cast<int>(n)}).singular_values; });
  add_calls(calls, "latent_simplex_power_steps", {-1, kMostInt},
            [](Index n) { return latent_simplex(rows(), 2, {.power_steps = static_cast<int>(n)}).singular_values; });
  add_calls(calls, "projective_clustering_restarts", {-1, 0, kMostInt}, [](Index n) {
    return of(
        projective_clustering(DenseRows(a().view()), {.num_clusters = 2, .num_restarts = static_cast<int>(n)}).report);
  });
  add_calls(calls, "projective_clustering_iterations", {-1, 0, kMostInt}, [](Index n) {
    return of(projective_clustering(DenseRows(a().view()), {.num_clusters = 2, .max_iterations = static_cast<int>(n)})
                  .report);
  });
  add_calls(calls, "budgeted_clustering", {-1, 0, kHuge, kMost}, [](Index n) {
    return of(budgeted_clustering(DenseRows(a().view()), {.num_clusters = 2, .max_numbers = n}).report);
  });
  add_calls(calls, "select_heavy_keys_max", {-1, 0, kHuge, kMost},
            [](Index n) { return select_heavy_keys(a().view(), {.eps = {}, .max_keys = n}).scores; });
  add_calls(calls, "select_heavy_keys_protected", {-1, 0, kHuge, kMost}, [](Index n) {
    return select_heavy_keys(a().view(), {.eps = 0.5, .max_keys = {}, .protect_first = n, .protect_last = n}).scores;
  });
  add_calls(calls, "HeavyKeyStream", {-1, 0, kHuge, kMost},
            [](Index n) { return Numbers{static_cast<double>(HeavyKeyStream(n, n).num_keys())}; });
  return calls;
}

std::vector<Call> all_calls() {
  std::vector<Call> all;
  for (auto&& calls : {krylov_calls(), sketch_calls(), norm_calls(), cluster_calls()}) {
    all.insert(all.end(), calls.begin(), calls.end());
  }
  return all;
}

std::string test_name(const testing::TestParamInfo<Call>& info) {
  std::string name = info.param.name;
  std::ranges::replace_if(
      name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

class HostileOptions : public testing::TestWithParam<Call> {};

TEST_P(HostileOptions, EndInFiniteNumbersOrInvalidArgument) {
  const std::string& name = GetParam().name;
  try {
    for (const double x : GetParam().run()) ASSERT_TRUE(std::isfinite(x));
  } catch (const InvalidArgument& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(": "), std::string::npos) << message;
    std::cout << name << ": " << message << "\n";
  }
}
INSTANTIATE_TEST_SUITE_P(All, HostileOptions, testing::ValuesIn(all_calls()), test_name);

}  // namespace
}  // namespace loewner
