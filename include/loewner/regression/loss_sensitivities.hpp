// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

/// Estimates for each row of A the sensitivity  max over x of  M(a_i^T x) / sum_k M(a_k^T x),  for
/// every loss M that increases with |r| and grows at most like |r|^p: Huber's and Tukey's losses
/// for p = 2.
///
/// Shapes    a: n x d; result: n values in (0, 1], 0 for rows of zeros.
/// Method    for l = 0, 1, ..., log2 n, hashes the rows into 2^l buckets, four times each. A row
///           whose share of the l_p norm in its bucket can be 1/4, by the Lewis weights of the
///           bucket, gets at least 2^-l [MuscoMuscoWoodruffYasuda2022]. The reason: a row with
///           share s at some x has at most 1/s larger rows, from which small buckets separate it,
///           and among smaller rows its share of M is at most its share of the l_p norm.
/// Cost      4 log2 n times that of the Lewis weights of the whole matrix.
/// Accuracy  the constants come from experiments and are not proved: for 6000 random and
///           adversarial x per problem no share exceeds the estimate (test
///           LossSensitivities.AreAboveTheSharesOfHuberLosses).
/// Random    seed. The same bits for any number of threads.
/// Errors    InvalidArgument on p < 1, infinite or NaN, and on a non-finite entry (the message
///           names its row and column).
std::vector<double> loss_sensitivities(const RowMatrix& a, double growth_exponent, std::uint64_t seed = 0);

}  // namespace loewner
