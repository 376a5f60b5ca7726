// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Builds the encoding that a specification describes from its arrays. structures.cpp is the
/// registry of structures.
///
/// Shapes    result: rows x cols of the specification.
/// Method    looks up the structure by its name and calls its from_tensors().
/// Cost      that of from_tensors().
/// Accuracy  that of the structure; nothing is rounded.
/// Errors    IoError if the specification lacks a field, names an unknown structure, or does not
///           fit the arrays.
std::unique_ptr<EncodedMatrix> encoded_matrix_from_tensors(const Json& spec, const ArrayLookup& arrays);

/// The shape of the tensor that a specification describes.
///
/// Shapes    result: two or three sizes, of as many entries as the matrix.
/// Method    the field `shape` if there is one (matrices that the encoding has below each other),
///           otherwise rows x cols.
/// Cost      O(1).
/// Accuracy  exact.
/// Errors    IoError unless the shape has as many entries as the matrix.
std::vector<Index> tensor_shape(const Json& spec);

/// The form in which a loaded model holds a matrix.
enum class LoadedForm {
  factors,  ///< low-rank factors
  coded,    ///< the arrays of the file, decoded row by row or once
  dense,    ///< one array of numbers
};

/// The form for a structure; the model card describes it.
///
/// Errors    IoError on an unknown structure.
LoadedForm loaded_form(std::string_view structure);

}  // namespace loewner
