// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>

#include "loewner/model/json.hpp"

namespace loewner::python {

using Report = nanobind::typed<nanobind::dict, nanobind::str, nanobind::any>;

/// The report as Python data. loewner/_reports.py makes typed objects of it, so Python and the command line
/// read the same report. A file name in it that is not UTF-8 has replacement characters.
inline Report to_python(const Json& report) {
  return nanobind::cast<Report>(
      nanobind::module_::import_("json").attr("loads")(report.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

/// Python data as JSON.
inline Json json_of(const nanobind::handle& value) {
  return Json::parse(nanobind::cast<std::string>(nanobind::module_::import_("json").attr("dumps")(value)));
}

}  // namespace loewner::python
