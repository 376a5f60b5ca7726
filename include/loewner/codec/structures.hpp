// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// The registry of structures: builds the encoding that a specification names from its arrays.
///
/// Errors    IoError when the specification lacks a field, names a structure this version does not know, or does not
/// fit the arrays.
std::unique_ptr<EncodedMatrix> encoded_matrix_from_tensors(const Json& spec, const ArrayLookup& arrays);

}  // namespace loewner
