// SPDX-License-Identifier: Apache-2.0
// The functions of attention on keys and queries times 10^k. Powers take any scale of either; softmax has none.
#include <gtest/gtest.h>

#include "loewner/attention/attend_selected.hpp"
#include "loewner/attention/heavy_key_stream.hpp"
#include "loewner/attention/heavy_keys.hpp"
#include "support/scale_case.hpp"

namespace loewner::test {
namespace {

const Matrix<float>& keys() {
  static const Matrix<float> a = gaussian_matrix({60, 4, 1});
  return a;
}
const Matrix<float>& values() {
  static const Matrix<float> a = gaussian_matrix({60, 3, 2});
  return a;
}
const Matrix<float>& queries() {
  static const Matrix<float> a = gaussian_matrix({9, 4, 3});
  return a;
}

struct Factors {
  double queries = 1, keys = 1, values = 1;
};

Findings attended(double power, const Factors& factors, double degree = 0) {
  const Matrix<float> q = times(queries(), factors.queries), k = times(keys(), factors.keys),
                      v = times(values(), factors.values);
  const std::vector<Index> chosen{3, 5, 8, 13, 21};
  const auto found = attend_selected(q.view(), k.view(), v.view(), chosen, power);
  return Findings().add("output", found.output, degree).add("mass", found.captured_mass, 0);
}

Findings heavy(double power, double factor, double tolerance = 1e-4) {
  const Matrix<float> k = times(keys(), factor);
  const HeavyKeys found = select_heavy_keys(k.view(), {.power = power, .eps = 0.1, .max_keys = {}});
  return Findings()
      .add("indices", std::vector<double>(found.indices.begin(), found.indices.end()), 0, 0)
      .add("scores", found.scores, 0, tolerance)
      .add("eps", found.certified_eps, 0, tolerance > 1e-3 ? 2 : tolerance)
      .add_count("rank", found.rank);
}

Findings streamed(double power, double factor) {
  const Matrix<float> k = times(keys(), factor), q = times(queries(), factor);
  HeavyKeyStream stream(4, 3, {.power = power, .eps = 0.3});
  for (Index first = 0; first < 60; first += 20) {
    stream.push(k.view().row_block(first, 20), values().view().row_block(first, 20));
  }
  const auto kept = stream.current();
  return Findings()
      .add("squared feature", std::pow(factor, power), power)  // the stream keeps sums of them
      .add("indices", std::vector<double>(kept.indices.begin(), kept.indices.end()), 0, 0)
      .add("scores", kept.scores, 0)
      .add("output", stream.attend(q.view()), 0);
}

std::vector<ScaleCase> cases() {
  return {
      {"attend_selected/1",
       [](double factor) {
         return attended(1, {factor, factor});
       }},
      {"attend_selected/2",
       [](double factor) {
         return attended(2, {factor, factor});
       }},
      {"attend_selected/2.5",
       [](double factor) {
         return attended(2.5, {factor, factor});
       }},
      {"attend_selected/20",
       [](double factor) {
         return attended(20, {factor, factor});
       }},
      {"attend_selected/32",
       [](double factor) {
         return attended(32, {factor, factor});
       }},
      {"attend_selected/1000",
       [](double factor) {
         return attended(1000, {factor, factor});
       }},
      {"attend_selected/queries", [](double factor) { return attended(20, {.queries = factor}); }},
      {"attend_selected/keys", [](double factor) { return attended(20, {.keys = factor}); }},
      {"attend_selected/values", [](double factor) { return attended(4, {.values = factor}, 1); }},
      {"select_heavy_keys/1", [](double factor) { return heavy(1, factor); }},
      {"select_heavy_keys/2", [](double factor) { return heavy(2, factor); }},
      {"select_heavy_keys/3", [](double factor) { return heavy(3, factor); }},
      {"select_heavy_keys/8", [](double factor) { return heavy(8, factor); }},
      {"select_heavy_keys/32",
       [](double factor) { return heavy(32, factor, 0.05); }},  // 969 features of 60 keys: a singular problem
      {"heavy_key_gram",
       [](double factor) {
         const Matrix<float> k = times(keys(), factor);
         return Findings().add("gram", heavy_key_gram(k.view(), 8), 8);
       }},
      {"select_heavy_keys_in",
       [](double factor) {
         const Matrix<float> k = times(keys(), factor);
         const HeavyKeys found =
             select_heavy_keys_in(k.view(), heavy_key_gram(k.view(), 8), {.power = 8, .eps = 0.1, .max_keys = {}});
         return Findings().add("scores", found.scores, 0).add("gram", heavy_key_gram(k.view(), 8), 8);
       }},
      {"HeavyKeyStream/2", [](double factor) { return streamed(2, factor); }},
      {"HeavyKeyStream/8", [](double factor) { return streamed(8, factor); }},
      {"HeavyKeyStream/16", [](double factor) { return streamed(16, factor); }},
  };
}

class AttentionScale : public testing::TestWithParam<ScaleCase> {};
TEST_P(AttentionScale, AnswersDoNotDependOnTheScaleOfTheInput) {
  expect_independent_of_scale(GetParam());
}
INSTANTIATE_TEST_SUITE_P(All, AttentionScale, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace loewner::test
