// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/residual_curve.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "loewner/model/checkpoint.hpp"
#include "loewner/sketch/bilinear_sketch.hpp"
#include "support/checkpoints.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/sketching.hpp"

namespace loewner::residual_curve_test {
namespace {

double tail(const std::vector<double>& spectrum, Index k) {
  double sum = 0;
  for (std::size_t i = static_cast<std::size_t>(k); i < spectrum.size(); ++i) sum += spectrum[i] * spectrum[i];
  return std::sqrt(sum);
}

std::vector<double> power_law(Index count, double exponent) {
  std::vector<double> spectrum;
  for (Index i = 1; i <= count; ++i) spectrum.push_back(std::pow(static_cast<double>(i), -exponent));
  return spectrum;
}

TEST(Residuals, OfARotatedSpectrumAreClose) {
  const auto spectrum = power_law(300, 1);
  const auto a = test::matrix_with_spectrum({.rows = 500, .cols = 300, .seed = 1}, spectrum);
  const auto curve = estimate_residuals(a.view(), {.max_rank = 16, .sketch_size = 160, .repetitions = 3});
  ASSERT_EQ(curve.residual.size(), 17U);
  EXPECT_NEAR(curve.frobenius_norm, test::frobenius_norm(a.view()), 1e-12);
  EXPECT_EQ(curve.residual[0], curve.frobenius_norm);
  for (Index k = 0; k <= 16; ++k) EXPECT_NEAR(curve.residual[k] / tail(spectrum, k), 1, 0.1) << k;
}

TEST(Residuals, AreTooLowWithoutTheCorrection) {
  const auto spectrum = power_law(300, 1);
  const auto a = test::matrix_with_spectrum({.rows = 500, .cols = 300, .seed = 1}, spectrum);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto raw =
        estimate_residuals(a.view(), {.max_rank = 16, .sketch_size = 80, .seed = seed, .correct_bias = false});
    EXPECT_LT(raw.residual[16] / tail(spectrum, 16), 0.85) << seed;
  }
}

// The documented factor, from the singular values of the sketch; they are so far apart that the damping has no effect.
TEST(Residuals, CorrectionIsTheDocumentedFactor) {
  const auto a = test::matrix_with_spectrum({.rows = 500, .cols = 300, .seed = 1}, power_law(300, 2));
  BilinearSketch corrected(500, 300, {.max_rank = 4}), raw(500, 300, {.max_rank = 4, .correct_bias = false});
  for (BilinearSketch* sketch : {&corrected, &raw}) sketch->add_block(0, a.view());
  const auto sigma = test::singular_values(raw.sketch(0));
  const double m = 64;
  for (std::size_t k = 1; k <= 4; ++k) {
    double taken = 0, all = 0;
    for (std::size_t j = k; j < sigma.size(); ++j) {
      const double l = sigma[j] * sigma[j];
      all += l;
      for (std::size_t i = 0; i < k; ++i) taken += sigma[i] * sigma[i] * l / (sigma[i] * sigma[i] - l);
    }
    const double factor = (1 + (taken / all - static_cast<double>(k)) / m) / (1 - static_cast<double>(k) / m);
    EXPECT_NEAR(corrected.curve().residual[k] / raw.curve().residual[k] / factor, 1, 1e-3) << k;
  }
}

TEST(Residuals, OfSmallMatricesAreExact) {
  const auto spectrum = test::exponential_decay(20, 0.8);
  const auto a = test::matrix_with_spectrum({.rows = 30, .cols = 20, .seed = 1}, spectrum);
  const auto curve = estimate_residuals(a.view(), {.max_rank = 25});
  const auto sigma = test::singular_values(test::widened(a));
  for (Index k = 0; k < 20; ++k) EXPECT_NEAR(curve.residual[k], tail(sigma, k), 1e-13) << k;
  for (Index k = 20; k <= 25; ++k) EXPECT_EQ(curve.residual[k], 0) << k;
}

// Also where squares of the entries would be infinite or zero.
TEST(Residuals, FollowTheSizeOfTheMatrix) {
  const auto plain = test::widened(test::matrix_with_spectrum({.rows = 30, .cols = 20, .seed = 1}, power_law(20, 1)));
  const auto curve_of = [&](double size) {
    Matrix<double> a = plain.clone();
    for (Index i = 0; i < 30 * 20; ++i) a.data()[i] *= size;
    BilinearSketch sketch(30, 20, {.max_rank = 5});
    sketch.add_block(0, RowMatrix(a.view()));
    return sketch.curve();
  };
  const auto reference = curve_of(1);
  for (const double size : {1e-170, 1e-90, 1e90, 1e170}) {
    const auto curve = curve_of(size);
    for (Index k = 0; k <= 5; ++k) EXPECT_NEAR(curve.residual[k] / size / reference.residual[k], 1, 1e-9) << size;
  }
}

// Many more rows than columns: only one side is sketched.
TEST(Residuals, OfNarrowMatricesAreClose) {
  const auto spectrum = power_law(60, 0.5);
  const auto a = test::matrix_with_spectrum({.rows = 2000, .cols = 60, .seed = 1}, spectrum);
  const auto curve = estimate_residuals(a.view(), {.max_rank = 12, .sketch_size = 120, .repetitions = 3});
  for (Index k = 0; k <= 12; ++k) EXPECT_NEAR(curve.residual[k] / tail(spectrum, k), 1, 0.06) << k;
}

TEST(Residuals, OfAMatrixOfExactlyThatRankVanish) {
  const auto a = test::product64(test::gaussian_matrix64(400, 7, 1), test::gaussian_matrix64(7, 300, 2));
  const auto curve = estimate_residuals(RowMatrix(a.view()), {.max_rank = 10});
  EXPECT_GT(curve.residual[6], 0.01 * curve.frobenius_norm);
  for (Index k = 7; k <= 10; ++k) EXPECT_LE(curve.residual[k], 1e-12 * curve.frobenius_norm) << k;
}

TEST(Residuals, NeverGrowWithTheRankNorPassTheNorm) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto a = test::gaussian_matrix64(200, 150, seed);
    const auto curve = estimate_residuals(RowMatrix(a.view()), {.max_rank = 32, .sketch_size = 64, .seed = seed});
    for (std::size_t k = 1; k < curve.residual.size(); ++k) EXPECT_LE(curve.residual[k], curve.residual[k - 1]);
  }
}

TEST(Residuals, OfZeroAndEmptyMatricesAreZero) {
  for (const auto& [n, d] : {std::pair<Index, Index>{300, 200}, {0, 5}, {5, 0}, {300, 0}}) {
    const Matrix<double> a(n, d);
    const auto curve = estimate_residuals(RowMatrix(a.view()), {.max_rank = 3});
    EXPECT_EQ(curve.frobenius_norm, 0);
    EXPECT_EQ(curve.residual, std::vector<double>(4, 0.0));
  }
}

// With one entry per column two large rows can fall into one bucket, which merges their singular values.
TEST(Residuals, OneEntryPerColumnIsUnreliable) {
  const auto spectrum = power_law(2000, 6);
  test::OwnedCsr<double> a{.cols = 2000};
  for (Index i = 0; i < 2000; ++i) {
    a.columns.push_back(static_cast<std::int32_t>(i));
    a.values.push_back(spectrum[i]);
    a.offsets.push_back(i + 1);
  }
  const auto is_good = [&](Index nonzeros, std::uint64_t seed) {
    const auto curve = estimate_residuals(RowMatrix(a.view()),
                                          {.max_rank = 20, .sketch_size = 48, .nonzeros = nonzeros, .seed = seed});
    return std::abs(curve.residual[20] / tail(spectrum, 20) - 1) < 0.5;
  };
  int good = 0, good_with_one = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    good += is_good(4, seed);
    good_with_one += is_good(1, seed);
  }
  EXPECT_EQ(good, 10);
  EXPECT_LE(good_with_one, 1);
}

TEST(Residuals, RepetitionsShowTheSpread) {
  const auto a = test::gaussian_matrix64(300, 200, 1);
  const auto one = estimate_residuals(RowMatrix(a.view()), {.max_rank = 10});
  const auto five = estimate_residuals(RowMatrix(a.view()), {.max_rank = 10, .repetitions = 5});
  EXPECT_EQ(one.standard_deviations, std::vector<double>(11, 0.0));
  EXPECT_EQ(five.standard_deviations[0], 0);
  EXPECT_GT(five.standard_deviations[10], 0);
  EXPECT_LT(five.standard_deviations[10], 0.1 * five.residual[10]);
  EXPECT_LT(std::abs(one.residual[10] - five.residual[10]), 5 * five.standard_deviations[10]);
}

TEST(Residuals, AllFormsAgreeAndGiveTheSameBitsEverywhere) {
  const auto a = test::sparse_gaussian(3000, 120, 0.3, 1);
  const auto wide = test::widened(a);
  const auto csr = test::to_csr<float>(a);
  const auto curve_of = [](const RowMatrix& form) {
    const auto residual = estimate_residuals(form, {.max_rank = 10}).residual;
    Matrix<double> row(1, static_cast<Index>(residual.size()));
    std::copy(residual.begin(), residual.end(), row.data());
    return row;
  };
  const auto expected = curve_of(a.view());
  for (const RowMatrix& form : {RowMatrix(a.view()), RowMatrix(wide.view()), RowMatrix(csr.view())}) {
    EXPECT_LE(test::largest_difference(curve_of(form), expected), 1e-12 * expected(0, 0));
    EXPECT_TRUE(test::same_bits_everywhere([&] { return curve_of(form); }));
  }
}

// Counts the reads of each row.
class CountedRows final : public RowSource {
 public:
  explicit CountedRows(const Matrix<float>& a) : a_(a), reads_(a.rows()) {}
  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    buffer = Matrix<float>(count, cols());
    for (Index i = 0; i < count; ++i) {
      ++reads_[first + i];
      std::ranges::copy(a_.row(first + i), buffer.row(i).begin());
    }
    return buffer.view();
  }
  const std::vector<int>& reads() const { return reads_; }

 private:
  const Matrix<float>& a_;
  mutable std::vector<int> reads_;
};

TEST(Residuals, ASourceIsReadOnce) {
  const auto a = test::gaussian_matrix({.rows = 3000, .cols = 200, .seed = 1});
  const CountedRows source(a);
  const auto curve = estimate_residuals(RowMatrix(source), {.max_rank = 8});
  EXPECT_EQ(source.reads(), std::vector<int>(3000, 1));
  EXPECT_EQ(curve.residual, estimate_residuals(a.view(), {.max_rank = 8}).residual);
}

TEST(Residuals, HalvesInACheckpointAreReadAsTheirValues) {
  for (const DType dtype : {DType::f16, DType::bf16}) {
    const test::TemporaryFolder folder;
    const auto rows = Checkpoint::open(test::write_encoder(folder, "model", 2, dtype)).rows_of(test::kTable);
    const Matrix<float> in_memory = read_all(*rows);
    EXPECT_EQ(estimate_residuals(RowMatrix(*rows), {.max_rank = 8}).residual,
              estimate_residuals(in_memory.view(), {.max_rank = 8}).residual);
  }
}

TEST(Residuals, EntriesOfTheSamePlaceAddUp) {
  const test::OwnedCsr<double> a{.cols = 2, .offsets = {0, 3}, .columns = {1, 0, 1}, .values = {3, 1, -1}};
  EXPECT_NEAR(estimate_residuals(RowMatrix(a.view()), {.max_rank = 0}).frobenius_norm, std::sqrt(5.0), 1e-15);
}

TEST(Residuals, BadOptionsAndEntriesAreNamed) {
  Matrix<float> a(300, 80);
  const auto refusal = [&](const ResidualOptions& options) {
    return test::message_of<InvalidArgument>([&] { estimate_residuals(a.view(), options); });
  };
  EXPECT_CONTAINS(refusal({.max_rank = -1}), "max_rank");
  EXPECT_CONTAINS(refusal({.max_rank = 10, .sketch_size = 19}), "at least 2 max_rank = 20, got 19");
  EXPECT_CONTAINS(refusal({.nonzeros = 0}), "nonzeros must be in [1, 64]");
  EXPECT_CONTAINS(refusal({.repetitions = 0}), "repetitions must be in [1, 4096], got 0");
  a(123, 45) = std::numeric_limits<float>::infinity();
  EXPECT_CONTAINS(refusal({}), "row 123, column 45");
  const auto csr = test::to_csr<double>(a);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { estimate_residuals(RowMatrix(csr.view()), {}); }),
                  "row 123, column 45");
}

TEST(Residuals, OfEntriesWhoseSquaresOverflowAreFinite) {
  Matrix<double> huge(100, 100);
  huge(3, 3) = 1e200;
  const ResidualCurve curve = estimate_residuals(RowMatrix(huge.view()), {.max_rank = 1});
  EXPECT_DOUBLE_EQ(curve.frobenius_norm, 1e200);
  EXPECT_LT(curve.residual[1], 1e186);
}

// ---- the streaming form ----

constexpr Index kRows = 150, kCols = 90;

class BilinearForms : public testing::Test {
 protected:
  BilinearForms() {
    for (Index i = 0; i < kRows * kCols; ++i) a_.data()[i] = std::round(10 * a_.data()[i]);
    sketch_of_whole_.add_block(0, a_.view());
  }

  void update_all(BilinearSketch& sketch, Index first, Index last) const {
    for (Index i = first; i < last; ++i) {
      for (Index j = 0; j < kCols; ++j) {
        if (a_(i, j) != 0) sketch.update(i, j, a_(i, j));
      }
    }
  }

  Matrix<float> a_ = test::sparse_gaussian(kRows, kCols, 0.3, 1);
  ResidualOptions options_{.max_rank = 5, .repetitions = 2, .seed = 3};
  BilinearSketch sketch_of_whole_{kRows, kCols, options_};
};

TEST_F(BilinearForms, UpdatesBlocksAndMergesOfIntegersGiveTheSameBits) {
  BilinearSketch by_updates(kRows, kCols, options_), by_blocks(kRows, kCols, options_), rest(kRows, kCols, options_);
  update_all(by_updates, 0, kRows);
  const auto csr = test::to_csr<float>(a_);
  by_blocks.add_block(100, csr.view().row_block(100, 50));
  rest.add_block(20, csr.view().row_block(20, 80));
  update_all(rest, 0, 20);
  by_blocks.merge(rest);
  for (Index r = 0; r < 2; ++r) {
    EXPECT_TRUE(test::same_bits(by_updates.sketch(r), sketch_of_whole_.sketch(r)));
    EXPECT_TRUE(test::same_bits(by_blocks.sketch(r), sketch_of_whole_.sketch(r)));
  }
  EXPECT_FALSE(test::same_bits(by_blocks.sketch(0), by_blocks.sketch(1)));
}

TEST_F(BilinearForms, IsTheProductWithTheEmbeddingsThatEstimateUses) {
  const auto direct = estimate_residuals(a_.view(), options_);
  const auto streamed = sketch_of_whole_.curve(direct.frobenius_norm);
  EXPECT_EQ(streamed.residual, direct.residual);
  EXPECT_EQ(streamed.standard_deviations, direct.standard_deviations);
  EXPECT_NEAR(sketch_of_whole_.curve().frobenius_norm / direct.frobenius_norm, 1, 0.1);
}

TEST_F(BilinearForms, ChangesThatCancelLeaveNothing) {
  BilinearSketch sketch(kRows, kCols, options_);
  update_all(sketch, 0, kRows);
  for (Index i = 0; i < kRows * kCols; ++i) a_.data()[i] = -a_.data()[i];
  sketch.add_block(0, a_.view());
  EXPECT_EQ(sketch.curve().residual, std::vector<double>(6, 0.0));
}

TEST_F(BilinearForms, RefusedInputAddsNothing) {
  BilinearSketch sketch(kRows, kCols, options_);
  sketch.merge(sketch_of_whole_);
  EXPECT_THROW(sketch.update(kRows, 0, 1), InvalidArgument);
  EXPECT_THROW(sketch.update(0, -1, 1), InvalidArgument);
  EXPECT_THROW(sketch.update(0, 0, std::nan("")), InvalidArgument);
  Matrix<double> bad(2, kCols);
  bad(1, 3) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { sketch.add_block(5, RowMatrix(bad.view())); }),
                  "row 1, column 3");
  bad(1, 3) = 0;
  EXPECT_THROW(sketch.add_block(kRows - 1, RowMatrix(bad.view())), InvalidArgument);
  EXPECT_THROW(sketch.add_block(0, RowMatrix(bad.view().col_block(0, 2))), InvalidArgument);
  ResidualOptions other = options_;
  other.seed = 4;
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { sketch.merge(BilinearSketch(kRows, kCols, other)); }),
                  "seed 4");
  EXPECT_THROW(sketch.merge(BilinearSketch(kCols, kRows, options_)), InvalidArgument);
  for (Index r = 0; r < 2; ++r) EXPECT_TRUE(test::same_bits(sketch.sketch(r), sketch_of_whole_.sketch(r)));
}

}  // namespace
}  // namespace loewner::residual_curve_test
