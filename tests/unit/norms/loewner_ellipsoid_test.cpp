// SPDX-License-Identifier: Apache-2.0
#include "loewner/norms/loewner_ellipsoid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "loewner/base/parallel.hpp"
#include "loewner/base/random.hpp"
#include "loewner/lowrank/lp_low_rank.hpp"
#include "support/matrices.hpp"

namespace loewner::loewner_ellipsoid_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

LoewnerEllipsoid ellipsoid(const Matrix<float>& a, double p, double epsilon = 0.01) {
  return loewner_ellipsoid(DenseRows(a.view()), {.norm_exponent = p, .epsilon = epsilon});
}

double norm_of_image(const Matrix<float>& a, const std::vector<double>& x, double p) {
  std::vector<double> image(a.rows(), 0.0);
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) image[i] += a(i, j) * x[j];
    image[i] = std::abs(image[i]);
  }
  const double largest = std::ranges::max(image);  // factored out, since powers of 1000 would underflow
  double sum = 0;
  for (const double value : image) sum += std::pow(value / largest, p);
  return std::isinf(p) ? largest : largest * std::pow(sum, 1 / p);
}

double norm_of_image(const Matrix<double>& f, const std::vector<double>& x) {
  double sum = 0;
  for (Index i = 0; i < f.rows(); ++i) {
    double dot = 0;
    for (Index j = 0; j < f.cols(); ++j) dot += f(i, j) * x[j];
    sum += dot * dot;
  }
  return std::sqrt(sum);
}

struct Range {
  double smallest = kInfinity, largest = 0;
};

// The range of ||A x||_p / ||F x||_2 over random x, over the axes, and over local searches from these.
Range measured_ratio(const Matrix<float>& a, const Matrix<double>& f, double p) {
  const Index d = a.cols();
  RandomStream random(5, RandomPurpose::test_data);
  Range range;
  const auto ratio = [&](const std::vector<double>& x) {
    const double value = norm_of_image(a, x, p) / norm_of_image(f, x);
    range = {std::min(range.smallest, value), std::max(range.largest, value)};
    return value;
  };
  for (Index start = 0; start < 20 + d; ++start) {
    std::vector<double> low(d);
    for (double& x : low) x = random.normal();
    if (start < d) {
      std::ranges::fill(low, 0.0);
      low[start] = 1;
    }
    std::vector<double> high = low;
    for (double step = 1; step > 1e-3; step *= 0.9) {
      for (auto* x : {&low, &high}) {
        std::vector<double> trial = *x;
        for (double& value : trial) value += step * random.normal();
        const double before = ratio(*x), after = ratio(trial);
        if (x == &low ? after < before : after > before) *x = trial;
      }
    }
  }
  return range;
}

double log_volume(const Matrix<double>& f) {  // -log |det F| by elimination with row exchanges
  Matrix<double> u = f.clone();
  double sum = 0;
  for (Index k = 0; k < u.rows(); ++k) {
    Index pivot = k;
    for (Index i = k; i < u.rows(); ++i) pivot = std::abs(u(i, k)) > std::abs(u(pivot, k)) ? i : pivot;
    std::ranges::swap_ranges(u.row(k), u.row(pivot));
    for (Index i = k + 1; i < u.rows(); ++i) {
      const double factor = u(i, k) / u(k, k);
      for (Index j = k; j < u.cols(); ++j) u(i, j) -= factor * u(k, j);
    }
    sum -= std::log(std::abs(u(k, k)));
  }
  return sum;
}

class EveryExponent : public testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(Exponents, EveryExponent, testing::Values(1, 1.2, 1.7, 2, 3, 8, 60, kInfinity));

TEST_P(EveryExponent, BothInequalitiesHoldWithTheCertifiedDistortion) {
  const double p = GetParam();
  for (const auto& a : {test::gaussian_matrix({.rows = 60, .cols = 5, .seed = 41}),
                        test::low_rank_plus_row_outliers({.rows = 80, .cols = 6, .seed = 42}, 3, 0.1, 0.05, 10),
                        test::student_t_with_decay({.rows = 80, .cols = 4, .seed = 43}, 3, 0.3)}) {
    const auto result = ellipsoid(a, p);
    const Range range = measured_ratio(a, result.factor, p);
    EXPECT_GE(range.smallest, 1 - 1e-9);
    EXPECT_LE(range.largest, result.distortion * (1 + 1e-9));
    EXPECT_LE(result.distortion, 1.5 * std::sqrt(static_cast<double>(a.cols())));
  }
}

TEST_P(EveryExponent, ScalesWithTheMatrix) {
  const double p = GetParam();
  const auto a = test::gaussian_matrix({.rows = 50, .cols = 4, .seed = 44});
  Matrix<float> scaled = a.clone();
  for (Index i = 0; i < 50 * 4; ++i) scaled.data()[i] *= 1024;
  const auto plain = ellipsoid(a, p), image = ellipsoid(scaled, p);
  EXPECT_NEAR(plain.distortion, image.distortion, 1e-9);
  EXPECT_NEAR(log_volume(plain.factor) - log_volume(image.factor), 4 * std::log(1024.0), 1e-8);
}

TEST_P(EveryExponent, IsExactForOneColumn) {
  const double p = GetParam();
  const auto a = test::gaussian_matrix({.rows = 30, .cols = 1, .seed = 45});
  const auto result = ellipsoid(a, p);
  EXPECT_NEAR(result.distortion, 1, 1e-6);
  EXPECT_NEAR(std::abs(result.factor(0, 0)), norm_of_image(a, {1.0}, p), 1e-6);
}

// Each ellipsoid contains the level set, which contains the other ellipsoid divided by its distortion c, so the log
// volumes differ by at most d log c. The distortion of the Lewis factorization is proved to be near d^|1/p-1/2|.
TEST(LoewnerEllipsoid, VolumeAgreesWithTheLewisFactorization) {
  for (const double p : {1.0, 1.5, 3.0, 20.0}) {
    for (const Index d : {2, 3, 6}) {
      const auto a = test::low_rank_plus_row_outliers({.rows = 100, .cols = d, .seed = 54}, 2, 0.1, 0.05, 10);
      const auto cuts = ellipsoid(a, p);
      const auto lewis =
          lp_factorization(DenseRows(a.view()), {.norm_exponent = p, .max_iterations = 50, .tolerance = 0.01});
      double lewis_volume = 0;
      for (const double scale : lewis.scales) lewis_volume -= std::log(scale);
      const double difference = log_volume(cuts.factor) - lewis_volume, size = static_cast<double>(d);
      EXPECT_LE(difference, size * std::log(cuts.distortion) + 1e-9) << "p " << p << ", d " << d;
      EXPECT_GE(difference, -size * std::log(lewis.distortion) - 1e-9) << "p " << p << ", d " << d;
      EXPECT_LE(lewis.distortion, 1.02 * std::pow(size, std::abs(1 / p - 0.5)));
      EXPECT_LE(lewis.distortion, 1.02 * cuts.distortion) << "p " << p << ", d " << d;
    }
  }
}

TEST(LoewnerEllipsoid, MeasuredRangeRefutesATooSmallDistortion) {  // negative control of the measurement
  const auto a = test::low_rank_plus_row_outliers({.rows = 80, .cols = 6, .seed = 42}, 3, 0.1, 0.05, 10);
  const auto result = ellipsoid(a, 1);
  const Range range = measured_ratio(a, result.factor, 1);
  EXPECT_GT(range.largest / range.smallest, 1.1);
  Matrix<double> identity(6, 6);
  for (Index i = 0; i < 6; ++i) identity(i, i) = 1;
  const Range ball = measured_ratio(a, identity, 1);
  EXPECT_GT(ball.largest / ball.smallest, result.distortion) << "a ball should be no ellipsoid of this matrix";
}

TEST(LoewnerEllipsoid, ForTheEuclideanNormIsExact) {
  const auto a = test::student_t_with_decay({.rows = 100, .cols = 7, .seed = 46}, 3, 0.2);
  const auto result = ellipsoid(a, 2);
  EXPECT_NEAR(result.distortion, 1, 1e-9);
  for (Index i = 0; i < 7; ++i) {
    for (Index j = 0; j < 7; ++j) {
      double gram = 0, shape = 0;
      for (Index r = 0; r < 100; ++r) gram += static_cast<double>(a(r, i)) * a(r, j);
      for (Index r = 0; r < 7; ++r) shape += result.factor(r, i) * result.factor(r, j);
      EXPECT_NEAR(shape, gram, 1e-9 * test::frobenius_norm(a.view()) * test::frobenius_norm(a.view()));
    }
  }
}

// For A = I the level set of the l_1 norm is the cross-polytope, whose smallest ellipsoid is the unit ball.
TEST(LoewnerEllipsoid, OfTheCrossPolytopeIsTheUnitBall) {
  Matrix<float> identity(5, 5);
  for (Index i = 0; i < 5; ++i) identity(i, i) = 1;
  const auto result = ellipsoid(identity, 1);
  EXPECT_NEAR(log_volume(result.factor), 0, 1e-9);
  EXPECT_NEAR(result.distortion, std::sqrt(5.0), 1e-9);
}

TEST(LoewnerEllipsoid, CutsReduceTheVolumeForOutlyingRows) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 400, .cols = 30, .seed = 47}, 10, 0.1, 0.02, 10);
  const auto result = ellipsoid(a, 1);
  EXPECT_GT(result.report.iterations, 0);
  EXPECT_LT(result.report.final_objective, result.report.initial_objective - 10);  // log volume
  EXPECT_LE(result.distortion, 1.3 * std::sqrt(30.0));
}

// Large exponents need the most cuts, and their ellipsoids almost touch the level set, so the test fails for cuts that
// are a tenth too deep.
TEST(LoewnerEllipsoid, CutsNeverEnterTheLevelSet) {
  for (const double p : {20.0, 100.0, 1000.0}) {
    for (const std::uint64_t seed : {51u, 52u, 53u}) {
      const auto a = test::student_t_with_decay({.rows = 200, .cols = 3, .seed = seed}, 3, 0.5);
      const auto result = ellipsoid(a, p);
      EXPECT_GE(result.report.iterations, 5);
      EXPECT_GE(measured_ratio(a, result.factor, p).smallest, 1 - 1e-9);
    }
  }
}

// For rows e_j / c_j, each repeated c_j times, ||A x||_1 = sum_j |x_j|, and the proved lower bound is sharp.
TEST(LoewnerEllipsoid, OfRepeatedAxisRowsTouchesTheCrossPolytope) {
  const Index counts[] = {1, 10, 100, 1000};
  Matrix<float> a(1111, 4);
  for (Index j = 0, row = 0; j < 4; ++j) {
    for (Index c = 0; c < counts[j]; ++c) a(row++, j) = 1 / static_cast<float>(counts[j]);
  }
  const auto result = ellipsoid(a, 1);
  EXPECT_GT(result.report.iterations, 0);
  double smallest = kInfinity;
  for (Index j = 0; j < 4; ++j) {
    std::vector<double> axis(4, 0.0);
    axis[j] = 1;
    smallest = std::min(smallest, norm_of_image(a, axis, 1) / norm_of_image(result.factor, axis));
  }
  EXPECT_NEAR(smallest, 1, 1e-6);
}

TEST(LoewnerEllipsoid, StopsAtTheIterationLimitWithAProvedDistortion) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 200, .cols = 20, .seed = 48}, 5, 0.1, 0.05, 10);
  const auto result = loewner_ellipsoid(DenseRows(a.view()), {.norm_exponent = 1, .max_iterations = 3});
  EXPECT_EQ(result.report.status, Status::max_iterations);
  EXPECT_EQ(result.report.iterations, 3);
  const Range range = measured_ratio(a, result.factor, 1);
  EXPECT_GE(range.smallest, 1 - 1e-9);
  EXPECT_LE(range.largest, result.distortion);
}

TEST(LoewnerEllipsoid, SameBitsForAnyNumberOfThreads) {
  const auto a = test::low_rank_plus_row_outliers({.rows = 3000, .cols = 10, .seed = 49}, 4, 0.1, 0.05, 10);
  const int before = num_threads();
  set_num_threads(1);
  const auto one = ellipsoid(a, 1);
  for (const int threads : {2, 8}) {
    set_num_threads(threads);
    const auto many = ellipsoid(a, 1);
    EXPECT_TRUE(std::equal(one.factor.data(), one.factor.data() + 100, many.factor.data())) << threads << " threads";
  }
  set_num_threads(before);
}

TEST(LoewnerEllipsoid, NamesTheRankOfADeficientMatrixAndRejectsBadOptions) {
  auto a = test::gaussian_matrix({.rows = 30, .cols = 4, .seed = 50});
  EXPECT_THROW((void)ellipsoid(a, 0.5), InvalidArgument);
  EXPECT_THROW((void)ellipsoid(a, std::numeric_limits<double>::quiet_NaN()), InvalidArgument);
  EXPECT_THROW((void)ellipsoid(a, 1, 0), InvalidArgument);
  for (Index i = 0; i < 30; ++i) a(i, 2) = a(i, 1);
  for (const double p : {1.0, kInfinity}) {
    try {
      (void)ellipsoid(a, p);
      FAIL() << "a matrix of rank 3 was accepted";
    } catch (const InvalidArgument& error) {
      EXPECT_NE(std::string(error.what()).find("rank 3"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace loewner::loewner_ellipsoid_test
