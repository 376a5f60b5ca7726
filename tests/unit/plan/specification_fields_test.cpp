// SPDX-License-Identifier: Apache-2.0
// Every field of every specification that a method makes has one type: readers refuse all others.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/codec/input_codes_encoding.hpp"
#include "loewner/plan/encode.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"

namespace loewner::specification_fields_test {
namespace {

// Encodings may read it when their arrays are read.
const Matrix<float>& table() {
  static const Matrix<float> values =
      test::low_rank_plus_entry_outliers({.rows = 300, .cols = 24, .seed = 1}, 6, 0.1, 0.01, 5);
  return values;
}

std::unique_ptr<EncodedMatrix> encoded(Method method) {
  EncodeRequest request;
  request.matrix = std::make_shared<DenseRows>(table().view());
  request.source_bytes = table().rows() * table().cols() * Index{sizeof(float)};
  request.max_bytes = request.source_bytes * 6 / 10;
  request.method = method;
  return encode_matrix(request).matrix;
}

std::unique_ptr<EncodedMatrix> with_input_codes(InputSide inputs) {
  const Index size = inputs == InputSide::cols ? table().cols() : table().rows();
  InputMoments moments{.second = Matrix<double>(size, size)};
  for (Index i = 0; i < size; ++i) moments.second(i, i) = 1;
  return encode_input_codes(DenseRows(table().view()), InputBasis(moments, {.rotation_seed = 5}),
                            {.inputs = inputs, .max_bytes = table().rows() * table().cols(), .seed = 3})
      .matrix;
}

// Values of other types and out of the range of a field with this value.
std::vector<Json> wrong_for(const Json& right) {
  if (right.is_boolean()) return {0, 1, "true", nullptr};
  if (right.is_string()) return {3, true, nullptr, "unheard_of"};
  if (right.is_number_float()) return {true, "1", nullptr, -1.0};
  const auto value = right.get<double>();
  return {true, value + 0.5, value + 1e-9, std::to_string(right.get<Index>()), nullptr, Json::array(), -1000};
}

bool is_refused(const EncodedMatrix& matrix, const Json& spec) try {
  (void)test::read_back(matrix, spec);
  return false;
} catch (const IoError&) {
  return true;
}

// Every field refuses values of other types, and integers that fit only after a truncation.
void expect_strict_fields(const EncodedMatrix& matrix) {
  const Json spec = matrix.spec(), leaves = spec.flatten();
  ASSERT_FALSE(is_refused(matrix, spec));
  for (const auto& [pointer, right] : leaves.items()) {
    std::vector<Json> wrong = wrong_for(right);
    const bool has_no_limit = pointer.ends_with("rotation_seed") || pointer.ends_with("group");  // >= cols: one group
    if (right.is_number_integer() && !has_no_limit) {
      for (const int bits : {8, 16, 31, 32, 63})
        wrong.push_back(right.get<std::uint64_t>() + (std::uint64_t{1} << bits));
    }
    for (const Json& value : wrong) {
      Json other = spec;
      other[Json::json_pointer(pointer)] = value;
      EXPECT_TRUE(is_refused(matrix, other)) << pointer << ": " << value;
    }
  }
}

class SpecificationFields : public testing::TestWithParam<Method> {};

TEST_P(SpecificationFields, AreStrict) {
  expect_strict_fields(*encoded(GetParam()));
}

TEST(SpecificationFieldsOfInputCodes, AreStrict) {
  for (const InputSide inputs : {InputSide::cols, InputSide::rows}) expect_strict_fields(*with_input_codes(inputs));
}

INSTANTIATE_TEST_SUITE_P(Methods, SpecificationFields,
                         testing::ValuesIn(std::vector(all_methods().begin() + 1, all_methods().end())),
                         [](const auto& test) {
                           std::string name(to_string(test.param));
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace loewner::specification_fields_test
