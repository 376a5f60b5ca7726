// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/vector.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/rotation.hpp"
#include "loewner/codec/trellis_quantizer.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

std::vector<float> levels(int bits) {
  const std::span<const float> values = trellis_levels(bits);
  return {values.begin(), values.end()};
}

std::vector<float> signs(Index cols, std::uint64_t seed) {
  const Rotation rotation(cols, seed);
  return {rotation.signs().begin(), rotation.signs().end()};
}

}  // namespace

// What a decoder outside the core needs besides the stored arrays (docs/format.md).
void bind_code_tables(nb::module_& m) {
  m.def("trellis_levels", &levels, "bits"_a, "Private: the levels of codes of some bits, increasing.");
  m.def("rotation_signs", &signs, "cols"_a, "seed"_a,
        "Private: the signs of the rotation, those of one round after another.");
}

}  // namespace loewner::python
