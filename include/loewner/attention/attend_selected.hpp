// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner {

struct SelectedAttention {
  Matrix<float> output;               ///< n_q x d_v
  std::vector<double> captured_mass;  ///< by query: share of all keys' weights that the selected ones have
};

/// Attention of some keys only:  output_i = sum over j in U of  w_ij v_j.
///
/// power p    w_ij = |<q_i, k_j>|^p / sum over all l of |<q_i, k_l>|^p: the denominator is that of all keys, so what is
///            missing is the weights that were left out, at most certified_eps each.
/// softmax    (no power) w_ij = exp(s <q_i, k_j>) / sum over l in U, s = scale: renormalised over the selected keys.
///
/// Shapes    queries: n_q x d, keys: n x d, values: n x d_v, indices: in [0, n), each once.
/// Method    even p with few enough features: denominators from the Gram matrix, phi(q)^T G phi(q); others, and
///           softmax's captured mass, from all products.
/// Cost      2 n_q |U| (d + d_v) flops and 2 n_q D^2, or 2 n_q n d for all products; n D^2 for the Gram matrix.
/// Accuracy  weights in float64, outputs rounded to float32. A query that all keys are orthogonal to has weights 0.
/// Random    none; the same bits for any number of threads.
/// Errors    InvalidArgument on shapes that do not fit, a power below 1, an index out of range or a non-finite entry.
SelectedAttention attend_selected(MatrixView<const float> queries, MatrixView<const float> keys,
                                  MatrixView<const float> values, std::span<const Index> indices,
                                  std::optional<double> power, double scale = 1);

}  // namespace loewner
