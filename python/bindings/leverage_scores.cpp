// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/leverage_scores.hpp"

#include "bindings.hpp"
#include "choice.hpp"
#include "inputs.hpp"
#include "interruptible.hpp"
#include "results.hpp"

namespace loewner::python {

template <>
struct ChoiceWords<LeverageMethod> {
  static constexpr auto text = nb::detail::const_name("'exact', 'sketched'");
};

namespace {

using namespace nb::literals;

constexpr const char* kLeverageScoresDoc = R"(Compute the leverage scores of the rows of a matrix.

The score of row i is l_i = max_x |a_i^T x|^2 / ||A x||^2, its largest share of ||A x||^2.

Parameters
----------
a : array_like or sparse matrix of shape (n, d)
    The matrix, of any shape and rank.
method : {'exact', 'sketched'}
    'exact' is exact to rounding; 'sketched' is within a small factor and faster for many columns.
sketch_rows : int
    Rows of the sketch, at least d; 0 for 4 d.
projections : int
    Gaussian vectors that method 'sketched' measures rows with.
seed : int
    Seed of the sketch. Exact scores depend on it by rounding only.

Returns
-------
LeverageScores
    The scores and the numerical rank.

Raises
------
ValueError
    If an option is out of range or an entry is not finite (the message names its row and column).

Notes
-----
Cost: 5 n d^2 flops for 'exact'; 2 n d projections flops for 'sketched' [1]_. Directions below d eps of
the largest count as rank deficiency. Results have the same bits for any number of threads.

References
----------
.. [1] P. Drineas, M. Magdon-Ismail, M. W. Mahoney and D. P. Woodruff, "Fast approximation of matrix
   coherence and statistical leverage", JMLR 13, 2012.

Examples
--------
>>> from loewner.sketch import leverage_scores
>>> leverage_scores([[1.0, 0.0], [0.0, 2.0], [0.0, 2.0]]).scores.round(6)
array([1. , 0.5, 0.5])
)";

}  // namespace

void bind_leverage_scores(nb::module_& m) {
  bind_choice<LeverageMethod>(
      m, "LeverageMethod", "How `leverage_scores` computes the scores.",
      {{"exact", LeverageMethod::exact, "Exact to rounding."},
       {"sketched", LeverageMethod::sketched, "Within a small factor, faster for many columns."}});
  bind_result<LeverageScores>(
      m, "LeverageScores", "Leverage scores of the rows of a matrix A.",
      field("scores", &LeverageScores::scores, "(n,) Scores in [0, 1]."),
      field("rank", &LeverageScores::rank, "Numerical rank of A; the exact scores add up to it."));

  const LeverageOptions defaults;
  m.def(
      "leverage_scores",
      [](const MatrixLike& a, const Choice<LeverageMethod>& method, Index sketch_rows, Index projections,
         std::uint64_t seed) {
        const LeverageOptions options{chosen(method, "method"), sketch_rows, projections, seed};
        return with_rows(
            a, [&](const RowMatrix& rows) { return interruptible([&] { return leverage_scores(rows, options); }); });
      },
      "a"_a, nb::kw_only(), "method"_a = word_of(defaults.method), "sketch_rows"_a = defaults.sketch_rows,
      "projections"_a = defaults.projections, "seed"_a = defaults.seed, kLeverageScoresDoc);
}

}  // namespace loewner::python
