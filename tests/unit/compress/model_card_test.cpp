// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/model_card.hpp"

#include <gtest/gtest.h>

#include "support/messages.hpp"

namespace loewner {
namespace {

std::string card_of(const std::vector<std::string>& structures) {
  CompressReport report;
  for (const auto& structure : structures) {
    report.tensors.emplace_back();
    report.tensors.back().structure = structure;
  }
  return model_card({.model = "minilm", .output = "small", .keep = 0.5}, report);
}

constexpr const char *kFactors = "Factors stay factors in memory.", *kCodes = "stay coded in memory",
                     *kDense = "keep their number format in memory";

TEST(ModelCard, SaysOfEachStructureHowItIsHeldInMemory) {
  for (const char* structure : {"low_rank", "subspaces", "codes", "product", "archetypes", "integers", "dense"}) {
    const std::string card = card_of({structure}), name = structure;
    const bool factors = name == "low_rank" || name == "subspaces", dense = name == "dense";
    EXPECT_EQ(card.find(kFactors) != std::string::npos, factors) << name;
    EXPECT_EQ(card.find(kDense) != std::string::npos, dense) << name;
    EXPECT_EQ(card.find(kCodes) != std::string::npos, !factors && !dense) << name;
  }
  const std::string card = card_of({"codes", "low_rank"});
  EXPECT_CONTAINS(card, kFactors);
  EXPECT_CONTAINS(card, kCodes);
}

TEST(ModelCard, NamesTheCommandWithoutPathsOfTheMachine) {
  const std::string command =
      command_of({.model = "/home/me/minilm/", .output = "/tmp/small", .keep = 0.5, .row_weights = "/tmp/counts.tsv"});
  EXPECT_EQ(command, "loewner compress minilm -o small --keep 0.5 --row-weights counts.tsv");
}

}  // namespace
}  // namespace loewner
