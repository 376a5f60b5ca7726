// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

/// For each row of A about how large its share  M(a_i^T x) / sum_k M(a_k^T x)  can be at any x, for every loss M that
/// increases with |r| and grows at most like |r|^p: Huber's and Tukey's for p = 2.
///
/// Shapes    a: n x d; n values in (0, 1], 0 for rows of zeros.
/// Method    rows are hashed into 2^l buckets, l = 0, 1, ..., log2 n, four times each; a row whose share of the l_p
///           norm in its bucket can be 1/4, by Lewis weights of the bucket, gets at least 2^-l
///           [MuscoMuscoWoodruffYasuda2022]. A row of share s at some x has at most 1/s larger rows, from which small
///           buckets keep it apart, and among smaller rows a share of M is a share of the l_p norm.
/// Cost      Lewis weights of the whole matrix 4 log2 n times.
/// Accuracy  constants are those that experiments bear out, not proved: of 6000 aimed and random x per problem no row's
///           share exceeded its value (test LossSensitivities.AreAboveTheSharesOfHuberLosses).
/// Random    seed. The same bits for any number of threads.
/// Errors    InvalidArgument on p < 1, infinite or NaN, or a non-finite entry (row and column named).
std::vector<double> loss_sensitivities(const RowMatrix& a, double growth_exponent, std::uint64_t seed = 0);

}  // namespace loewner
