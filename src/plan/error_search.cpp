// SPDX-License-Identifier: Apache-2.0
#include "plan/error_search.hpp"

#include <cmath>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/output_error.hpp"
#include "loewner/norms/lp_error.hpp"
#include "plan/metric_request.hpp"

namespace loewner {

namespace {

// The error that the request limits.
double measured_error(const EncodeRequest& request, const RowSource& encoded) {
  if (request.moments != nullptr) {
    return std::sqrt(output_error(*request.matrix, encoded, *request.moments, request.inputs));
  }
  const auto compared = compared_rows(request, encoded);
  return approximation_errors(*request.matrix, *compared, request.row_weights, 2).weighted_relative_error();
}

}  // namespace

Encoding first_within_error(const EncodeRequest& request, std::span<const RatePoint> rates,
                            const std::function<Encoding(std::size_t rate)>& encode) {
  constexpr double kDoubt = 1.1;  // predictions are within 10 %
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (rates[i].error > std::pow(kDoubt * *request.max_error, 2)) continue;
    Encoding encoding = encode(i);
    if (measured_error(request, *encoding.matrix) <= *request.max_error) return encoding;
  }
  throw BudgetError("codes smaller than the matrix itself (" + std::to_string(request.source_bytes) +
                    " bytes) do not have a relative error of at most " + std::to_string(*request.max_error));
}

}  // namespace loewner
