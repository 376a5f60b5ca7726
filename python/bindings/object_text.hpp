// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include <string>

namespace loewner::python {

/// `str(object)`.
inline std::string text_of(nanobind::handle object) {
  return nanobind::cast<std::string>(nanobind::str(object));
}

}  // namespace loewner::python
