// SPDX-License-Identifier: Apache-2.0
// The solvers of norms on inputs times 10^k.
#include <gtest/gtest.h>

#include "loewner/norms/enclosing_ellipsoid.hpp"
#include "loewner/norms/lewis_weights.hpp"
#include "loewner/norms/loewner_ellipsoid.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/scale_case.hpp"

namespace loewner::test {
namespace {

const Matrix<float>& points() {
  static const Matrix<float> a = low_rank_plus_row_outliers({120, 5, 1}, 5, 0.1, 0.05, 20);
  return a;
}

Findings lewis(double p, double factor) {
  const Matrix<float> a = times(points(), factor);
  const LewisWeights found = lewis_weights(DenseRows(a.view()), {.norm_exponent = p, .tolerance = 1e-6});
  return Findings()
      .add("weights", found.weights, 0, 1e-3)
      .add("q", found.q, 2, 1e-3)
      .add("certificate", found.certificate, 0)
      .add_count("rank", found.rank);
}

Findings ellipsoid(double p, double factor) {
  const Matrix<float> a = times(points(), factor);
  const LoewnerEllipsoid found = loewner_ellipsoid(DenseRows(a.view()), {.norm_exponent = p});
  Matrix<double> shape(a.cols(), a.cols());  // F^T F: F has free signs
  for (Index i = 0; i < a.cols(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) {
      for (Index r = 0; r < a.cols(); ++r) shape(i, j) += (found.factor(r, i) / factor) * (found.factor(r, j) / factor);
    }
  }
  return Findings().add("shape", shape, 0, 0.02).add("distortion", found.distortion, 0, 0.01);
}

Findings errors(double p, double factor) {
  const Matrix<float> a = times(points(), factor), b = times(points(), 0.5 * factor);
  const auto found = approximation_errors(DenseRows(a.view()), DenseRows(b.view()), {}, p);
  return Findings()
      .add("squares", {found.squared_norm, found.squared_error}, 2)
      .add("powers", {found.weighted_power_norm, found.weighted_power_error}, p)
      .add("relative", {found.relative_error(), found.relative_lp_error()}, 0);
}

std::vector<ScaleCase> cases() {
  return {
      {"lewis_weights/1", [](double factor) { return lewis(1, factor); }},
      {"lewis_weights/1.5", [](double factor) { return lewis(1.5, factor); }},
      {"lewis_weights/4", [](double factor) { return lewis(4, factor); }},
      {"lewis_weights/20", [](double factor) { return lewis(20, factor); }},
      {"certify_weights",
       [](double factor) {
         const Matrix<float> a = times(points(), factor);
         const auto found = certify_weights(DenseRows(a.view()), std::vector<double>(a.rows(), 0.1));
         return Findings().add("certificate", found.certificate, 0).add("q", found.q, 2, 1e-3);
       }},
      {"enclosing_ellipsoid",
       [](double factor) {
         const Matrix<float> a = times(points(), factor);
         const auto found = enclosing_ellipsoid(DenseRows(a.view()));
         return Findings().add("weights", found.weights, 0, 1e-3).add("largest", found.largest, 0);
       }},
      {"loewner_ellipsoid/1", [](double factor) { return ellipsoid(1, factor); }},
      {"loewner_ellipsoid/3", [](double factor) { return ellipsoid(3, factor); }},
      {"loewner_ellipsoid/inf", [](double factor) { return ellipsoid(HUGE_VAL, factor); }},
      {"approximation_errors/1", [](double factor) { return errors(1, factor); }},
      {"approximation_errors/1.5", [](double factor) { return errors(1.5, factor); }},
      {"approximation_errors/4", [](double factor) { return errors(4, factor); }},
      {"approximation_errors/20", [](double factor) { return errors(20, factor); }},
  };
}

class NormsScale : public testing::TestWithParam<ScaleCase> {};
TEST_P(NormsScale, AnswersDoNotDependOnTheScaleOfTheInput) {
  expect_independent_of_scale(GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, NormsScale, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace loewner::test
