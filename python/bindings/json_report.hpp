// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include "loewner/model/json.hpp"

namespace loewner::python {

using Report = nanobind::typed<nanobind::dict, nanobind::str, nanobind::any>;

/// The documented JSON of the command line is the interface of reports, so that both stay the same.
inline Report to_python(const Json& report) {
  return nanobind::cast<Report>(nanobind::module_::import_("json").attr("loads")(report.dump()));
}

}  // namespace loewner::python
