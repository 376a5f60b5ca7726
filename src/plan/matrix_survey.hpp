// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "loewner/plan/encode.hpp"
#include "loewner/sketch/energy_sample.hpp"

namespace loewner {

/// What the curves of all methods are computed from, each part when it is first asked for.
///
/// Where is_planned_from_sample says so, from some rows that stand for all.
class MatrixSurvey {
 public:
  explicit MatrixSurvey(const EncodeRequest& request) : request_(request) {}

  const EncodeRequest& request() const { return request_; }

  /// Weighted squared norms of all rows.
  const std::vector<double>& energies();

  /// Of the weighted matrix, descending: min(n, d) values.
  const std::vector<double>& singular_values();

  /// The request for the rows that stand for the matrix where the error of a rounding is measured.
  EncodeRequest rows_to_round();

 private:
  EnergySample sample(Index rows);

  const EncodeRequest& request_;
  std::optional<std::vector<double>> energies_, singular_values_;
  std::optional<EnergySample> rows_to_round_;
};

}  // namespace loewner
