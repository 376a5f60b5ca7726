// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>

#include "loewner/base/error.hpp"
#include "loewner/regression/label_plan.hpp"

// Any text is rejected with IoError or is a plan that is read back equal after writing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loewner;
  try {
    const LabelPlan plan = parse_label_plan({reinterpret_cast<const char*>(data), size}, "input");
    const LabelPlan again = parse_label_plan(to_csv(plan), "again");
    if (again.rows != plan.rows || again.probabilities != plan.probabilities) std::abort();
    if (again.num_rows != plan.num_rows || again.norm_exponent != plan.norm_exponent) std::abort();
  } catch (const IoError&) {
  }
  return 0;
}
