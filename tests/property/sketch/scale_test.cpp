// SPDX-License-Identifier: Apache-2.0
// The solvers of sketch on inputs times 10^k.
#include <gtest/gtest.h>

#include "loewner/linalg/composed_operators.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "loewner/sketch/bilinear_sketch.hpp"
#include "loewner/sketch/energy_sample.hpp"
#include "loewner/sketch/least_squares.hpp"
#include "loewner/sketch/less_embedding.hpp"
#include "loewner/sketch/leverage_scores.hpp"
#include "loewner/sketch/residual_curve.hpp"
#include "loewner/sketch/residual_probe.hpp"
#include "loewner/sketch/sampled_singular_values.hpp"
#include "loewner/sketch/sketched_svd.hpp"
#include "loewner/sketch/sparse_embedding.hpp"
#include "loewner/sketch/streamed_sketch.hpp"
#include "loewner/sketch/vector_residual_sketch.hpp"
#include "support/scale_case.hpp"

namespace loewner::test {
namespace {

const Matrix<float>& table() {
  static const Matrix<float> a = matrix_with_spectrum({600, 12, 1}, exponential_decay(12, 0.8));
  return a;
}

Findings of(const KrylovSvd& svd) {
  return Findings()
      .add("singular values", svd.singular_values, 1)
      .add("residual", svd.residual_norm, 1, 1e-3)
      .add_space("vectors", svd.vt)
      .add_count("status", static_cast<Index>(svd.status));
}

Findings of(const ResidualCurve& curve) {
  return Findings().add("norm", curve.frobenius_norm, 1).add("residuals", curve.residual, 1);
}

Findings sketched(const SketchedSvdOptions& options, double factor) {
  const Matrix<float> a = times(table(), factor);
  return of(sketched_svd(RowMatrix(a.view()), options));
}

Findings squares(double of_a, double of_b, double degree_of_x) {
  const Matrix<double> a = times_wide(table(), of_a), b = times_wide(gaussian_matrix({600, 2, 3}), of_b);
  const auto found = least_squares(RowMatrix(a.view()), b.view());
  return Findings()
      .add("x", found.x, degree_of_x)
      .add("residuals", found.residual_norms, degree_of_x + 1)
      .add_count("rank", found.rank)
      .add_count("status", static_cast<Index>(found.report.status));
}

std::vector<ScaleCase> cases() {
  return {
      {"sketched_svd/float32", [](double factor) { return sketched({.rank = 3, .eps = 0.3}, factor); }},
      {"sketched_svd/rows", [](double factor) { return sketched({.rank = 3, .rows = 60, .steps = 2}, factor); }},
      {"sketched_svd/krylov", [](double factor) { return sketched({.rank = 3, .eps = 1e-4}, factor); }},
      {"sketched_svd/float64",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         return of(sketched_svd(RowMatrix(a.view()), {.rank = 3}));
       },
       false},
      {"estimate_residuals/float32",
       [](double factor) {
         const Matrix<float> a = times(table(), factor);
         return of(estimate_residuals(RowMatrix(a.view()), {.max_rank = 4}));
       }},
      {"estimate_residuals/float64",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         return of(estimate_residuals(RowMatrix(a.view()), {.max_rank = 4}));
       },
       false},
      {"BilinearSketch",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         BilinearSketch sketch(a.rows(), a.cols(), {.max_rank = 4});
         sketch.add_block(0, RowMatrix(a.view()));
         return of(sketch.curve());
       },
       false},
      {"leverage_scores/exact",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         const auto found = leverage_scores(RowMatrix(a.view()));
         return Findings().add("scores", found.scores, 0).add_count("rank", found.rank);
       },
       false},
      {"leverage_scores/sketched",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         const auto found = leverage_scores(RowMatrix(a.view()), {.method = LeverageMethod::sketched});
         return Findings().add("scores", found.scores, 0).add_count("rank", found.rank);
       },
       false},
      {"least_squares/both", [](double factor) { return squares(factor, factor, 0); }, false},
      {"least_squares/matrix", [](double factor) { return squares(factor, 1, -1); }, false},
      {"probe_frobenius_norm",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         const ProbedNorm found = probe_frobenius_norm(MatrixOperator(a.view()));
         return Findings().add("norm", found.norm, 1).add("error", found.standard_error, 1);
       },
       false},
      {"probe_frobenius_norm/residual",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor), u = times_wide(gaussian_matrix({600, 2, 3}), factor);
         const Matrix<double> v = times_wide(gaussian_matrix({12, 2, 4}), 1);
         const MatrixOperator matrix(a.view());
         const ProbedNorm found = probe_frobenius_norm(ResidualOperator(matrix, u.view(), v.view()));
         return Findings().add("norm", found.norm, 1).add("error", found.standard_error, 1);
       },
       false},
      {"SparseSignEmbedding",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         return Findings().add("sketch", SparseSignEmbedding(40, a.rows(), 4, 1).apply(RowMatrix(a.view())), 1);
       },
       false},
      {"SparseSignEmbedding/right",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         return Findings().add("sketch", SparseSignEmbedding(8, a.cols(), 2, 1).apply_right(RowMatrix(a.view())), 1);
       },
       false},
      {"StreamedSketch",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         StreamedSketch sketch(SparseSignEmbedding(40, a.rows(), 4, 1), a.cols());
         sketch.add_rows(0, RowMatrix(a.view()));
         return Findings().add("sketch", sketch.result(), 1);
       },
       false},
      {"LessEmbedding",
       [](double factor) {
         const Matrix<double> a = times_wide(table(), factor);
         const std::vector<double> scores(a.rows(), 1.0);
         return Findings().add("sketch", LessEmbedding(scores, {.rows = 40}).apply(RowMatrix(a.view())), 1);
       },
       false},
      {"VectorResidualSketch",
       [](double factor) {
         VectorResidualSketch sketch(50, {});
         for (Index i = 0; i < 50; ++i) sketch.update(i, factor * static_cast<double>(i + 1));
         return Findings().add("estimate", sketch.estimate(1), 1);
       },
       false},
      {"sampled_singular_values",
       [](double factor) {
         const Matrix<float> a = times(table(), factor);
         const auto energies = row_energies(DenseRows(a.view()));
         double energy = 0;
         for (const double x : energies) energy += x;
         const EnergySample sample = sample_rows_by_energy(DenseRows(a.view()), {}, energies, 100, 1);
         return Findings().add("values", sampled_singular_values(sample, energy, 6), 1, 1e-3);
       }},
  };
}

class SketchScale : public testing::TestWithParam<ScaleCase> {};
TEST_P(SketchScale, AnswersDoNotDependOnTheScaleOfTheInput) {
  expect_independent_of_scale(GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, SketchScale, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace loewner::test
