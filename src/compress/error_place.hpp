// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "loewner/base/error.hpp"

namespace loewner::detail {

/// body(), whose IoError gets the file or tensor at fault in front: parsers of fields do not know
/// where they stand.
template <typename Body>
decltype(auto) at_place(const std::string& place, Body&& body) {
  try {
    return body();
  } catch (const IoError& error) {
    throw IoError(place + ": " + error.what());
  }
}

}  // namespace loewner::detail
