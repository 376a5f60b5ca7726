// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/least_squares.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"

namespace loewner::python {

using namespace nb::literals;

void bind_least_squares(nb::module_& m) {
  nb::class_<LeastSquaresResult> result(m, "LeastSquares");
  def_array(result, "x", &LeastSquaresResult::x, "d x k");
  def_array(result, "residual_norms", &LeastSquaresResult::residual_norms, "||A x - b|| of each column");
  def_array(result, "backward_errors", &LeastSquaresResult::backward_errors, "relative to ||A||_F, estimated");
  result.def_ro("rank", &LeastSquaresResult::rank, "numerical rank of A").def_ro("report", &LeastSquaresResult::report);

  const LeastSquaresOptions defaults;
  m.def(
      "least_squares",
      [](const RealMatrixArg& a, const TargetsArg& b, double tolerance, int max_iterations, Index sketch_rows,
         Index nonzeros, std::uint64_t seed) {
        const LeastSquaresOptions options{tolerance, max_iterations, sketch_rows, nonzeros, seed};
        const auto right = view_of(b);
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] { return least_squares(rows, right, options); });
        });
      },
      "a"_a.noconvert(), "b"_a, nb::kw_only(), "tolerance"_a = defaults.tolerance,
      "max_iterations"_a = defaults.max_iterations, "sketch_rows"_a = defaults.sketch_rows,
      "nonzeros"_a = defaults.nonzeros, "seed"_a = defaults.seed,
      "The X of least norm among those that minimise ||A X - B||_F, by LSQR on a matrix that a sketch has made well\n"
      "conditioned: as accurate as a QR factorisation, and faster for tall A.\n\n"
      "a: n x d; b: n x k or n values; tolerance: backward error relative to ||A||_F; sketch_rows: at least d, 0 for 3 "
      "n / d "
      "between\n"
      "4 d and 32 d. The same bits for any number of threads.");
}

}  // namespace loewner::python
