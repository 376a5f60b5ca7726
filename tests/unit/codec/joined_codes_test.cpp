// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/ladder_choice.hpp"
#include "loewner/norms/lp_error.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"

namespace loewner::joined_codes_test {
namespace {

constexpr Index kRows = 300, kCols = 48;

// Columns of decreasing size, and codes in bands for them.
class BandsOf : public testing::Test {
 protected:
  BandsOf() : weights_(kRows), energies_(kRows) {
    for (Index i = 0; i < kRows; ++i) weights_[i] = 1.0 / static_cast<double>(i + 10);
    std::vector<double> variances(kCols, 0.0);
    for (Index i = 0; i < kRows; ++i) {
      for (Index j = 0; j < kCols; ++j) {
        a_(i, j) *= static_cast<float>(std::pow(0.9, j));
        const double energy = weights_[i] * static_cast<double>(a_(i, j)) * static_cast<double>(a_(i, j));
        variances[j] += energy;
        energies_[i] += energy;
      }
    }
    std::ranges::sort(variances, std::ranges::greater());
    choice_.emplace(energies_, variances);
  }

  // Of the form, with the ladder for these bytes.
  std::unique_ptr<Codes> banded(Index bytes, CodesForm form) const {
    return encode_codes(DenseRows(a_.view()), {.row_weights = weights_,
                                               .max_bytes = bytes,
                                               .seed = 3,
                                               .ladder = whole_width(choice_->within(bytes - 2 * kRows).ladder),
                                               .form = form});
  }

  // With all columns: a ladder without its last bands is for fewer.
  static CodeLadder whole_width(const CodeLadder& ladder) {
    auto bands = ladder.bands();
    auto steps = ladder.steps();
    if (ladder.cols() < kCols) {
      bands.push_back({kCols - ladder.cols(), 0.0F});
      for (auto& bits : steps) bits.push_back(0);
    }
    return {std::move(bands), std::move(steps)};
  }

  double error_of(const RowSource& b) const {
    return approximation_errors(DenseRows(a_.view()), b, weights_, 2).weighted_relative_error();
  }

  Matrix<float> a_ = test::student_t_with_decay({.rows = kRows, .cols = kCols, .seed = 1}, 5, 0.97);
  std::vector<double> weights_, energies_;
  std::optional<LadderChoice> choice_;
};

TEST_F(BandsOf, BeatThePlainLadderAndRoundTrip) {
  const auto plain = encode_codes(DenseRows(a_.view()), {.row_weights = weights_, .max_bytes = 3000, .seed = 3});
  for (const auto form : {CodesForm::separate, CodesForm::joined}) {
    const auto codes = banded(3000, form);
    ASSERT_GT(codes->ladder().bands().size(), 1U);
    EXPECT_LE(codes->bytes(), 3000);
    EXPECT_LT(error_of(*codes), 0.8 * error_of(*plain));
    const auto again = test::read_back(*codes);
    EXPECT_EQ(again->structure(), form == CodesForm::joined ? "joined_codes" : "codes");
    const Matrix<float> all = read_all(*codes);
    for (const Index row : {0, 31, 32, 150, 299}) {
      Matrix<float> one(1, kCols);
      again->decode_rows(std::array{row}, one.view());
      EXPECT_TRUE(std::ranges::equal(one.row(0), all.row(row))) << row;
    }
  }
}

// The form before 1.3 is the control: short bands with a path of their own, and two bytes for a scale.
TEST_F(BandsOf, JoinedFormIsMorePreciseInTheSameBytes) {
  for (const Index bytes : {2000, 3000, 5000}) {
    EXPECT_LT(error_of(*banded(bytes, CodesForm::joined)), 0.95 * error_of(*banded(bytes, CodesForm::separate)));
  }
}

TEST_F(BandsOf, JoinedFormHasTheSameBytesForAnyNumberOfThreads) {
  const auto bytes_of = [&](int threads) {
    const test::ThreadCount scope(threads);
    return test::stored_bytes(*banded(3000, CodesForm::joined));
  };
  const auto one = bytes_of(1);
  EXPECT_EQ(bytes_of(2), one);
  EXPECT_EQ(bytes_of(8), one);
}

TEST_F(BandsOf, JoinedFormRefusesWhatItCannotDecode) {
  const auto codes = banded(3000, CodesForm::joined);
  const auto refusal = [&](const Json& changes) {
    Json spec = codes->spec();
    spec.update(changes);
    return test::message_of<IoError>([&] { (void)test::read_back(*codes, spec); });
  };
  auto cols = codes->spec()["band_cols"];
  cols[0] = cols[0].get<Index>() + 1;
  cols[1] = cols[1].get<Index>() - 1;
  EXPECT_CONTAINS(refusal({{"band_cols", cols}}), "multiples of 8");
  EXPECT_CONTAINS(refusal({{"structure", "codes"}}), "scales");
  auto steps = codes->spec()["band_bits"];
  while (steps.size() < 17) steps.push_back(steps.back());
  EXPECT_CONTAINS(refusal({{"band_bits", steps}}), "at most 16 steps");
}

TEST_F(BandsOf, JoinedFormEncodesZeroEqualAndHugeRows) {
  for (Index j = 0; j < kCols; ++j) {
    a_(0, j) = 0;
    a_(1, j) = 1e-30F;
    a_(2, j) = 1e30F;
  }
  const Matrix<float> all = read_all(*banded(5000, CodesForm::joined));
  for (Index j = 0; j < kCols; ++j) EXPECT_EQ(all(0, j), 0);
  for (Index i = 0; i < kRows; ++i)
    EXPECT_TRUE(std::ranges::all_of(all.row(i), [](float x) { return std::isfinite(x); }));
}

}  // namespace
}  // namespace loewner::joined_codes_test
