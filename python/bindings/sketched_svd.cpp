// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/sketched_svd.hpp"

#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/linalg/block_krylov.hpp"
#include "operators.hpp"

namespace loewner::python {

using namespace nb::literals;

void bind_sketched_svd(nb::module_& m) {
  const SketchedSvdOptions defaults;
  m.def(
      "sketched_svd",
      [](const OperatorArg& a, Index rank, double eps, Index rows, Index steps, std::uint64_t seed) {
        const SketchedSvdOptions options{.rank = rank, .eps = eps, .rows = rows, .steps = steps, .seed = seed};
        return with_rows_or_operator(a, [&]<typename Matrix>(const Matrix& matrix) {
          return interruptible([&] {
            if constexpr (std::is_same_v<Matrix, RowMatrix>) {
              return sketched_svd(matrix, options);
            } else {
              return block_krylov(matrix, {.rank = rank, .eps = eps, .steps = steps, .seed = seed});
            }
          });
        });
      },
      "a"_a.noconvert(), "rank"_a, nb::kw_only(), "eps"_a = defaults.eps, "rows"_a = defaults.rows,
      "steps"_a = defaults.steps, "seed"_a = defaults.seed,
      "Finds V (d x k) with orthonormal columns and  ||A - A V V^T||_F <= (1 + eps) min_B ||A - B||_F, B of rank k, "
      "in\n"
      "two reads of a tall A where that is enough.\n\n"
      "Shapes    as in block_krylov.\n"
      "Method    the leading right singular vectors of a sketch S A of `rows` rows (0: 3 rank / eps). "
      "They\n"
      "          are taken when their error is within eps of what the sketch itself leaves over; else they are where\n"
      "          block_krylov starts. Where A has fewer than 4 times as many rows, and for sparse matrices, float64 "
      "and\n"
      "          operators, block_krylov does all. steps: 0, or exactly so many of block_krylov on the sketch, whose\n"
      "          vectors are then taken as they are (excess_estimate: infinite).\n"
      "Cost      n d additions, 2 n d k flops and block_krylov of the sketch; memory 8 rows d and 16 (n + d) k bytes.\n"
      "Accuracy  the excess is about k / (2 rows); excess_estimate is some 2 to 4 times the true one.\n"
      "Random    the same bits for the same seed and any number of threads.\n"
      "Errors    as in block_krylov.");
}

}  // namespace loewner::python
