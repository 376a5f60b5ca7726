// SPDX-License-Identifier: Apache-2.0
#include "plan/error_search.hpp"

#include <cmath>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/norms/lp_error.hpp"

namespace loewner {

Encoding first_within_error(const EncodeRequest& request, std::span<const RatePoint> rates,
                            const std::function<Encoding(std::size_t rate)>& encode) {
  constexpr double kDoubt = 1.1;  // predictions are within 10 %
  for (std::size_t i = 0; i < rates.size(); ++i) {
    if (rates[i].error > std::pow(kDoubt * *request.max_error, 2)) continue;
    Encoding encoding = encode(i);
    const auto errors = approximation_errors(*request.matrix, *encoding.matrix, request.row_weights, 2);
    if (errors.weighted_relative_error() <= *request.max_error) return encoding;
  }
  throw BudgetError("codes smaller than the matrix itself (" + std::to_string(request.source_bytes) +
                    " bytes) do not have a relative error of at most " + std::to_string(*request.max_error));
}

}  // namespace loewner
