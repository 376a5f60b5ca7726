// SPDX-License-Identifier: Apache-2.0
// Every method of compression on a matrix times 10^k: the stored encoding is as close to the matrix at every scale.
#include <gtest/gtest.h>

#include <cmath>

#include "loewner/codec/channel_metric.hpp"
#include "loewner/codec/output_error.hpp"
#include "loewner/codec/structures.hpp"
#include "loewner/linalg/gram.hpp"
#include "loewner/norms/lp_error.hpp"
#include "loewner/plan/encode.hpp"
#include "loewner/plan/method.hpp"
#include "support/encoded.hpp"
#include "support/scale_case.hpp"

namespace loewner::test {
namespace {

Findings encoded(Method method, double norm_exponent, double factor) {
  const Matrix<float> table = low_rank_plus_entry_outliers({200, 16, 1}, 4, 0.1, 0.01, 5);
  const auto rows = std::make_shared<OwnedRows>(times(table, factor));
  EncodeRequest request;
  request.matrix = rows;
  request.source_bytes = table.rows() * table.cols() * 4;
  request.max_bytes = request.source_bytes / 2;
  request.method = method;
  request.norm_exponent = norm_exponent;
  const Encoding encoding = encode_matrix(request);
  const auto stored = read_back(*encoding.matrix);
  const double error = approximation_errors(*rows, *stored, {}, 2).relative_error();
  // Outside the range of f16 a dense matrix is stored as bf16, with 3 bits fewer.
  const double tolerance = method == Method::dense || method == Method::automatic ? 20 : 0.05;
  return Findings().add("error", error, 0, tolerance).add("predicted", encoding.predicted_error, 0, tolerance);
}

Matrix<double> moment_matrix(double factor) {
  const Matrix<float> inputs = matrix_with_spectrum({80, 16, 2}, exponential_decay(16, 0.8));
  Matrix<double> second = gram(DenseRows(inputs.view()));
  for (Index i = 0; i < 16 * 16; ++i) second.data()[i] *= factor;
  return second;
}

// The matrix as a linear layer's, or as a table with a metric.
Findings weighted(bool is_table, Method method, double of_matrix, double of_moments) {
  const auto rows = std::make_shared<OwnedRows>(times(gaussian_matrix({200, 16, 1}), of_matrix));
  const InputMoments moments{.second = moment_matrix(of_moments), .tokens = 80};
  EncodeRequest request;
  request.matrix = rows;
  request.source_bytes = rows->rows() * rows->cols() * 4;
  request.max_bytes = request.source_bytes / 3;
  request.method = method;
  if (is_table) {
    request.metric = std::make_shared<ChannelMetric>(moments.second.view());
  } else {
    request.moments = &moments;
  }
  const Encoding encoding = encode_matrix(request);
  const auto stored = read_back(*encoding.matrix);
  const double error = is_table ? channel_error(*rows, *stored, *request.metric, {})
                                : std::sqrt(output_error(*rows, *stored, moments, InputSide::cols));
  return Findings().add("error", error, 0, 0.05).add("predicted", encoding.predicted_error, 0, 0.05);
}

void add_weighted(std::vector<ScaleCase>& all, Method method) {
  for (const bool is_table : {false, true}) {
    const std::string name = std::string(to_string(method)) + (is_table ? "/metric" : "/moments");
    all.push_back({name + "/matrix", [=](double factor) { return weighted(is_table, method, factor, 1); }});
    all.push_back({name, [=](double factor) { return weighted(is_table, method, 1, factor); }, false});
  }
}

std::vector<ScaleCase> cases() {
  std::vector<ScaleCase> all;
  for (const Method method : {Method::codes, Method::svd, Method::lp, Method::int8}) add_weighted(all, method);
  for (const Method method : all_methods()) {
    const std::string name(to_string(method));
    all.push_back({name, [method](double factor) { return encoded(method, 2, factor); }});
    if (method != Method::lp && method != Method::automatic) continue;
    all.push_back({name + "/lp", [method](double factor) { return encoded(method, 1.5, factor); }});
  }
  return all;
}

class MethodScale : public testing::TestWithParam<ScaleCase> {};
TEST_P(MethodScale, EncodingsDoNotDependOnTheScaleOfTheMatrix) {
  expect_independent_of_scale(GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, MethodScale, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace loewner::test
