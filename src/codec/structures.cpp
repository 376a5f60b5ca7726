// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/structures.hpp"

#include <array>
#include <string>
#include <string_view>

#include "codec/spec_field.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/archetypes.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/dense.hpp"
#include "loewner/codec/integers.hpp"
#include "loewner/codec/low_rank.hpp"
#include "loewner/codec/product.hpp"
#include "loewner/codec/subspaces.hpp"

namespace loewner {
namespace {

struct Structure {
  std::string_view name;
  std::unique_ptr<EncodedMatrix> (*from_tensors)(const Json& spec, const ArrayLookup& arrays);
};

// The registry: one line for each structure (docs/adding-a-structure.md).
constexpr std::array kStructures = {
    Structure{"dense", Dense::from_tensors},           Structure{"low_rank", LowRank::from_tensors},
    Structure{"codes", Codes::from_tensors},           Structure{"integers", Integers::from_tensors},
    Structure{"subspaces", Subspaces::from_tensors},   Structure{"product", Product::from_tensors},
    Structure{"archetypes", Archetypes::from_tensors},
};

}  // namespace

std::unique_ptr<EncodedMatrix> encoded_matrix_from_tensors(const Json& spec, const ArrayLookup& arrays) {
  const auto name = detail::spec_field<std::string>(spec, "structure");
  for (const auto& structure : kStructures) {
    if (structure.name == name) return structure.from_tensors(spec, arrays);
  }
  throw IoError("specification: structure '" + name + "' is not known to this version");
}

}  // namespace loewner
