// SPDX-License-Identifier: Apache-2.0
#include "base/dispatch.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "support/instruction_sets.hpp"

namespace loewner::detail {
namespace {

TEST(InstructionSet, StaysWithinTheLimitAndGrowsWithIt) {
  Isa before = Isa::scalar;
  for (const Isa most : test::kInstructionSets) {
    const test::IsaLimit limit(most);
    EXPECT_LE(isa(), most);
    EXPECT_GE(isa(), before);
    before = isa();
  }
}

TEST(InstructionSet, IsTheBestAgainAfterALimit) {
  limit_isa(Isa::amx);
  const Isa best = isa();
  {
    const test::IsaLimit limit(Isa::scalar);
    EXPECT_EQ(isa(), Isa::scalar);
  }
  EXPECT_EQ(isa(), best);
}

#if defined(__x86_64__)
// A processor whose best set is later in the order may lack AVX-VNNI.
TEST(InstructionSet, WithAvxVnniIsChosenWhereTheSystemReportsIt) {
  std::ifstream file("/proc/cpuinfo");
  std::string name;
  bool has_gfni = false, has_avx_vnni = false;
  while (file >> name) {
    has_gfni = has_gfni || name == "gfni";
    has_avx_vnni = has_avx_vnni || name == "avx_vnni";
  }
  if (name.empty()) GTEST_SKIP() << "needs /proc/cpuinfo";
  const test::IsaLimit limit(Isa::avx_vnni);
  EXPECT_EQ(isa() == Isa::avx_vnni, has_gfni && has_avx_vnni);
}
#endif

}  // namespace
}  // namespace loewner::detail
