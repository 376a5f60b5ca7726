// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/plan/encode.hpp"

// Low-rank encodings of a layer with moments H of its inputs: those of A = T U^T, where
// H + lambda I = U^T U and T are the corrected_weights(), mapped back by U^-T. The row space of the
// approximation of A has the leading right singular vectors (svd), or those of the l_p
// factorization (lp).
namespace loewner {

/// Relative squared errors of the outputs at each rank.
///
/// Cost      that of truncated_svd with all directions, or of lp_factorization; 8 d^3 flops more.
std::vector<Candidate> output_low_rank_curve(const EncodeRequest& request, Method method);

/// Errors    those of rank_within_bytes() and rank_within_error().
Encoding encode_output_low_rank(const EncodeRequest& request, Method method);

}  // namespace loewner
