// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "codec/spec_field.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/codec/structures.hpp"

namespace loewner::detail {

/// Reads a matrix that is part of another: the field `name` has its whole specification, and the
/// names of its arrays begin with `name`. Other structures than `allowed` are refused, so files
/// cannot nest without end.
inline std::unique_ptr<EncodedMatrix> nested_matrix(const Json& spec, const std::string& name,
                                                    std::span<const std::string_view> allowed,
                                                    const ArrayLookup& arrays) {
  const auto nested = spec_field<Json>(spec, name);
  const auto structure = spec_field<std::string>(nested, "structure");
  if (std::ranges::find(allowed, structure) == allowed.end()) {
    std::string names;
    for (const auto& one : allowed) names += (names.empty() ? "" : " or ") + std::string(one);
    throw IoError("specification: the structure of '" + name + "' must be " + names + ", got '" + structure + "'");
  }
  return encoded_matrix_from_tensors(nested,
                                     [&](std::string_view array) { return arrays(name + "_" + std::string(array)); });
}

inline void add_nested_arrays(const EncodedMatrix& nested, const std::string& name, std::vector<StoredArray>& arrays) {
  for (auto& array : nested.to_tensors()) {
    array.name.insert(0, name + "_");
    arrays.push_back(std::move(array));
  }
}

}  // namespace loewner::detail
