// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/structures.hpp"

#include <gtest/gtest.h>

#include "loewner/base/error.hpp"
#include "loewner/model/json.hpp"
#include "support/messages.hpp"

namespace loewner::structures_test {
namespace {

std::string refusal(const Json& spec) {
  return test::message_of<IoError>([&] {
    (void)encoded_matrix_from_tensors(
        spec, [](std::string_view name) -> StoredArray { throw IoError("no array '" + std::string(name) + "'"); });
  });
}

TEST(Structures, NamesUnknownStructures) {
  EXPECT_CONTAINS(refusal({{"structure", "unheard_of"}, {"rows", 2}, {"cols", 2}}),
                  "structure 'unheard_of' is not known to this version");
}

TEST(Structures, RejectsASpecificationWithoutStructure) {
  EXPECT_CONTAINS(refusal(Json::array({1})), "field 'structure' is missing");
  EXPECT_CONTAINS(refusal(Json::object()), "field 'structure' is missing");
  EXPECT_CONTAINS(refusal({{"structure", 3}}), "field 'structure' has the wrong type, got 3");
}

TEST(Structures, NamesMissingArrays) {
  EXPECT_CONTAINS(refusal({{"structure", "low_rank"}, {"rows", 2}, {"cols", 2}, {"rank", 1}, {"format", "f32"}}),
                  "no array 'left'");
}

TEST(Structures, KnowTheFormOfLoadedMatrices) {
  EXPECT_EQ(loaded_form("low_rank"), LoadedForm::factors);
  EXPECT_EQ(loaded_form("codes"), LoadedForm::coded);
  EXPECT_EQ(loaded_form("dense"), LoadedForm::dense);
  EXPECT_CONTAINS(test::message_of<IoError>([] { (void)loaded_form("unheard_of"); }), "structure 'unheard_of'");
}

TEST(Structures, HaveTheShapeOfTheTensor) {
  EXPECT_EQ(tensor_shape({{"rows", 6}, {"cols", 4}}), (std::vector<Index>{6, 4}));
  EXPECT_EQ(tensor_shape({{"rows", 6}, {"cols", 4}, {"shape", {2, 3, 4}}}), (std::vector<Index>{2, 3, 4}));
  EXPECT_EQ(tensor_shape({{"rows", 6}, {"cols", 4}, {"shape", {6, 4}}}), (std::vector<Index>{6, 4}));
}

TEST(Structures, RejectShapesOfOtherMatrices) {
  const auto refusal_of = [](const Json& shape) {
    return test::message_of<IoError>([&] { (void)tensor_shape({{"rows", 6}, {"cols", 4}, {"shape", shape}}); });
  };
  const Json huge = Index{1} << 62;
  for (const Json& shape : std::vector<Json>{{2, 4, 3},
                                             {2, 3, 4, 1},
                                             {24},
                                             Json::array(),
                                             {-2, -3, 4},
                                             {2.0, 3, 4},
                                             {true, 6, 4},
                                             {huge, huge, 4},
                                             {0, 0, 4}})
    EXPECT_CONTAINS(refusal_of(shape), "shape must be two or three sizes for 6 rows of 4, got " + shape.dump());
  EXPECT_CONTAINS(refusal_of("6 x 4"), "field 'shape' has the wrong type");
}

}  // namespace
}  // namespace loewner::structures_test
