// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/plan/encode.hpp"

// Ranks and bytes of the methods that factor a matrix.
namespace loewner {

Index full_rank(const EncodeRequest& request);
Index bytes_at_rank(const EncodeRequest& request, Index rank);

/// Whether the factors are smaller than the matrix, both as it is stored and in the factor format.
bool saves_bytes(const EncodeRequest& request, Index rank);

/// The largest rank within request.max_bytes.
///
/// Errors    BudgetError if there is none, or if it saves no bytes.
Index rank_within_bytes(const EncodeRequest& request);

/// The smallest rank k with errors[k] <= request.max_error, for errors at rank 0, 1, ...; the largest
/// rank if there is none.
///
/// Errors    BudgetError if it saves no bytes.
Index rank_within_error(const EncodeRequest& request, const std::vector<double>& errors);

/// The candidates of the ranks that save bytes, for relative errors at rank 0, 1, ...
std::vector<Candidate> curve_of_ranks(const EncodeRequest& request, Method method, const std::vector<double>& errors);

}  // namespace loewner
