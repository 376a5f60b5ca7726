// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner {

/// Exactly one of eps and max_keys must be given.
struct HeavyKeyOptions {
  double power = 2;               ///< p >= 1, finite: weights are |<q, k>|^p over their sum
  std::optional<double> eps;      ///< keeps every key with a score of at least eps, in (0, 1]
  std::optional<Index> max_keys;  ///< keeps the max_keys keys of highest score, >= 0
  Index protect_first = 0;        ///< this many first keys are always kept
  Index protect_last = 0;         ///< this many last keys are always kept
  double ridge = 0;               ///< added to the diagonal of the Gram matrix, >= 0; even p only
  /// Subtracts the mean key first, a heuristic for softmax; scores then bound no |x|^p weight.
  bool center = false;
};

struct HeavyKeys {
  std::vector<Index> indices;  ///< of the kept keys, ascending
  std::vector<double> scores;  ///< n values in [0, 1]; no query gives key j a larger weight
  Index rank = 0;              ///< numerical rank of the keys; even p > 2: of their features
  double certified_eps = 0;    ///< largest score of a dropped key: larger weights are all kept
};

/// Selects the keys that can have a large attention weight |<q, k_j>|^p / sum_l |<q, k_l>|^p for
/// some query q: those whose sensitivity  sup_q |<q, k_j>|^p / sum_l |<q, k_l>|^p  is at least eps,
/// or the max_keys largest [KannanBhattacharyyaKachamWoodruff2025].
///
/// Shapes    keys: n x d, any n, d and rank.
/// Units     none; scores depend neither on the scale of the keys nor (p = 2) on a change of basis.
/// Method    scores bound the sensitivities. p = 2: leverage scores, which are equal to them.
///           p = 2 r with D = C(d + r - 1, r) <= 4096: leverage scores of the symmetric powers,
///           since <k, q>^r = <phi(k), phi(q)>. Other p: (k^T Q^+ k)^(p/2) times
///           alpha^|1 - p/2| (p <= 2) or omega^|1 - p/2| (p > 2), with the Q and the distortion of
///           the Lewis weights; a valid bound for any weights. Columns are scaled to comparable
///           size first.
/// Cost      even p: 3 n D^2 flops. Other p: as lewis_weights.
/// Accuracy  p = 2: exact to rounding; at most rank / eps keys. Other even p: an upper bound; at
///           most D / eps keys. Other p: an upper bound. Scores within a relative 1e-9 below eps
///           are kept. Directions below 1e-6 of the largest, after scaling of the columns, are
///           treated as rank deficiency. Softmax weights are not bounded: they grow with the length
///           of the query.
/// Random    none; the same bits for any number of threads; of equal scores the first keys are
///           taken.
/// Errors    InvalidArgument unless exactly one of eps and max_keys is given, on an option out of
///           range, a ridge with p that is not even, or a non-finite entry (row and column named).
HeavyKeys select_heavy_keys(MatrixView<const float> keys, const HeavyKeyOptions& options);

/// The Gram matrix  sum_j phi(k_j) phi(k_j)^T  of the features of the keys, for keys that are
/// stored in several parts: sum the matrices of all parts, then call select_heavy_keys_in for each
/// part.
///
/// Shapes    keys: m x d; result: D x D, upper triangle.
/// Method    phi is the symmetric power of degree power / 2, as in select_heavy_keys.
/// Cost      m D^2 flops; the parts exchange D^2 numbers.
/// Accuracy  float64 rounding.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument unless power is even and D <= 4096, on a non-finite entry, or if
///           powers of the keys leave float64.
Matrix<double> heavy_key_gram(MatrixView<const float> keys, double power = 2);

/// The heavy keys of one part, given the sum of heavy_key_gram over all parts. Together the parts
/// give the keys that select_heavy_keys returns for all keys, if options.eps is given.
///
/// Shapes    part: m x d; gram: D x D, upper triangle; indices and scores of the result refer to
///           the part.
/// Method    as select_heavy_keys for even p; options.center is ignored.
/// Cost      2 m D^2 + O(D^3) flops.
/// Accuracy  as select_heavy_keys.
/// Random    none; the same bits for any number of threads.
/// Errors    as select_heavy_keys; InvalidArgument also if gram is not D x D or has underflowed.
HeavyKeys select_heavy_keys_in(MatrixView<const float> part, const Matrix<double>& gram,
                               const HeavyKeyOptions& options);

}  // namespace loewner
