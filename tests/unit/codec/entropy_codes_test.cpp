// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/entropy_codes.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::entropy_codes_test {
namespace {

constexpr Index kRows = 411, kCols = 192;  // the last stream is short

// Gaussian columns of decreasing size, and rows of different sizes and weights.
class EntropyCodesOf : public testing::Test {
 protected:
  EntropyCodesOf() : a_(test::gaussian_matrix({.rows = kRows, .cols = kCols, .seed = 1})), weights_(kRows) {
    for (Index i = 0; i < kRows; ++i) {
      weights_[i] = 1.0 / static_cast<double>(i + 10);
      const double size = 1 + static_cast<double>(i % 7) / 4;
      for (Index j = 0; j < kCols; ++j) a_(i, j) *= static_cast<float>(size * std::pow(0.985, j));
    }
  }

  std::unique_ptr<EntropyCodes> encoded(Index bytes) const {
    return encode_entropy_codes(DenseRows(a_.view()), {.row_weights = weights_, .max_bytes = bytes});
  }

  static Index bytes_for(double bits) { return static_cast<Index>(bits * kRows * kCols / 8); }

  double error_of(const RowSource& b) const {
    return approximation_errors(DenseRows(a_.view()), b, weights_, 2).weighted_relative_error();
  }

  // What no code can go below: reverse water-filling over the weighted variances of the entries, and no other bytes.
  double bound(double bits) const {
    std::vector<double> variances;
    double total = 0;
    for (Index i = 0; i < kRows; ++i) {
      for (Index j = 0; j < kCols; ++j) {
        const double size = (1 + static_cast<double>(i % 7) / 4) * std::pow(0.985, j);
        variances.push_back(weights_[i] * size * size);
        total += variances.back();
      }
    }
    double low = 0, high = total;
    for (int round = 0; round < 100; ++round) {
      const double level = (low + high) / 2;
      double spent = 0;
      for (const double variance : variances) spent += std::max(0.5 * std::log2(variance / level), 0.0);
      (spent > bits * kRows * kCols ? low : high) = level;
    }
    double error = 0;
    for (const double variance : variances) error += std::min(variance, high);
    return std::sqrt(error / total);
  }

  Matrix<float> a_;
  std::vector<double> weights_;
};

TEST_F(EntropyCodesOf, RoundTripAndDecodeSingleRows) {
  const auto codes = encoded(bytes_for(2));
  EXPECT_LE(codes->bytes(), bytes_for(2));
  EXPECT_GE(codes->bytes(), bytes_for(2) * 99 / 100);
  const auto again = test::read_back(*codes);
  EXPECT_EQ(again->structure(), "entropy_codes");
  EXPECT_EQ(again->spec(), codes->spec());
  EXPECT_EQ(test::stored_bytes(*again), test::stored_bytes(*codes));
  const Matrix<float> all = read_all(*codes);
  for (const Index row : {0, 7, 8, 200, 407, 410}) {
    Matrix<float> one(1, kCols);
    again->decode_rows(std::array{row}, one.view());
    EXPECT_TRUE(std::ranges::equal(one.row(0), all.row(row))) << row;
  }
}

// The bound of Gaussian entries, with a margin for headers, lengths and what the trellis loses; codes with whole bits an
// entry are the control.
TEST_F(EntropyCodesOf, AreNearTheBound) {
  for (const double bits : {0.5, 1.0, 2.0, 4.0}) {
    const double least = bound(bits), error = error_of(*encoded(bytes_for(bits)));
    EXPECT_GT(error, 0.99 * least) << bits;
    EXPECT_LT(error, 1.16 * least) << bits;
    const auto control =
        encode_codes(DenseRows(a_.view()), {.row_weights = weights_, .max_bytes = bytes_for(bits), .seed = 3});
    EXPECT_LT(error, 0.9 * error_of(*control)) << bits;
  }
}

TEST_F(EntropyCodesOf, AreAsPredicted) {
  std::vector<double> energies(kRows, 0.0), variances(kCols, 0.0);
  for (Index i = 0; i < kRows; ++i) {
    for (Index j = 0; j < kCols; ++j) {
      const double energy = weights_[i] * static_cast<double>(a_(i, j)) * static_cast<double>(a_(i, j));
      energies[i] += energy;
      variances[j] += energy;
    }
  }
  int compared = 0;
  for (const auto& rate : entropy_codes_curve(energies, variances, 0, 24)) {
    if (rate.bytes < bytes_for(0.3) || rate.bytes > bytes_for(6) || rate.cols < kCols) continue;
    const double measured = error_of(*encoded(rate.bytes));
    EXPECT_NEAR(std::sqrt(rate.error), measured, 0.05 * measured) << rate.bytes;
    ++compared;
  }
  EXPECT_GE(compared, 5);
}

TEST_F(EntropyCodesOf, ColumnsMustBeWorthTheirPrice) {
  const std::vector<double> energies(100, 1.0), variances = {1, 1, 0.01};
  const auto cheap = entropy_codes_curve(energies, variances, 0, 40),
             dear = entropy_codes_curve(energies, variances, 50, 40);
  bool differs = false;
  for (std::size_t i = 0; i < cheap.size(); ++i) {
    EXPECT_LE(dear[i].cols, cheap[i].cols);
    differs = differs || dear[i].cols < cheap[i].cols;
  }
  EXPECT_TRUE(differs);
  EXPECT_EQ(cheap.back().cols, 3);
}

TEST_F(EntropyCodesOf, HaveTheSameBytesForAnyNumberOfThreads) {
  const auto bytes_of = [&](int threads) {
    const test::ThreadCount scope(threads);
    return test::stored_bytes(*encoded(bytes_for(1)));
  };
  const auto one = bytes_of(1);
  EXPECT_EQ(bytes_of(2), one);
  EXPECT_EQ(bytes_of(8), one);
}

TEST_F(EntropyCodesOf, MeetEveryBudgetOrRefuseIt) {
  Index met = 0;
  for (Index bytes = 300; bytes < 70000; bytes = bytes * 5 / 4) {
    try {
      EXPECT_LE(encoded(bytes)->bytes(), bytes);
      ++met;
    } catch (const BudgetError&) {
      EXPECT_LT(bytes, 1000);  // headers of zeros, and a byte for a column
    }
  }
  EXPECT_GE(met, 15);
  EXPECT_CONTAINS(test::message_of<BudgetError>([&] { (void)encoded(600); }), "entropy codes take at least");
}

TEST_F(EntropyCodesOf, TakeZeroEqualAndHugeRowsAndSingleEntries) {
  for (Index j = 0; j < kCols; ++j) {
    a_(0, j) = 0;
    a_(1, j) = 1e-30F;
    a_(2, j) = 1e30F;
    a_(3, j) = j == 5 ? 1e6F : 0;
    a_(4, j) = 1;
  }
  const Matrix<float> all = read_all(*encoded(bytes_for(3)));
  for (Index j = 0; j < kCols; ++j) EXPECT_EQ(all(0, j), 0);
  for (Index i = 0; i < kRows; ++i) {
    EXPECT_TRUE(std::ranges::all_of(all.row(i), [](float x) { return std::isfinite(x); }));
  }
  EXPECT_NEAR(all(2, 0), 1e30F, 1e29F);
}

TEST_F(EntropyCodesOf, DoNotDependOnTheScaleOfTheMatrix) {
  const double error = error_of(*encoded(bytes_for(2)));
  for (const int exponent : {-120, 120}) {
    Matrix<float> scaled(kRows, kCols);
    for (Index i = 0; i < kRows; ++i) {
      std::ranges::transform(a_.row(i), scaled.row(i).begin(), [&](float x) { return std::ldexp(x, exponent); });
    }
    const auto codes =
        encode_entropy_codes(DenseRows(scaled.view()), {.row_weights = weights_, .max_bytes = bytes_for(2)});
    const auto errors = approximation_errors(DenseRows(scaled.view()), *codes, weights_, 2);
    EXPECT_NEAR(errors.weighted_relative_error(), error, 0.01 * error) << exponent;
  }
}

TEST_F(EntropyCodesOf, RefuseNonFiniteEntriesAndTooManyColumns) {
  a_(5, 7) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)encoded(5000); }), "row 5, column 7");
  const Matrix<float> wide(2, EntropyCodes::kMostCols + 1);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>(
                      [&] { (void)encode_entropy_codes(DenseRows(wide.view()), {.max_bytes = 1 << 20}); }),
                  "at most 16384 columns");
}

TEST_F(EntropyCodesOf, NameWrongFieldsAndArrays) {
  const auto codes = encoded(bytes_for(1));
  EXPECT_CONTAINS(test::refusal_of_field(*codes, "rows_of_stream", 0), "rows_of_stream must be in [1, 256]");
  EXPECT_CONTAINS(test::refusal_of_field(*codes, "rows_of_stream", 9), "array 'lengths' must be");
  EXPECT_CONTAINS(test::refusal_of_field(*codes, "scale_exponent", true), "scale_exponent");
  EXPECT_CONTAINS(test::refusal_of_field(*codes, "code_bytes", 3), "code_bytes must be the length");
  EXPECT_CONTAINS(test::refusal_of_field(*codes, "cols", 20000), "at most 16384");
  EXPECT_CONTAINS(test::refusal_of_field(*codes, "cols", 63), "array 'col_scales' must be");
}

// A damaged stream is found when its last row is decoded; rows of other streams stay as they are.
TEST_F(EntropyCodesOf, FindDamagedStreams) {
  const auto codes = encoded(bytes_for(1));
  const auto arrays = test::arrays_of(*codes);
  const auto damaged = encoded_matrix_from_tensors(codes->spec(), [&](std::string_view name) {
    StoredArray array = arrays(name);
    if (name != "codes") return array;
    array.memory = nullptr;
    array.read_rows = [read = array.read_rows](Index first, Index count, std::byte* out) {
      read(first, count, out);
      if (first <= 3 && first + count > 3) out[3 - first] ^= std::byte{16};
    };
    return array;
  });
  Matrix<float> rows(8, kCols), expected(8, kCols);
  std::array<Index, 8> indices;
  for (Index i = 0; i < 8; ++i) indices[i] = i;
  EXPECT_CONTAINS(test::message_of<IoError>([&] { damaged->decode_rows(indices, rows.view()); }),
                  "array 'codes': the stream of rows 0 to 7 is damaged");
  for (Index i = 0; i < 8; ++i) indices[i] = 8 + i;
  damaged->decode_rows(indices, rows.view());
  codes->decode_rows(indices, expected.view());
  for (Index i = 0; i < 8; ++i) EXPECT_TRUE(std::ranges::equal(rows.row(i), expected.row(i)));
}

}  // namespace
}  // namespace loewner::entropy_codes_test
