// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "loewner/plan/method_options.hpp"

namespace loewner {

/// The ways to encode a matrix. MethodInfo describes each of them.
enum class Method {
  automatic,
  svd,
  lp,
  subspaces,
  codes,
  coded_svd,
  archetypes,
  int8,
  int4,
  dense,
};

/// A field of the report that one method fills: a count, such as the number of clusters.
struct MethodReportField {
  std::string_view name;                 ///< key in the JSON report
  std::string_view specification_field;  ///< key in the specification of the encoded tensor
  std::string_view meaning;              ///< one line for documents
};

/// What other rooms and Python know about a method.
struct MethodInfo {
  Method method = Method::automatic;
  std::string_view name;         ///< on the command line and in reports, such as `coded-svd`
  std::string_view description;  ///< one line for help texts

  /// Exponent of `zipf` row weights (model/row_weights.hpp) when the user gives none.
  double zipf_exponent = 0.5;

  std::string_view flag{};                         ///< of the command line, sets `options`; empty if there are none
  std::string_view flag_help{};                    ///< one line for help texts
  std::vector<MethodOption> options{};             ///< in the order of the flag's values
  std::vector<MethodReportField> report_fields{};  ///< that only this method fills
};

/// All methods: `automatic` first, the others in the order in which reports list them.
const std::vector<Method>& all_methods();

/// The description of a method.
///
/// Errors    none
const MethodInfo& info_of(Method method);

/// The name of a method on the command line and in reports: auto, svd, lp, subspaces, codes,
/// coded-svd, archetypes, int8, int4 or dense.
std::string_view to_string(Method method);

/// The inverse of to_string(); nothing for other texts.
std::optional<Method> method_from_string(std::string_view name);

}  // namespace loewner
