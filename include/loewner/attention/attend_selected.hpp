// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner {

struct SelectedAttention {
  Matrix<float> output;               ///< n_q x d_v
  std::vector<double> captured_mass;  ///< n_q; share of the selected keys in all weights of a query
};

/// Attention over the selected keys only:  output_i = sum over j in U of  w_ij v_j.
///
/// power p    w_ij = |<q_i, k_j>|^p / sum over all keys l of |<q_i, k_l>|^p. The denominator is
///            that of full attention, so the output lacks only the terms of the keys outside U;
///            after select_heavy_keys each of their weights is at most certified_eps.
/// softmax    without a power: w_ij = exp(s <q_i, k_j>) / sum over l in U of exp(s <q_i, k_l>),
///            s = scale.
///
/// Shapes    queries: n_q x d; keys: n x d; values: n x d_v; indices (U): in [0, n), distinct.
/// Units     none with a power: weights depend neither on the length of a query nor on the scale of
///           all keys. Powers that would leave float64 are relative to the largest inner product of
///           the query, or to the largest entries.
/// Method    even p with a symmetric power of at most D = 4096 dimensions: denominators
///           phi(q)^T G phi(q) from the Gram matrix G of the features. Otherwise, and for the
///           captured mass of softmax, from all products <q_i, k_j>.
/// Cost      2 n_q |U| (d + d_v) flops, plus n D^2 + 2 n_q D^2 for the denominators or 2 n_q n d
///           for all products.
/// Accuracy  weights in float64; outputs are rounded to float32. All weights of a query are 0 if it
///           is orthogonal to all keys.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on shapes that do not match, a power below 1, a scale that is not
///           finite, an index out of range, or a non-finite entry.
SelectedAttention attend_selected(MatrixView<const float> queries, MatrixView<const float> keys,
                                  MatrixView<const float> values, std::span<const Index> indices,
                                  std::optional<double> power, double scale = 1);

}  // namespace loewner
