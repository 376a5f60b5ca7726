// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/structures.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "codec/spec_field.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/archetypes.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/dense.hpp"
#include "loewner/codec/entropy_codes.hpp"
#include "loewner/codec/input_codes.hpp"
#include "loewner/codec/integers.hpp"
#include "loewner/codec/low_rank.hpp"
#include "loewner/codec/product.hpp"
#include "loewner/codec/subspaces.hpp"
#include "loewner/model/tensor_declaration.hpp"

namespace loewner {
namespace {

struct Structure {
  std::string_view name;
  std::unique_ptr<EncodedMatrix> (*from_tensors)(const Json& spec, const ArrayLookup& arrays);
  LoadedForm loaded_form;
};

// The registry: one line for each structure (docs/adding-a-structure.md).
constexpr std::array kStructures = {
    Structure{"dense", Dense::from_tensors, LoadedForm::dense},
    Structure{"low_rank", LowRank::from_tensors, LoadedForm::factors},
    Structure{"codes", Codes::from_tensors, LoadedForm::coded},
    Structure{"joined_codes", Codes::from_tensors, LoadedForm::coded},
    Structure{"entropy_codes", EntropyCodes::from_tensors, LoadedForm::coded},
    Structure{"integers", Integers::from_tensors, LoadedForm::coded},
    Structure{"subspaces", Subspaces::from_tensors, LoadedForm::factors},
    Structure{"product", Product::from_tensors, LoadedForm::coded},
    Structure{"archetypes", Archetypes::from_tensors, LoadedForm::coded},
    Structure{"input_codes", InputCodes::from_tensors, LoadedForm::coded},
};

const Structure& structure_named(std::string_view name) {
  for (const auto& structure : kStructures) {
    if (structure.name == name) return structure;
  }
  throw IoError("specification: structure '" + std::string(name) + "' is not known to this version");
}

}  // namespace

std::unique_ptr<EncodedMatrix> encoded_matrix_from_tensors(const Json& spec, const ArrayLookup& arrays) {
  return structure_named(detail::spec_field<std::string>(spec, "structure")).from_tensors(spec, arrays);
}

std::vector<Index> tensor_shape(const Json& spec) {
  const Index rows = detail::size_field(spec, "rows"), cols = detail::size_field(spec, "cols");
  if (!spec.contains("shape")) return {rows, cols};
  const auto sizes = detail::spec_field<std::vector<Json>>(spec, "shape");
  const bool are_sizes =
      std::ranges::all_of(sizes, [](const Json& size) { return detail::is_whole(size, 1, INT64_MAX); });
  TensorDeclaration tensor;
  if (are_sizes) tensor.shape = spec["shape"].get<std::vector<Index>>();
  if (matrix_rows(tensor) != rows || tensor.shape.back() != cols) {
    throw IoError("specification: shape must be two or three sizes for " + std::to_string(rows) + " rows of " +
                  std::to_string(cols) + ", got " + spec["shape"].dump());
  }
  return tensor.shape;
}

LoadedForm loaded_form(std::string_view structure) {
  return structure_named(structure).loaded_form;
}

}  // namespace loewner
