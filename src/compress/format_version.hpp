// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>

#include "loewner/model/json_fwd.hpp"

namespace loewner::detail {

/// The version of the format of an output.
struct FormatVersion {
  int major = 0, minor = 0;
  // clang-tidy 14 takes the default of <=> for the literal 0.
  auto operator<=>(const FormatVersion&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// The version that a quantization_config states. IoError if it is no version, or of a newer major.
FormatVersion readable_version(const Json& quantization);

/// The version of an output that is written again: the one that this version writes, or a newer one
/// that the output has, whose fields stay.
std::string current_version(const Json& quantization);

}  // namespace loewner::detail
