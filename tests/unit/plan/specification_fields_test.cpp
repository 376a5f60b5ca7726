// SPDX-License-Identifier: Apache-2.0
// Every field of every specification that a method makes has one type: readers refuse all others.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "loewner/base/error.hpp"
#include "loewner/plan/encode.hpp"
#include "support/encoded.hpp"
#include "support/matrices.hpp"

namespace loewner {
namespace {

Encoding encoded(Method method, const Matrix<float>& values) {
  EncodeRequest request;
  request.matrix = std::make_shared<DenseRows>(values.view());
  request.source_bytes = values.rows() * values.cols() * Index{sizeof(float)};
  request.max_bytes = request.source_bytes * 6 / 10;
  request.method = method;
  return encode_matrix(request);
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

class SpecificationFields : public testing::TestWithParam<Method> {};

TEST_P(SpecificationFields, RefuseOtherTypes) {
  const Matrix<float> values =
      test::low_rank_plus_entry_outliers({.rows = 300, .cols = 24, .seed = 1}, 6, 0.1, 0.01, 5);
  const Encoding encoding = encoded(GetParam(), values);
  const Json spec = encoding.matrix->spec(), leaves = spec.flatten();
  ASSERT_FALSE(is_refused(*encoding.matrix, spec));
  for (const auto& [pointer, right] : leaves.items()) {
    for (const Json& wrong : wrong_for(right)) {
      Json other = spec;
      other[Json::json_pointer(pointer)] = wrong;
      EXPECT_TRUE(is_refused(*encoding.matrix, other)) << pointer << ": " << wrong;
    }
  }
}

TEST_P(SpecificationFields, RefuseIntegersThatOnlyFitAfterATruncation) {
  const Matrix<float> values =
      test::low_rank_plus_entry_outliers({.rows = 300, .cols = 24, .seed = 1}, 6, 0.1, 0.01, 5);
  const Encoding encoding = encoded(GetParam(), values);
  const Json spec = encoding.matrix->spec(), leaves = spec.flatten();
  for (const auto& [pointer, right] : leaves.items()) {
    if (!right.is_number_integer() || pointer.ends_with("rotation_seed")) continue;
    for (const int bits : {8, 16, 31, 32, 63}) {
      Json other = spec;
      other[Json::json_pointer(pointer)] = right.get<std::uint64_t>() + (std::uint64_t{1} << bits);
      EXPECT_TRUE(is_refused(*encoding.matrix, other)) << other.dump();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, SpecificationFields,
                         testing::ValuesIn(std::vector(all_methods().begin() + 1, all_methods().end())),
                         [](const auto& test) {
                           std::string name(to_string(test.param));
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace loewner
