// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/encode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "loewner/base/error.hpp"
#include "loewner/base/random.hpp"
#include "loewner/model/json.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"

namespace loewner {
namespace {

// A matrix whose rows are mixtures of four out of twelve points, or a matrix of Gaussian rows.
class EncodeArchetypes : public testing::Test {
 protected:
  static constexpr Index kMany = 4096, kWide = 64, kCount = 12;

  static Matrix<float> mixtures() {
    const auto points = test::gaussian_matrix({kCount, kWide, 1}), noise = test::gaussian_matrix({kMany, kWide, 2});
    RandomStream random(3, RandomPurpose::test_data);
    Matrix<float> a(kMany, kWide);
    for (Index i = 0; i < kMany; ++i) {
      for (int m = 0; m < 4; ++m) {
        const auto point = points.row(static_cast<Index>(random.uniform() * kCount));
        const auto weight = static_cast<float>(random.uniform());
        for (Index j = 0; j < kWide; ++j) a(i, j) += weight * point[j];
      }
      for (Index j = 0; j < kWide; ++j) a(i, j) += 0.01F * noise(i, j);
    }
    return a;
  }
  static EncodeRequest request(const Matrix<float>& a, Method method) {
    EncodeRequest r;
    r.matrix = std::make_shared<DenseRows>(a.view());
    r.source_bytes = 4 * kMany * kWide;
    r.method = method;
    r.method_options["num_archetypes"] = kCount;
    return r;
  }
};

TEST_F(EncodeArchetypes, UsesTheRequestedNumbersAndStaysWithinTheBytes) {
  const Matrix<float> a = mixtures();
  auto r = request(a, Method::archetypes);
  r.method_options["archetypes_per_row"] = 6;
  for (const Index bytes : {80'000, 100'000, 200'000}) {
    r.max_bytes = bytes;
    const Encoding encoding = encode_matrix(r);
    EXPECT_LE(encoding.matrix->bytes(), bytes);
    EXPECT_GE(encoding.matrix->bytes(), bytes == 80'000 ? 14 * kMany + 2 * kCount * kWide : bytes - 2 * kWide - 8);
    EXPECT_EQ(encoding.matrix->spec().at("archetypes"), kCount);
    EXPECT_EQ(encoding.matrix->spec().at("per_row"), 6);
  }
  r.max_bytes = 14 * kMany + 2 * kCount * kWide - 1;
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encode_matrix(r); }),
                  "archetypes take at least 58880 bytes, the budget leaves 58879");
}

TEST_F(EncodeArchetypes, PredictionIsWithinTenPercentOfTheError) {
  for (const Matrix<float>& a : {mixtures(), test::gaussian_matrix({kMany, kWide, 4})}) {
    auto r = request(a, Method::archetypes);
    const auto offers = candidates(r);
    ASSERT_GT(offers.size(), 10u);
    for (const std::size_t i : {std::size_t{0}, offers.size() / 3}) {
      r.max_bytes = offers[i].point.bytes;
      const Encoding encoding = encode_matrix(r);
      const double error = approximation_errors(*r.matrix, *encoding.matrix, {}, 2).relative_error();
      EXPECT_NEAR(std::sqrt(offers[i].point.error) / error, 1, 0.1) << i;
      EXPECT_NEAR(encoding.predicted_error / error, 1, 0.1) << i;
    }
  }
}

TEST_F(EncodeArchetypes, AutomaticChoosesArchetypesForMixturesAndSkipsThemForGaussianRows) {
  const Matrix<float> mixed = mixtures(), gaussian = test::gaussian_matrix({kMany, kWide, 4});
  auto r = request(mixed, Method::automatic);
  r.max_bytes = 11 * kMany + 2 * kCount * kWide;
  EXPECT_EQ(encode_matrix(r).method, Method::archetypes);
  const auto offers = candidates(request(gaussian, Method::automatic));
  EXPECT_EQ(std::ranges::count(offers, Method::archetypes, &Candidate::method), 0);
}

}  // namespace
}  // namespace loewner
