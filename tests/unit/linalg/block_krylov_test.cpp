// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/block_krylov.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>

#include "linalg/matrix_copies.hpp"
#include "loewner/base/random.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/operators.hpp"
#include "support/threads.hpp"
#include "support/tolerance.hpp"

namespace loewner {
namespace {

using test::DiagonalOperator;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

KrylovSvd krylov(const Matrix<float>& a, const BlockKrylovOptions& options) {
  return block_krylov(MatrixOperator(a.view()), options);
}

Matrix<double> transposed(const Matrix<double>& a) {
  return detail::transposed<double>(a.view());
}

bool same_bits(const Matrix<double>& a, const Matrix<double>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && std::equal(a.data(), a.data() + a.rows() * a.cols(), b.data());
}

bool same_bits(const KrylovSvd& a, const KrylovSvd& b) {
  return same_bits(a.u, b.u) && same_bits(a.vt, b.vt) && a.singular_values == b.singular_values &&
         a.products == b.products && a.residual_norm == b.residual_norm;
}

void expect_orthonormal(const KrylovSvd& svd) {
  EXPECT_LE(test::orthonormality_error(svd.vt.view()), 1e-12);
  const auto ut = transposed(svd.u);
  EXPECT_LE(test::orthonormality_error(ut.view()), 1e-12);
}

TEST(BlockKrylov, FindsThePrescribedSpectrumAndItsVectors) {
  const auto spectrum = test::exponential_decay(40, 0.8);
  const auto a = test::matrix_with_spectrum({.rows = 120, .cols = 60, .seed = 1}, spectrum);
  const auto svd = krylov(a, {.rank = 12, .eps = 1e-6});
  const auto exact = truncated_svd(DenseRows(a.view()), {.rank = 12, .route = SvdRoute::direct});
  EXPECT_EQ(svd.status, Status::converged);
  for (Index i = 0; i < 12; ++i) EXPECT_NEAR(svd.singular_values[i], spectrum[i], test::rounding_tolerance(a.view()));
  EXPECT_LE(test::subspace_distance(svd.vt.view(), exact.vt.view()),
            1e-3);  // an excess of eps is an angle of sqrt(eps)
  expect_orthonormal(svd);
}

TEST(BlockKrylov, UAndSigmaAreTheImageOfV) {
  const auto a = test::gaussian_matrix({.rows = 90, .cols = 50, .seed = 2});
  const auto svd = krylov(a, {.rank = 7});
  const auto v = transposed(svd.vt);
  Matrix<double> image(90, 7);
  MatrixOperator(a.view()).apply(v.view(), image.view());
  for (Index i = 0; i < 90; ++i) {
    for (Index j = 0; j < 7; ++j) {
      EXPECT_NEAR(image(i, j), svd.singular_values[j] * svd.u(i, j), test::rounding_tolerance64(a.view()));
    }
  }
}

// A small error needs good subspaces only where the singular values differ; good vectors need more.
TEST(BlockKrylov, VectorsAreAsGoodAsAskedFor) {
  std::vector<double> spectrum(200);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = std::pow(1 + 0.05 * static_cast<double>(i), -1);
  const DiagonalOperator a(200, 200, spectrum);
  const auto worst_residual = [&](const KrylovSvd& svd) {
    double worst = 0;
    for (Index k = 0; k < svd.vt.rows(); ++k) {
      double sum = 0;
      for (Index i = 0; i < 200; ++i) {
        const double rest = spectrum[i] * svd.u(i, k) - svd.singular_values[k] * svd.vt(k, i);
        sum += rest * rest;
      }
      worst = std::max(worst, std::sqrt(sum));
    }
    return worst;
  };
  const auto svd = block_krylov(a, {.rank = 6, .eps = 0.1, .vector_tolerance = 1e-6});
  EXPECT_EQ(svd.status, Status::converged);
  EXPECT_LE(worst_residual(svd), 1e-6);
  EXPECT_GT(worst_residual(block_krylov(a, {.rank = 6, .eps = 0.1})), 1e-4);  // not by chance
}

TEST(BlockKrylov, SingularValuesNeverExceedThoseOfTheMatrixAndGrowWithTheSteps) {
  const DiagonalOperator a(150, 100, test::exponential_decay(100, 0.97));
  std::vector<double> before(6, 0.0);
  for (Index steps = 1; steps <= 6; ++steps) {
    const auto svd = block_krylov(a, {.rank = 6, .block = 3, .steps = steps});
    for (Index i = 0; i < 6; ++i) {
      EXPECT_LE(svd.singular_values[i], a.spectrum()[i] + 1e-13);
      EXPECT_GE(svd.singular_values[i], before[i] - 1e-13);
    }
    before = svd.singular_values;
  }
}

TEST(BlockKrylov, ResidualNormIsThatOfWhatIsLeftOver) {
  const auto a = test::gaussian_matrix({.rows = 80, .cols = 60, .seed = 3});
  const auto svd = krylov(a, {.rank = 9});
  const auto vt = detail::narrowed(svd.vt.view());
  Matrix<float> left(80, 9);
  for (Index i = 0; i < 80; ++i) {
    for (Index j = 0; j < 9; ++j) left(i, j) = static_cast<float>(svd.u(i, j) * svd.singular_values[j]);
  }
  const auto b = test::product(left.view(), vt.view());
  EXPECT_NEAR(svd.residual_norm, test::frobenius_distance(a.view(), b.view()), test::rounding_tolerance(a.view()));
}

TEST(BlockKrylov, FullRankIsTheWholeSvd) {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{12, 12}, {30, 9}, {9, 30}}) {
    const auto a = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = 4});
    const Index k = std::min(rows, cols);
    const auto svd = krylov(a, {.rank = k});
    const auto exact = test::singular_values(detail::widened(a.view()));
    for (Index i = 0; i < k; ++i) EXPECT_NEAR(svd.singular_values[i], exact[i], test::rounding_tolerance64(a.view()));
    EXPECT_LE(svd.residual_norm, test::rounding_tolerance64(a.view()));
    expect_orthonormal(svd);
  }
}

TEST(BlockKrylov, TakesMatricesOfOneRowOneColumnAndOneEntry) {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 1}, {1, 50}, {50, 1}}) {
    const auto a = test::gaussian_matrix({.rows = rows, .cols = cols, .seed = 5});
    const auto svd = krylov(a, {.rank = 1});
    EXPECT_NEAR(svd.singular_values[0], test::frobenius_norm(a.view()), test::rounding_tolerance64(a.view()));
    expect_orthonormal(svd);
  }
}

TEST(BlockKrylov, SingularValuesBeyondTheRankAreZeroWithOrthonormalVectors) {
  const DiagonalOperator a(60, 40, {4, 3, 2, 1, 0.5});
  const auto svd = block_krylov(a, {.rank = 8});
  EXPECT_EQ(svd.status, Status::converged);
  EXPECT_EQ(svd.numerical_rank, 5);
  for (Index i = 5; i < 8; ++i) EXPECT_LE(svd.singular_values[i], 1e-13);
  EXPECT_LE(svd.residual_norm, 1e-12);
  expect_orthonormal(svd);
}

TEST(BlockKrylov, ZeroMatrixHasZeroSpectrumAndFiniteVectors) {
  const Matrix<float> a(30, 20);
  const auto svd = krylov(a, {.rank = 3});
  EXPECT_EQ(svd.status, Status::converged);
  EXPECT_EQ(svd.singular_values, std::vector<double>(3, 0.0));
  EXPECT_EQ(svd.numerical_rank, 0);
  EXPECT_EQ(svd.residual_norm, 0);
  expect_orthonormal(svd);
}

// Blocks of fewer vectors than equal singular values see as many copies as they have vectors, and settle.
TEST(BlockKrylov, TheClosingCheckFindsRepeatedSingularValuesBeyondTheBlock) {
  std::vector<double> spectrum(300, 0.0);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = i < 8 ? 1 : 0.5 * std::pow(0.95, i);
  for (const Index block : {1, 2, 4}) {
    const DiagonalOperator a(300, 300, spectrum);
    const BlockKrylovOptions options{.rank = 8, .eps = 1e-3, .block = block};
    auto unchecked = options;
    unchecked.closing_check = false;
    EXPECT_LE(test::schatten_excess_of(a, block_krylov(a, options).vt, 2), 1e-3) << block;
    EXPECT_GT(test::schatten_excess_of(a, block_krylov(a, unchecked).vt, 2), 1e-2) << block;  // the control
  }
}

// Vectors that are held out do not stand for more work: without copies the block is kept as it is.
TEST(BlockKrylov, TheClosingCheckCostsNoProductsWhereValuesAreDistinct) {
  const DiagonalOperator a(300, 300, test::exponential_decay(300, 0.9));
  const BlockKrylovOptions options{.rank = 8, .eps = 1e-2};
  auto unchecked = options;
  unchecked.closing_check = false;
  EXPECT_LE(block_krylov(a, options).products, block_krylov(a, unchecked).products + 2 * 8);
}

TEST(BlockKrylov, TheClosingCheckFindsRepeatedSingularValuesAfterRestarts) {
  std::vector<double> spectrum(300, 0.0);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = i < 8 ? 1 : 0.5 * std::pow(0.95, i);
  const DiagonalOperator a(300, 300, spectrum);
  const BlockKrylovOptions options{.rank = 8, .eps = 1e-3, .block = 4, .max_bytes = 8 * 600 * 36};
  auto unchecked = options;
  unchecked.closing_check = false;
  EXPECT_LE(test::schatten_excess_of(a, block_krylov(a, options).vt, 2), 1e-3);
  EXPECT_GT(test::schatten_excess_of(a, block_krylov(a, unchecked).vt, 2), 1e-2);  // the control
}

TEST(BlockKrylov, ReachesEveryDirectionOfFewDistinctSingularValues) {
  std::vector<double> spectrum(80, 1.0);
  std::fill_n(spectrum.begin(), 30, 2.0);
  const DiagonalOperator a(80, 80, spectrum);
  const auto svd = block_krylov(a, {.rank = 20, .block = 2});
  EXPECT_NEAR(svd.singular_values[19], 2, 1e-6);
}

TEST(BlockKrylov, ScaleOfTheMatrixScalesTheResultOnly) {
  const auto spectrum = test::exponential_decay(60, 0.9);
  const auto plain = block_krylov(DiagonalOperator(60, 60, spectrum), {.rank = 5});
  for (const double scale : {0x1.0p-60, 0x1.0p+60}) {
    auto scaled = spectrum;
    for (double& value : scaled) value *= scale;
    const auto svd = block_krylov(DiagonalOperator(60, 60, scaled), {.rank = 5});
    EXPECT_TRUE(same_bits(svd.vt, plain.vt));
    EXPECT_EQ(svd.products, plain.products);
    EXPECT_EQ(svd.singular_values[4], scale * plain.singular_values[4]);
  }
}

TEST(BlockKrylov, SparseRowsGiveTheSubspaceOfTheDenseMatrix) {
  Matrix<double> dense(200, 50);
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> columns;
  std::vector<double> values;
  RandomStream random(7, RandomPurpose::test_data);
  for (Index i = 0; i < 200; ++i) {
    for (Index j = 0; j < 50; ++j) {
      if (random.uniform() >= 0.1) continue;
      dense(i, j) = random.normal() / static_cast<double>(1 + j);
      columns.push_back(static_cast<std::int32_t>(j));
      values.push_back(dense(i, j));
    }
    offsets.push_back(static_cast<std::int64_t>(values.size()));
  }
  const auto sparse =
      block_krylov(MatrixOperator(CsrView<double>::checked(50, offsets, columns, values)), {.rank = 4, .eps = 1e-8});
  const auto full = block_krylov(MatrixOperator(MatrixView<const double>(dense.view())), {.rank = 4, .eps = 1e-8});
  EXPECT_LE(test::subspace_distance(sparse.vt.view(), full.vt.view()), 1e-6);
}

TEST(BlockKrylov, SameSeedGivesTheSameBitsForAnyNumberOfThreads) {
  const auto a = test::gaussian_matrix({.rows = 9000, .cols = 60, .seed = 8});
  const auto svd_with = [&](int threads, std::uint64_t seed) {
    const test::ThreadCount scope(threads);
    return krylov(a, {.rank = 6, .seed = seed});
  };
  const auto one = svd_with(1, 1);
  for (const int threads : {1, 2, 8}) EXPECT_TRUE(same_bits(one, svd_with(threads, 1))) << threads << " threads";
  EXPECT_FALSE(same_bits(one, svd_with(1, 2)));
}

KrylovSvd stored_krylov(const Matrix<float>& a, const BlockKrylovOptions& options) {
  return block_krylov(RowMatrix(a.view()), options);
}

double error_ratio(const Matrix<float>& a, const KrylovSvd& svd, std::span<const double> spectrum) {
  double all = 0, kept = 0, best = 0;
  const Matrix<double> v = transposed(svd.vt);
  Matrix<double> image(a.rows(), v.cols());
  MatrixOperator(a.view()).apply(v.view(), image.view());
  for (Index i = 0; i < image.rows() * image.cols(); ++i) kept += image.data()[i] * image.data()[i];
  for (std::size_t i = 0; i < spectrum.size(); ++i) {
    all += spectrum[i] * spectrum[i];
    if (static_cast<Index>(i) >= svd.vt.rows()) best += spectrum[i] * spectrum[i];
  }
  return std::sqrt((all - kept) / best);
}

TEST(BlockKrylov, Float32ProductsServeWhereMuchIsLeftOver) {
  std::vector<double> power(150), equal(150, 0.2);
  for (std::size_t i = 0; i < power.size(); ++i) power[i] = 1 / std::sqrt(1.0 + static_cast<double>(i));
  std::fill_n(equal.begin(), 20, 1.0);
  for (const auto& spectrum : {power, equal}) {
    const auto a = test::matrix_with_spectrum({.rows = 600, .cols = 150, .seed = 4}, spectrum);
    const BlockKrylovOptions options{.rank = 20, .eps = 1e-2, .block = 8};
    const auto rounded = stored_krylov(a, options), exact = krylov(a, options);
    EXPECT_EQ(rounded.status, Status::converged);
    EXPECT_LE(error_ratio(a, rounded, spectrum), 1.01);
    EXPECT_FALSE(same_bits(rounded.vt, exact.vt));
    expect_orthonormal(rounded);
    EXPECT_LE(rounded.products, exact.products);
  }
}

TEST(BlockKrylov, Float32ProductsAreGivenUpWhereTheyAreTooCoarse) {
  std::vector<double> spectrum(100, 1e-6);
  for (std::size_t i = 0; i < 10; ++i) spectrum[i] = std::pow(0.8, i);
  spectrum[10] = 2e-6;
  const auto a = test::matrix_with_spectrum({.rows = 400, .cols = 100, .seed = 5}, spectrum);
  for (const Index steps : {0, 6}) {
    const BlockKrylovOptions options{.rank = 10, .eps = 1e-3, .steps = steps};
    const auto svd = stored_krylov(a, options), exact = krylov(a, options);
    EXPECT_TRUE(same_bits(svd.vt, exact.vt));
    EXPECT_EQ(svd.singular_values, exact.singular_values);
    EXPECT_GT(svd.products, exact.products);  // the first attempt counts
  }
  const auto coarse = block_krylov(MatrixOperator(a.view(), ProductPrecision::float32), {.rank = 10, .steps = 6});
  const auto exact = krylov(a, {.rank = 10, .steps = 6}), other_seed = krylov(a, {.rank = 10, .steps = 6, .seed = 1});
  EXPECT_GT(test::subspace_distance(coarse.vt.view(), exact.vt.view()),
            100 * test::subspace_distance(exact.vt.view(), other_seed.vt.view()));
}

TEST(BlockKrylov, WithoutLeftVectorsTheRestIsTheSame) {
  const auto a = test::gaussian_matrix({.rows = 400, .cols = 60, .seed = 31});
  const BlockKrylovOptions all{.rank = 8, .eps = 1e-3};
  BlockKrylovOptions right_only = all;
  right_only.left_vectors = false;
  const auto expect_the_same = [&](const KrylovSvd& wanted, const KrylovSvd& found, double tolerance) {
    EXPECT_EQ(wanted.u.rows(), 400);
    EXPECT_EQ(found.u.rows(), 0);
    EXPECT_LE(test::subspace_distance(wanted.vt.view(), found.vt.view()), 1e-10);
    EXPECT_NEAR(wanted.residual_norm, found.residual_norm, tolerance * wanted.residual_norm);
    for (Index i = 0; i < 8; ++i) {
      EXPECT_NEAR(wanted.singular_values[i], found.singular_values[i], tolerance * wanted.singular_values[0]);
    }
  };
  expect_the_same(block_krylov(MatrixOperator(a.view()), all), block_krylov(MatrixOperator(a.view()), right_only),
                  1e-13);
  expect_the_same(block_krylov(a.view(), all), block_krylov(a.view(), right_only), 1e-6);
}

TEST(BlockKrylov, StartsFromTheVectorsThatItIsGiven) {
  const auto a = test::matrix_with_spectrum({.rows = 300, .cols = 80, .seed = 6}, test::exponential_decay(80, 0.97));
  const DenseRows rows(a.view());
  const auto exact = truncated_svd(rows, {.rank = 10, .route = SvdRoute::direct});
  const auto from_the_best = krylov(a, {.rank = 8, .steps = 1, .start = exact.vt.view()});
  const auto from_random = krylov(a, {.rank = 8, .block = 10, .steps = 1});
  EXPECT_EQ(from_the_best.products, 10 * 3);
  for (Index i = 0; i < 8; ++i) EXPECT_NEAR(from_the_best.singular_values[i], exact.singular_values[i], 1e-6);
  EXPECT_LT(from_random.singular_values[7], 0.99 * exact.singular_values[7]);  // the control
  const auto adaptive = krylov(a, {.rank = 8, .eps = 1e-4, .start = exact.vt.view()});
  EXPECT_EQ(adaptive.status, Status::converged);
  EXPECT_NEAR(adaptive.residual_norm, from_the_best.residual_norm, 1e-4 * from_the_best.residual_norm);
}

TEST(BlockKrylov, RandomVectorsTakeThePlaceOfDependentStarts) {
  const auto a = test::matrix_with_spectrum({.rows = 300, .cols = 80, .seed = 6}, test::exponential_decay(80, 0.8));
  const auto exact = truncated_svd(DenseRows(a.view()), {.rank = 4, .route = SvdRoute::direct});
  Matrix<double> copies(6, 80);
  for (Index i = 0; i < 6; ++i) std::ranges::copy(exact.vt.row(i % 2), copies.row(i).begin());
  const auto svd = krylov(a, {.rank = 4, .eps = 1e-3, .start = copies.view()});
  for (Index i = 0; i < 4; ++i) EXPECT_NEAR(svd.singular_values[i], exact.singular_values[i], 1e-3);
  expect_orthonormal(svd);
}

TEST(BlockKrylov, CountsEveryProduct) {
  const std::vector<double> spectrum = test::exponential_decay(120, 0.95);
  for (const Index steps : {2, 5}) {
    const DiagonalOperator a(120, 120, spectrum);
    const auto svd = block_krylov(a, {.rank = 6, .block = 4, .steps = steps});
    EXPECT_EQ(svd.products, 4 * (2 * steps + 1) + 16);  // the diagonal has no norm, so there are probes
    EXPECT_EQ(a.products(), svd.products);
  }
  const DiagonalOperator a(120, 120, spectrum);
  const auto svd = block_krylov(a, {.rank = 10});
  EXPECT_EQ(a.products(), svd.products);
  const auto stored = test::gaussian_matrix({.rows = 50, .cols = 40, .seed = 11});  // its norm is at hand
  EXPECT_EQ(krylov(stored, {.rank = 6, .block = 4, .steps = 3}).products, 4 * (2 * 3 + 1));
}

TEST(BlockKrylov, StopsAtTheLimitOfProducts) {
  // A slow spectrum and a small eps: 200 products are not enough.
  std::vector<double> spectrum(400);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = 1 - 0.001 * static_cast<double>(i);
  for (const Index limit : {100, 150, 200}) {
    const DiagonalOperator a(400, 400, spectrum);
    const auto svd = block_krylov(a, {.rank = 20, .norm_exponent = kInfinity, .eps = 1e-6, .max_products = limit});
    EXPECT_EQ(svd.status, Status::max_iterations);
    EXPECT_LE(a.products(), limit);
    EXPECT_GT(svd.excess_estimate, 1e-6);
    expect_orthonormal(svd);
  }
}

// Rows that count how often they are read.
class CountedRows final : public RowSource {
 public:
  explicit CountedRows(const Matrix<float>& a) : a_(a) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>&) const override {
    rows_read_ += count;
    return a_.view().row_block(first, count);
  }
  Index passes() const { return rows_read_ / a_.rows(); }

 private:
  const Matrix<float>& a_;
  mutable std::atomic<Index> rows_read_ = 0;
};

TEST(BlockKrylov, AStepReadsTheRowsOnce) {
  const auto a = test::gaussian_matrix({.rows = 200, .cols = 80, .seed = 9});
  const CountedRows rows(a);
  (void)block_krylov(MatrixOperator(RowMatrix(rows)), {.rank = 5, .steps = 6});
  EXPECT_EQ(rows.passes(), 6 + 2);  // the norm before and the last block's image after
}

TEST(BlockKrylov, RestartsWithinItsMemory) {
  std::vector<double> spectrum(400);
  for (std::size_t i = 0; i < spectrum.size(); ++i) spectrum[i] = 1 / (1 + 0.02 * static_cast<double>(i));
  const Index bytes_per_vector = 8 * 800;
  const BlockKrylovOptions options{.rank = 6, .norm_exponent = kInfinity, .eps = 1e-3, .block = 4};
  auto small = options;
  small.max_bytes = (2 * 6 + 3 * (4 + 1)) * bytes_per_vector;
  const DiagonalOperator a(400, 400, spectrum);
  const auto free = block_krylov(a, options), restarted = block_krylov(a, small);
  EXPECT_GT(free.products / 2, small.max_bytes / bytes_per_vector);  // it would not have fitted
  EXPECT_EQ(restarted.status, Status::converged);
  EXPECT_LE(test::schatten_excess_of(a, restarted.vt, kInfinity), 1e-3);
  small.max_bytes -= 1;
  EXPECT_THROW((void)block_krylov(a, small), InvalidArgument);
}

TEST(BlockKrylov, RejectsOptionsOutsideTheirRange) {
  const DiagonalOperator a(20, 10, {3, 2, 1});
  const auto message = [&](const BlockKrylovOptions& options) {
    return test::message_of<InvalidArgument>([&] { (void)block_krylov(a, options); });
  };
  EXPECT_CONTAINS(message({.rank = 0}), "rank must be in [1, 10] for a 20 x 10 matrix, got 0");
  EXPECT_CONTAINS(message({.rank = 11}), "got 11");
  EXPECT_CONTAINS(message({.rank = 1, .norm_exponent = 0.5}), "norm_exponent");
  EXPECT_CONTAINS(message({.rank = 1, .norm_exponent = std::nan("")}), "norm_exponent");
  EXPECT_CONTAINS(message({.rank = 1, .eps = 0}), "eps");
  EXPECT_CONTAINS(message({.rank = 1, .vector_tolerance = -1}), "vector_tolerance");
  EXPECT_CONTAINS(message({.rank = 1, .block = -1}), "negative");
  EXPECT_CONTAINS(message({.rank = 9, .block = 2, .steps = 3}), "steps must be at least 4");
  EXPECT_CONTAINS(message({.rank = 9, .max_products = 20}), "max_products must be at least");
  Matrix<double> vectors(3, 10), spoilt(3, 10), narrow(3, 9);
  spoilt(2, 7) = kInfinity;
  EXPECT_CONTAINS(message({.rank = 2, .start = narrow.view()}), "start must have `block` rows, at most 10, of 10");
  EXPECT_CONTAINS(message({.rank = 2, .block = 4, .start = vectors.view()}), "start must have `block` rows");
  EXPECT_CONTAINS(message({.rank = 2, .start = spoilt.view()}), "start has a non-finite value at row 2, column 7");
}

TEST(BlockKrylov, NamesTheEntryThatIsNotFiniteOrTheRowOfTheProduct) {
  auto a = test::gaussian_matrix({.rows = 20, .cols = 10, .seed = 10});
  a(3, 4) = std::numeric_limits<float>::quiet_NaN();
  const auto message = [](const LinearOperator& matrix) {
    return test::message_of<InvalidArgument>([&] { (void)block_krylov(matrix, {.rank = 2}); });
  };
  const std::string named = "block_krylov: the matrix has a non-finite value at row 3, column 4";
  EXPECT_EQ(message(MatrixOperator(a.view())), named);
  const std::vector<std::int64_t> offsets{0, 0, 0, 0, 1};
  const std::vector<std::int32_t> columns{4};
  const std::vector<double> values{kInfinity};
  EXPECT_EQ(message(MatrixOperator(CsrView<double>::checked(10, offsets, columns, values))), named);
  EXPECT_EQ(message(DiagonalOperator(10, 10, {1, kInfinity})),
            "block_krylov: row 1 of a product with the matrix is not finite");
}

TEST(BlockKrylov, FiniteEntriesWhoseSquaresAreNotAreNotCalledInfinite) {
  Matrix<double> a(4, 3);
  a(0, 0) = 1e200;
  const auto message = test::message_of<InvalidArgument>(
      [&] { (void)block_krylov(MatrixOperator(MatrixView<const double>(a.view())), {.rank = 1}); });
  EXPECT_EQ(message, "block_krylov: the squared norm of the matrix is not finite");
}

}  // namespace
}  // namespace loewner
