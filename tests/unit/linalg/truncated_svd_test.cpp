// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/truncated_svd.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "linalg/matrix_copies.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/sketching.hpp"
#include "support/tolerance.hpp"

namespace loewner {
namespace {

RightSingularVectors svd(const Matrix<float>& a, Index rank, SvdRoute route = SvdRoute::automatic) {
  return truncated_svd(DenseRows(a.view()), {.rank = rank, .route = route});
}

TEST(TruncatedSvd, FindsThePrescribedSpectrumAndAnOrthonormalBasis) {
  const auto spectrum = test::exponential_decay(20, 0.7);
  const auto a = test::matrix_with_spectrum({.rows = 300, .cols = 40, .seed = 3}, spectrum);
  const auto result = svd(a, 12);
  for (Index i = 0; i < 12; ++i)
    EXPECT_NEAR(result.singular_values[i], spectrum[i], test::rounding_tolerance(a.view()));
  EXPECT_LE(test::orthonormality_error(result.vt.view()), 1e-12);
}

TEST(TruncatedSvd, ErrorIsTheTailOfTheSpectrum) {
  const auto a = test::gaussian_matrix({.rows = 200, .cols = 30, .seed = 4});
  const auto result = svd(a, 10);
  const Matrix<float> left = project_rows(DenseRows(a.view()), result.vt.view());
  Matrix<float> right(10, 30);
  for (Index i = 0; i < 10 * 30; ++i) right.data()[i] = static_cast<float>(result.vt.data()[i]);
  double tail = 0;
  for (Index i = 10; i < 30; ++i) tail += result.singular_values[i] * result.singular_values[i];
  const Matrix<float> b = test::product(left.view(), right.view());
  EXPECT_NEAR(test::frobenius_distance(a.view(), b.view()), std::sqrt(tail), test::rounding_tolerance(a.view()));
}

TEST(TruncatedSvd, GramAndDirectRouteFindTheSameSubspace) {
  const auto a = test::matrix_with_spectrum({.rows = 500, .cols = 25, .seed = 5}, test::exponential_decay(25, 0.8));
  const auto by_gram = svd(a, 7, SvdRoute::gram), by_qr = svd(a, 7, SvdRoute::direct);
  EXPECT_LE(test::subspace_distance(by_gram.vt.view(), by_qr.vt.view()), 1e-6);
}

TEST(TruncatedSvd, SwitchesToTheDirectRouteBelowTheLimitOfTheGramRoute) {
  const auto a = test::matrix_with_spectrum({.rows = 100, .cols = 10, .seed = 6}, {1.0, 1e-2, 2e-6});
  EXPECT_EQ(svd(a, 2).route, SvdRoute::gram);
  EXPECT_EQ(svd(a, 3).route, SvdRoute::direct);
}

// Just wide enough for the Gram matrix of the rows, and with weights.
TEST(TruncatedSvd, OfManyRowsAndMoreColumnsIsThatOfTheTranspose) {
  const Matrix<float> a = test::gaussian_matrix({.rows = 1025, .cols = 1030, .seed = 7});
  std::vector<double> weights(1025);
  double energy = 0;
  for (Index i = 0; i < 1025; ++i) {
    weights[i] = 1 + static_cast<double>(i % 5);
    for (const float x : a.row(i)) energy += weights[i] * static_cast<double>(x) * static_cast<double>(x);
  }
  const auto found = truncated_svd(DenseRows(a.view()), {.rank = 6, .row_weights = weights, .vectors = 9});
  EXPECT_EQ(found.route, SvdRoute::gram);
  double sum = 0;
  for (const double sigma : found.singular_values) sum += sigma * sigma;
  EXPECT_NEAR(sum / energy, 1, 1e-10);
  ASSERT_EQ(found.vt.rows(), 9);
  for (Index r = 0; r < 9; ++r) {
    double image = 0;
    for (Index i = 0; i < 1025; ++i) {
      double product = 0;
      for (Index j = 0; j < 1030; ++j) product += static_cast<double>(a(i, j)) * found.vt(r, j);
      image += weights[i] * product * product;
    }
    EXPECT_NEAR(std::sqrt(image) / found.singular_values[r], 1, 1e-10) << r;
    for (Index s = 0; s <= r; ++s) {
      double product = 0;
      for (Index j = 0; j < 1030; ++j) product += found.vt(r, j) * found.vt(s, j);
      EXPECT_NEAR(product, r == s ? 1 : 0, 1e-13);
    }
  }
}

TEST(TruncatedSvd, WideMatrixHasTheSpectrumOfItsTranspose) {
  const auto spectrum = test::exponential_decay(8, 0.5);
  const auto a = test::matrix_with_spectrum({.rows = 8, .cols = 60, .seed = 7}, spectrum);
  const auto result = svd(a, 8);
  for (Index i = 0; i < 8; ++i) EXPECT_NEAR(result.singular_values[i], spectrum[i], test::rounding_tolerance(a.view()));
  EXPECT_EQ(result.vt.cols(), 60);
}

TEST(TruncatedSvd, WeightsEqualRepeatedRows) {
  const auto a = test::gaussian_matrix({.rows = 50, .cols = 12, .seed = 8});
  Matrix<float> repeated(100, 12);
  std::vector<double> weights(50, 1.0);
  for (Index i = 0; i < 50; ++i) std::ranges::copy(a.row(i), repeated.row(i).begin());
  for (Index i = 0; i < 50; ++i) {
    weights[i] += i < 25 ? 2 : 0;  // the first half three times
    if (i < 25) {
      std::ranges::copy(a.row(i), repeated.row(50 + i).begin());
      std::ranges::copy(a.row(i), repeated.row(75 + i).begin());
    }
  }
  const auto weighted = truncated_svd(DenseRows(a.view()), {.rank = 4, .row_weights = weights});
  const auto plain = svd(repeated, 4);
  EXPECT_LE(test::subspace_distance(weighted.vt.view(), plain.vt.view()), 1e-6);
}

TEST(TruncatedSvd, SameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 5000, .cols = 70, .seed = 9});
  const int before = num_threads();
  set_num_threads(1);
  const auto one = svd(a, 20);
  for (const int threads : {2, 8}) {
    set_num_threads(threads);
    const auto many = svd(a, 20);
    EXPECT_TRUE(std::equal(one.vt.data(), one.vt.data() + 20 * 70, many.vt.data())) << threads << " threads";
  }
  set_num_threads(before);
}

TEST(TruncatedSvd, RejectsRankOutsideTheMatrixAndNonFiniteEntries) {
  auto a = test::gaussian_matrix({.rows = 20, .cols = 5, .seed = 10});
  EXPECT_THROW((void)svd(a, 0), InvalidArgument);
  EXPECT_THROW((void)svd(a, 6), InvalidArgument);
  a(13, 2) = std::numeric_limits<float>::infinity();
  try {
    (void)svd(a, 2);
    FAIL() << "an infinity was accepted";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("row 13, column 2"), std::string::npos) << error.what();
  }
}

TEST(TruncatedSvd, ZeroMatrixHasZeroSpectrumAndAFiniteBasis) {
  const Matrix<float> a(30, 6);
  const auto result = svd(a, 3);
  EXPECT_EQ(result.singular_values[0], 0);
  EXPECT_LE(test::orthonormality_error(result.vt.view()), 1e-12);
}

// The squared residual of the vectors relative to the best one.
double left_over(const Matrix<float>& a, const RightSingularVectors& found, Index rank) {
  const auto wide = detail::widened(a.view());
  const auto v = test::transposed(detail::leading_rows<double>(found.vt.view(), rank));
  const auto sigma = svd(a, rank, SvdRoute::direct).singular_values;
  const double all = test::frobenius_norm64(wide), kept = test::frobenius_norm64(test::product64(wide, v));
  const double best = std::inner_product(sigma.begin() + rank, sigma.end(), sigma.begin() + rank, 0.0);
  return (all * all - kept * kept) / best;
}

TEST(TruncatedSvd, Float32GramSufficesForLargeResiduals) {
  constexpr Index kRank = 20;
  const auto rough = test::gaussian_matrix({.rows = 3000, .cols = 60, .seed = 12});
  const auto smooth =
      test::matrix_with_spectrum({.rows = 300, .cols = 60, .seed = 13}, test::exponential_decay(60, 0.6));
  const auto with_eps = [&](const Matrix<float>& a, double eps) {
    return truncated_svd(DenseRows(a.view()), {.rank = kRank, .route = SvdRoute::gram, .eps = eps});
  };
  EXPECT_FALSE(test::same_bits(with_eps(rough, 1e-4).vt, with_eps(rough, 0).vt));
  EXPECT_LE(left_over(rough, with_eps(rough, 1e-4), kRank), 1 + 1e-7);
  const auto coarse = with_eps(rough, 1e-4).singular_values, fine = with_eps(rough, 0).singular_values;
  const double all = std::inner_product(fine.begin(), fine.end(), fine.begin(), 0.0);
  for (std::size_t i = 0; i < fine.size(); ++i) {
    EXPECT_NEAR(coarse[i] * coarse[i], fine[i] * fine[i], 2e-8 * all);
  }
  EXPECT_TRUE(test::same_bits(with_eps(smooth, 1e-4).vt, with_eps(smooth, 0).vt));  // the control: a small residual
}

TEST(TruncatedSvd, Float32GramIsUsedAtAnyScale) {
  for (const float scale : {1e-25F, 1e25F}) {
    auto a = test::gaussian_matrix({.rows = 500, .cols = 30, .seed = 14});
    for (Index i = 0; i < a.rows(); ++i) {
      for (float& x : a.row(i)) x *= scale;
    }
    const TruncatedSvdOptions exact{.rank = 5, .route = SvdRoute::gram},
        rough{.rank = 5, .route = SvdRoute::gram, .eps = 1e-4};
    const auto found = truncated_svd(DenseRows(a.view()), rough), best = truncated_svd(DenseRows(a.view()), exact);
    EXPECT_LE(left_over(a, found, 5), 1 + 1e-4);
    EXPECT_NEAR(found.singular_values[0] / best.singular_values[0], 1, 1e-6);
  }
}

TEST(TruncatedSvd, ReturnsMoreVectorsThanTheRankOnRequest) {
  for (const Index rows : {100, 20}) {  // a wide one too
    const auto a = test::gaussian_matrix({.rows = rows, .cols = 30, .seed = 15});
    const auto few = truncated_svd(DenseRows(a.view()), {.rank = 5});
    const auto many = truncated_svd(DenseRows(a.view()), {.rank = 5, .vectors = 20});
    EXPECT_EQ(few.vt.rows(), 5);
    EXPECT_EQ(many.vt.rows(), 20);
    EXPECT_TRUE(test::same_bits(few.vt, detail::leading_rows<double>(many.vt.view(), 5)));
    EXPECT_CONTAINS(
        test::message_of<InvalidArgument>([&] { (void)truncated_svd(DenseRows(a.view()), {.rank = 5, .vectors = 4}); }),
        "vectors must be in [5, " + std::to_string(std::min<Index>(rows, 30)) + "] (or 0), got 4");
  }
}

class KrylovRoute : public testing::Test {
 protected:
  static constexpr Index kRows = 1500, kCols = 400, kRank = 5;

  KrylovRoute() {
    for (Index i = 0; i < kRows; ++i) weights_.push_back(1 / std::sqrt(static_cast<double>(i + 1)));
  }
  RightSingularVectors svd(SvdRoute route, double eps) const {
    return truncated_svd(DenseRows(a_.view()), {.rank = kRank, .row_weights = weights_, .route = route, .eps = eps});
  }

  Matrix<float> a_ =
      test::matrix_with_spectrum({.rows = kRows, .cols = kCols, .seed = 9}, test::exponential_decay(300, 0.97));
  std::vector<double> weights_;
};

TEST_F(KrylovRoute, IsChosenWhenCheaperWithTheErrorOfTheGramRoute) {
  ASSERT_TRUE(is_krylov_cheaper(kRows, kCols, kRank));
  const auto exact = svd(SvdRoute::gram, 0), fast = svd(SvdRoute::automatic, 1e-3);
  EXPECT_EQ(svd(SvdRoute::automatic, 0).route, SvdRoute::gram);
  ASSERT_EQ(fast.route, SvdRoute::krylov);
  ASSERT_EQ(fast.singular_values.size(), static_cast<std::size_t>(kRank));
  EXPECT_LE(test::orthonormality_error(fast.vt.view()), 1e-12);
  double tail = 0;
  for (Index i = kRank; i < kCols; ++i) tail += exact.singular_values[i] * exact.singular_values[i];
  EXPECT_NEAR(fast.residual_norm / std::sqrt(tail), 1, 1e-3);
  EXPECT_NEAR(fast.singular_values[0], exact.singular_values[0], 1e-4 * exact.singular_values[0]);
}

TEST_F(KrylovRoute, IsCheaperForFewDirectionsOfLargeMatrices) {
  EXPECT_TRUE(is_krylov_cheaper(11008, 4096, 150));
  EXPECT_TRUE(is_krylov_cheaper(4096, 11008, 150));
  EXPECT_FALSE(is_krylov_cheaper(11008, 4096, 1000));
  EXPECT_FALSE(is_krylov_cheaper(30522, 384, 273));
  EXPECT_FALSE(is_krylov_cheaper(2'000'000, 4096, 100));  // the bases would not fit
}

TEST_F(KrylovRoute, NeedsAPositiveEps) {
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { svd(SvdRoute::krylov, 0); }), "eps must be");
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { svd(SvdRoute::automatic, -1); }), "got -1");
}

}  // namespace
}  // namespace loewner
