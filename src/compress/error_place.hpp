// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "loewner/base/error.hpp"

namespace loewner::detail {

/// Returns body(). An IoError of it gets `place` (a file or tensor) in front, because parsers of
/// fields do not know their place.
template <typename Body>
decltype(auto) at_place(const std::string& place, Body&& body) {
  try {
    return body();
  } catch (const IoError& error) {
    throw IoError(place + ": " + error.what());
  }
}

}  // namespace loewner::detail
