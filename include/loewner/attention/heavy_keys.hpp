// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner {

struct HeavyKeyOptions {
  double power = 2;               ///< p >= 1, finite: attention weights are |<q, k>|^p over their sum
  std::optional<double> eps;      ///< in (0, 1]: keep every key that may have a weight of eps; this or max_keys
  std::optional<Index> max_keys;  ///< keep as many of the highest scores
  Index protect_first = 0;        ///< keys that are kept whatever their scores
  Index protect_last = 0;
  double ridge = 0;     ///< >= 0, added to the diagonal of the Gram matrix; even p only
  bool center = false;  ///< subtract the mean key first: a heuristic for softmax, no |x|^p weight is bounded then
};

struct HeavyKeys {
  std::vector<Index> indices;  ///< kept, ascending
  std::vector<double> scores;  ///< n values in [0, 1]: no query gives key j a larger weight than scores[j]
  Index rank = 0;              ///< numerical rank of the keys, for even p > 2 of their symmetric powers
  double certified_eps = 0;    ///< the largest score of a key not kept: every larger weight of any query is kept
};

/// The keys that matter for attention with weights |<q, k_j>|^p / sum_l |<q, k_l>|^p, for every query q at once
/// [KannanBhattacharyyaKachamWoodruff2025]: a weight of eps takes a sensitivity sup_q of at least eps, and
/// sensitivities add up to few.
///
/// Shapes    keys: n x d, any n, d and rank.
/// Units     none; scores do not depend on the scale of the keys, nor (p = 2) on a change of basis.
/// Method    p = 2: the leverage score is the sensitivity. p = 2 r with C(d + r - 1, r) <= 4096: leverage scores of the
///           symmetric powers, since <k, q>^r = <phi(k), phi(q)>. Other p: with Lewis weights' Q and distortion, (k^T
///           Q^+ k)^(p/2) times alpha^|1 - p/2| (p <= 2) or omega^|1 - p/2|, valid for any weights. Columns are brought
///           to one size first.
/// Cost      even p: 3 n D^2 flops, D the dimension of the features; others: that of lewis_weights.
/// Accuracy  p = 2: exact to rounding, and |kept| <= rank / eps. Even p: at most D / eps. Other p: an upper bound of
///           the sensitivity. Scores within 1e-9 below eps are kept. Directions below 1e-6 of the largest, after
///           scaling of the columns, count as rank deficiency. Nothing of this bounds softmax weights, which grow with
///           the length of a query.
/// Random    none; the same bits for any number of threads; equal scores are taken in order of their index.
/// Errors    InvalidArgument unless exactly one of eps and max_keys is given, on p < 1, eps out of (0, 1], negative
///           counts or ridge, a ridge where p is not even, or a non-finite entry (row and column named).
HeavyKeys select_heavy_keys(MatrixView<const float> keys, const HeavyKeyOptions& options);

/// For keys that lie in several places: the matrices of all parts, added up, and select_heavy_keys_in of each part give
/// what select_heavy_keys gives of all keys together, in two rounds of D^2 numbers a part.
///
/// Shapes    keys: m x d; result: D x D, the upper triangle of sum_j phi(k_j) phi(k_j)^T.
/// Errors    InvalidArgument unless power is even and D <= 4096.
Matrix<double> heavy_key_gram(MatrixView<const float> keys, double power = 2);

/// The heavy keys of a part (m x d), given the sum of heavy_key_gram over all parts. options: eps, power and ridge
/// count.
HeavyKeys select_heavy_keys_in(MatrixView<const float> part, const Matrix<double>& gram,
                               const HeavyKeyOptions& options);

}  // namespace loewner
