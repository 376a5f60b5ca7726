// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/encoded_matrix.hpp"

namespace loewner::detail {

/// A field of a specification. IoError that names the field if it is missing or has another type.
template <typename T>
T spec_field(const Json& spec, const std::string& name) {
  const auto field = spec.is_object() ? spec.find(name) : spec.end();
  if (field == spec.end()) throw IoError("specification: field '" + name + "' is missing");
  try {
    return field->get<T>();
  } catch (const Json::exception&) {
    throw IoError("specification: field '" + name + "' has the wrong type, got " + field->dump());
  }
}

/// A size in a specification: an integer in [0, 2^63), else IoError.
inline Index size_field(const Json& spec, const std::string& name) {
  const auto field = spec.is_object() ? spec.find(name) : spec.end();
  const bool fits = field != spec.end() && field->is_number_integer() &&
                    (!field->is_number_unsigned() || field->get<std::uint64_t>() <= std::uint64_t{INT64_MAX}) &&
                    field->get<Index>() >= 0;
  if (!fits) {
    throw IoError("specification: field '" + name + "' must be a non-negative integer, got " +
                  (field == spec.end() ? "nothing" : field->dump()));
  }
  return field->get<Index>();
}

/// The number format in a specification.
inline NumberFormat format_field(const Json& spec) {
  const auto name = spec_field<std::string>(spec, "format");
  const auto format = number_format_from_string(name);
  if (!format) throw IoError("specification: format must be f32, f16 or bf16, got '" + name + "'");
  return *format;
}

}  // namespace loewner::detail
