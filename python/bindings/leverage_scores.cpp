// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/leverage_scores.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"

namespace loewner::python {

using namespace nb::literals;

void bind_leverage_scores(nb::module_& m) {
  nb::enum_<LeverageMethod>(m, "LeverageMethod", "How leverage scores are computed.")
      .value("exact", LeverageMethod::exact, "to rounding")
      .value("sketched", LeverageMethod::sketched, "within a small factor, faster for many columns");

  nb::class_<LeverageScores> result(m, "LeverageScores");
  def_array(result, "scores", &LeverageScores::scores, "n values in [0, 1]");
  result.def_ro("rank", &LeverageScores::rank, "numerical rank of A; the exact scores add up to it");

  const LeverageOptions defaults;
  m.def(
      "leverage_scores",
      [](const RealMatrixArg& a, LeverageMethod method, Index sketch_rows, Index projections, std::uint64_t seed) {
        const LeverageOptions options{method, sketch_rows, projections, seed};
        return with_rows(
            a, [&](const RowMatrix& rows) { return interruptible([&] { return leverage_scores(rows, options); }); });
      },
      "a"_a.noconvert(), nb::kw_only(), "method"_a = defaults.method, "sketch_rows"_a = defaults.sketch_rows,
      "projections"_a = defaults.projections, "seed"_a = defaults.seed,
      "The leverage scores l_i = max_x |a_i^T x|^2 / ||A x||^2 of the rows of A, of any shape and rank.\n\n"
      "sketch_rows: at least d, 0 for 4 d; projections: Gaussian vectors that the sketched method measures rows with.");
}

}  // namespace loewner::python
