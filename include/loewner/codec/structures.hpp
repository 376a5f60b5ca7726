// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Builds the encoding that a specification describes from its arrays. structures.cpp is the
/// registry of structures.
///
/// Errors    IoError if the specification lacks a field, names an unknown structure, or does not
///           fit the arrays.
std::unique_ptr<EncodedMatrix> encoded_matrix_from_tensors(const Json& spec, const ArrayLookup& arrays);

}  // namespace loewner
