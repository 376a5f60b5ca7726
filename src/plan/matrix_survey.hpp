// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "loewner/codec/input_basis.hpp"
#include "loewner/plan/encode.hpp"
#include "loewner/sketch/energy_sample.hpp"

namespace loewner {

/// Quantities of a matrix that the curves of several methods use. Each is computed at its first use,
/// from a sample of the rows if is_planned_from_sample().
class MatrixSurvey {
 public:
  explicit MatrixSurvey(const EncodeRequest& request) : request_(request) {}

  const EncodeRequest& request() const { return request_; }

  /// Weighted squared norms of all rows.
  const std::vector<double>& energies();

  /// Singular values of the weighted matrix in decreasing order: min(n, d) values.
  const std::vector<double>& singular_values();

  /// The moments of the request, rotated and factored. The request has moments.
  const InputBasis& input_basis();

  /// The survey that a method takes: of the request in its metric, or of that without its metric;
  /// this one if the request has no metric.
  MatrixSurvey& for_method(const MethodInfo& method);

  /// factor_of_equal_errors() of a request with a metric.
  double factor_of_equal_errors();

  /// The request for the rows on which errors of rounding are measured: all rows or a sample.
  EncodeRequest rows_to_round();

 private:
  struct InMetric;
  InMetric& in_metric();
  EnergySample sample(Index rows);

  const EncodeRequest& request_;
  std::optional<std::vector<double>> energies_, singular_values_;
  std::optional<EnergySample> rows_to_round_;
  std::optional<InputBasis> input_basis_;
  std::shared_ptr<InMetric> in_metric_;
};

}  // namespace loewner
