// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/model/json.hpp"

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

/// Whether the value is an integer in [least, most]. Json::get() also takes 1.5 and true for integers.
inline bool is_whole(const Json& value, Index least, Index most) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) return false;
  return value.get<Index>() >= least && value.get<Index>() <= most;
}

/// A size in a specification: an integer in [0, 2^63), else IoError.
inline Index size_field(const Json& spec, const std::string& name) {
  const auto field = spec.is_object() ? spec.find(name) : spec.end();
  if (field == spec.end() || !is_whole(*field, 0, INT64_MAX)) {
    throw IoError("specification: field '" + name + "' must be a non-negative integer, got " +
                  (field == spec.end() ? "nothing" : field->dump()));
  }
  return field->get<Index>();
}

/// An integer in [least, most], else IoError.
inline Index integer_field(const Json& spec, const std::string& name, Index least, Index most) {
  const auto field = spec_field<Json>(spec, name);
  if (!is_whole(field, least, most)) {
    throw IoError("specification: " + name + " must be in [" + std::to_string(least) + ", " + std::to_string(most) +
                  "] and whole, got " + field.dump());
  }
  return field.get<Index>();
}

/// A finite number >= 0. IoError otherwise, also for true.
inline double number_field(const Json& spec, const std::string& name) {
  const auto field = spec_field<Json>(spec, name);
  if (!field.is_number() || !(field >= 0)) {
    throw IoError("specification: field '" + name + "' has the wrong type or is negative, got " + field.dump());
  }
  return field.get<double>();
}

/// The power of two in all scales of a structure.
inline int exponent_field(const Json& spec) {
  constexpr Index kMost = 200;
  return static_cast<int>(integer_field(spec, "scale_exponent", -kMost, kMost));
}

/// The number format in a specification.
inline NumberFormat format_field(const Json& spec) {
  const auto name = spec_field<std::string>(spec, "format");
  const auto format = number_format_from_string(name);
  if (!format) throw IoError("specification: format must be f32, f16 or bf16, got '" + name + "'");
  return *format;
}

}  // namespace loewner::detail
