// SPDX-License-Identifier: Apache-2.0
#include "loewner/attention/heavy_keys.hpp"

#include <nanobind/stl/optional.h>

#include "bindings.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "loewner/attention/attend_selected.hpp"
#include "results.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

constexpr const char* kSelectDoc = R"(Select every key that can have a large attention weight for some query.

The weight of key j for a query q is |<q, k_j>|^power / sum_l |<q, k_l>|^power.

Parameters
----------
keys : array_like of shape (n, d)
    The keys, computed with in float32.
eps : float, optional
    Keeps every key that can have a weight of eps, in (0, 1]. Exactly one of `eps` and `max_keys`.
max_keys : int, optional
    Keeps so many keys with the highest scores.
power : float
    p >= 1, finite.
protect_first, protect_last : int
    Numbers of first and last keys that are kept with any score.
ridge : float
    Added to the diagonal of the Gram matrix, >= 0; even powers only.
center : bool
    Subtracts the mean key first: a heuristic for softmax, without a bound.

Returns
-------
HeavyKeys
    Kept keys, scores and the certified eps.

Raises
------
ValueError
    If an option is out of range or an entry is not finite (the message names its row and column).

Notes
-----
Scores are leverage scores for power 2, exact to rounding, and upper bounds for other powers [1]_. They
do not bound softmax weights. Cost: 3 n d^2 flops for power 2. Results have the same bits for any number of
threads.

References
----------
.. [1] R. Kannan, C. Bhattacharyya, P. Kacham and D. P. Woodruff, "LevAttention: time, space and streaming
   efficient algorithm for heavy attentions", ICLR 2025.

Examples
--------
>>> from loewner.attention import select_heavy_keys
>>> heavy = select_heavy_keys([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0]], eps=0.6)
>>> heavy.indices.tolist(), heavy.scores.round(6).tolist()
([0], [1.0, 0.5, 0.5])
)";

constexpr const char* kAttendDoc = R"(Compute attention over selected keys: output_i = sum_j w_ij v_j.

With a power, w_ij = |<q_i, k_j>|^power over its sum for all keys. Without, w_ij is the softmax of
scale <q_i, k_j> over the selected keys.

Parameters
----------
queries : array_like of shape (n_q, d)
    The queries, computed with in float32.
keys : array_like of shape (n, d)
    All keys.
values : array_like of shape (n, d_v)
    All values.
indices : array_like of shape (m,), int
    The selected keys, each once.
power : float, optional
    p >= 1; None for softmax.
scale : float
    Scale of the softmax.

Returns
-------
SelectedAttention
    The output and the captured mass of each query.

Raises
------
ValueError
    If shapes do not fit, the power is below 1, an index is out of range, or an entry is not finite.

Notes
-----
Polynomial attention over keys such as those that `select_heavy_keys` returns [1]_. Weights are float64. A
query that is orthogonal to all keys has weights 0. Cost: 2 n_q m (d + d_v) flops for the selected keys,
and a Gram matrix or all products for the denominators.

References
----------
.. [1] R. Kannan, C. Bhattacharyya, P. Kacham and D. P. Woodruff, "LevAttention: time, space and streaming
   efficient algorithm for heavy attentions", ICLR 2025.

Examples
--------
>>> from loewner.attention import attend_selected
>>> found = attend_selected([[1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]], [[2.0], [4.0]], [0], power=2)
>>> found.output, found.captured_mass
(array([[1.]], dtype=float32), array([0.5]))
)";

void bind_selection(nb::module_& m) {
  bind_result<HeavyKeys>(
      m, "HeavyKeys", "The keys that can have a large weight for some query.",
      field("indices", &HeavyKeys::indices, "(m,) The kept keys, ascending."),
      field("scores", &HeavyKeys::scores, "(n,) No query gives key j a larger weight than scores[j]."),
      field("rank", &HeavyKeys::rank, "Numerical rank of the keys, or of their symmetric powers."),
      field("certified_eps", &HeavyKeys::certified_eps, "Every larger weight, for any query, belongs to a kept key."));

  const HeavyKeyOptions defaults;
  m.def(
      "select_heavy_keys",
      [](const ArrayLike& keys, std::optional<double> eps, std::optional<Index> max_keys, double power,
         Index protect_first, Index protect_last, double ridge, bool center) {
        const HeavyKeyOptions options{.power = power,
                                      .eps = eps,
                                      .max_keys = max_keys,
                                      .protect_first = protect_first,
                                      .protect_last = protect_last,
                                      .ridge = ridge,
                                      .center = center};
        const auto rows = dense<float>(keys, "keys");
        return interruptible([&] { return select_heavy_keys(rows.view(), options); });
      },
      "keys"_a, nb::kw_only(), "eps"_a = nb::none(), "max_keys"_a = nb::none(), "power"_a = defaults.power,
      "protect_first"_a = defaults.protect_first, "protect_last"_a = defaults.protect_last, "ridge"_a = defaults.ridge,
      "center"_a = defaults.center, kSelectDoc);
}

void bind_attention(nb::module_& m) {
  bind_result<SelectedAttention>(m, "SelectedAttention", "Attention over selected keys.",
                                 field("output", &SelectedAttention::output, "(n_q, d_v) The output."),
                                 field("captured_mass", &SelectedAttention::captured_mass,
                                       "(n_q,) Share of all keys' weights that the selected keys have."));
  m.def(
      "attend_selected",
      [](const ArrayLike& queries, const ArrayLike& keys, const ArrayLike& values, const ArrayLike& indices,
         std::optional<double> power, double scale) {
        const auto q = dense<float>(queries, "queries"), k = dense<float>(keys, "keys"),
                   v = dense<float>(values, "values");
        const auto selected = vector<Index>(indices, "indices");
        return interruptible(
            [&] { return attend_selected(q.view(), k.view(), v.view(), selected.view(), power, scale); });
      },
      "queries"_a, "keys"_a, "values"_a, "indices"_a, nb::kw_only(), "power"_a = nb::none(), "scale"_a = 1.0,
      kAttendDoc);
}

}  // namespace

void bind_heavy_keys(nb::module_& m) {
  bind_selection(m);
  bind_attention(m);
}

}  // namespace loewner::python
