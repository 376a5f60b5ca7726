// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include <sstream>
#include <string>
#include <utility>

#include "tables.hpp"

namespace loewner::python {

/// What the command line prints of a report.
inline std::string text_of(const CompressReport& report, bool is_dry_run) {
  std::ostringstream out;
  cli::print_report(report, is_dry_run, out);
  return std::move(out).str();
}

/// Text whose notes may hold a file name that is not UTF-8: it has surrogates, as names have in Python (PEP 383).
inline nanobind::str text_to_python(const std::string& text) {
  return nanobind::steal<nanobind::str>(
      PyUnicode_DecodeFSDefaultAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
}

}  // namespace loewner::python
