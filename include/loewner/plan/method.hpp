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

  /// Whether the method minimizes the error of a layer's outputs if the moments of its inputs are
  /// known. With moments, `automatic` asks only these methods, because other errors cannot be
  /// compared.
  bool weighs_outputs = false;

  /// Whether the method minimizes the error in a metric of a table's rows (EncodeRequest::metric).
  bool weighs_channels = false;

  /// Exponent of `zipf` row weights (model/row_weights.hpp) when the user gives none.
  double zipf_exponent = 0.5;

  /// Flag of the command line that sets `options`; empty without options.
  std::string_view flag{};
  /// One line for help texts: the form of the flag's value and its meaning.
  std::string_view flag_help{};
  /// Options of this method, in the order of the flag's values.
  std::vector<MethodOption> options{};
  /// Report fields that only this method fills.
  std::vector<MethodReportField> report_fields{};
};

/// All methods: `automatic` first, the others in the order in which reports list them.
///
/// Errors    none.
const std::vector<Method>& all_methods();

/// The description of a method.
///
/// Errors    none.
const MethodInfo& info_of(Method method);

/// The name of a method on the command line and in reports: auto, svd, lp, subspaces, codes,
/// coded-svd, archetypes, int8, int4 or dense.
///
/// Errors    none.
std::string_view to_string(Method method);

/// The inverse of to_string(); nothing for other texts.
///
/// Errors    none.
std::optional<Method> method_from_string(std::string_view name);

}  // namespace loewner
