// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/input_codes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"
#include "support/messages.hpp"
#include "support/threads.hpp"
#include "support/tolerance.hpp"

namespace loewner::input_codes_test {
namespace {

constexpr Index kInputs = 48, kOutputs = 30;

double distance(const Matrix<float>& a, const Matrix<float>& b) {
  return test::frobenius_distance(a.view(), b.view());
}

Matrix<float> transposed(const Matrix<float>& a) {
  Matrix<float> result(a.cols(), a.rows());
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) result(j, i) = a(i, j);
  }
  return result;
}

std::unique_ptr<Codes> codes() {
  const auto a = test::gaussian_matrix({.rows = kInputs, .cols = kOutputs, .seed = 1});
  return encode_codes(DenseRows(a.view()), {.max_bytes = kInputs * kOutputs / 2});
}

InputCodes on(InputSide inputs, std::optional<std::uint64_t> seed = 7) {
  return {codes(), inputs, seed};
}

TEST(InputCodes, RotateTheInputsOfTheCodesBack) {
  Matrix<float> expected = transposed(read_all(*codes()));
  for (Index i = 0; i < kOutputs; ++i) Rotation(kInputs, 7).apply_inverse(expected.row(i));
  const InputCodes by_cols = on(InputSide::cols), by_rows = on(InputSide::rows);
  EXPECT_EQ(distance(by_cols.decode(), expected), 0);
  EXPECT_EQ(distance(by_rows.decode(), transposed(expected)), 0);
  EXPECT_EQ(by_cols.rows(), kOutputs);
  EXPECT_EQ(by_rows.rows(), kInputs);
}

TEST(InputCodes, WithoutARotationAreTheCodesOrTheirTranspose) {
  const Matrix<float> c = read_all(*codes());
  EXPECT_EQ(distance(on(InputSide::rows, {}).decode(), c), 0);
  EXPECT_EQ(distance(on(InputSide::cols, {}).decode(), transposed(c)), 0);
}

TEST(InputCodes, RoundTripAndReadTheSameRowsInAnyOrder) {
  for (const InputSide side : {InputSide::cols, InputSide::rows}) {
    const InputCodes matrix = on(side);
    const auto again = test::read_back(matrix);
    const Matrix<float> all = matrix.decode();
    EXPECT_EQ(distance(read_all(*again), all), 0);
    const std::array<Index, 3> rows = {matrix.rows() - 1, 0, 5};
    Matrix<float> picked(3, matrix.cols());
    again->decode_rows(rows, picked.view());
    for (Index i = 0; i < 3; ++i) EXPECT_TRUE(std::ranges::equal(picked.row(i), all.row(rows[i])));
  }
}

TEST(InputCodes, ApplyMultipliesByTheTranspose) {
  for (const InputSide side : {InputSide::cols, InputSide::rows}) {
    const InputCodes matrix = on(side);
    const auto x = test::gaussian_matrix({.rows = 5, .cols = matrix.cols(), .seed = 2});
    Matrix<float> y(5, matrix.rows());
    matrix.apply(x.view(), y.view());
    const Matrix<float> transpose = transposed(matrix.decode());
    const Matrix<float> expected = test::product(x.view(), transpose.view());
    EXPECT_LE(distance(y, expected), test::rounding_tolerance(expected.view()));
  }
}

TEST(InputCodes, GiveTheSameBitsForAnyNumberOfThreads) {
  const InputCodes matrix = on(InputSide::cols);
  const auto x = test::gaussian_matrix({.rows = 5, .cols = kInputs, .seed = 2});
  const auto results = [&](int threads) {
    const test::ThreadCount scope(threads);
    Matrix<float> y(5, kOutputs);
    matrix.apply(x.view(), y.view());
    const Matrix<float> w = matrix.decode();
    std::vector<float> values(w.data(), w.data() + kOutputs * kInputs);
    values.insert(values.end(), y.data(), y.data() + 5 * kOutputs);
    return values;
  };
  const auto one = results(1);
  EXPECT_EQ(results(2), one);
  EXPECT_EQ(results(8), one);
}

TEST(InputCodes, RejectBadSpecifications) {
  const InputCodes matrix = on(InputSide::cols);
  const auto refusal = [&](const std::string& pointer, const Json& value) {
    Json spec = matrix.spec();
    spec[Json::json_pointer(pointer)] = value;
    return test::message_of<IoError>([&] { (void)test::read_back(matrix, spec); });
  };
  EXPECT_CONTAINS(refusal("/inputs", "both"), "inputs must be cols or rows, got 'both'");
  EXPECT_CONTAINS(refusal("/inputs", "rows"), "must be inputs x outputs");
  EXPECT_CONTAINS(refusal("/rows", kInputs), "must be inputs x outputs");
  EXPECT_CONTAINS(refusal("/input_rotation_seed", -1), "input_rotation_seed must be an integer in [0, 2^64)");
  EXPECT_CONTAINS(refusal("/codes/structure", "input_codes"), "must be codes, got 'input_codes'");
  EXPECT_CONTAINS(refusal("/codes", 3), "structure");
}

// Rows of 0 bits take no bytes, so a small file can declare a huge matrix.
TEST(InputCodes, RejectMatricesThatNoMemoryHolds) {
  const InputCodes matrix = on(InputSide::cols);
  Json spec = matrix.spec();
  spec["rows"] = spec["codes"]["cols"] = Index{1} << 20;
  spec["cols"] = spec["codes"]["rows"] = Index{1} << 32;
  EXPECT_CONTAINS(test::message_of<IoError>([&] { (void)test::read_back(matrix, spec); }),
                  "input_codes of 1048576 x 4294967296 do not fit in the memory of this machine");
}

}  // namespace
}  // namespace loewner::input_codes_test
