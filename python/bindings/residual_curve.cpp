// SPDX-License-Identifier: Apache-2.0
#include "loewner/sketch/residual_curve.hpp"

#include <nanobind/stl/optional.h>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "loewner/linalg/composed_operators.hpp"
#include "loewner/linalg/matrix_operator.hpp"
#include "loewner/sketch/bilinear_sketch.hpp"
#include "loewner/sketch/residual_probe.hpp"
#include "loewner/sketch/vector_residual_sketch.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

void bind_bilinear_sketch(nb::module_& m) {
  const ResidualOptions defaults;
  nb::class_<BilinearSketch>(m, "BilinearSketch",
                             "What estimate_residuals needs to know of a matrix, for one that arrives as blocks of "
                             "rows or single changes, or at\n"
                             "several places.")
      .def(
          "__init__",
          [](BilinearSketch* self, Index rows, Index cols, Index max_rank, Index sketch_size, Index nonzeros,
             Index repetitions, std::uint64_t seed) {
            new (self) BilinearSketch(rows, cols, {max_rank, sketch_size, nonzeros, repetitions, seed});
          },
          "rows"_a, "cols"_a, "max_rank"_a, nb::kw_only(), "sketch_size"_a = defaults.sketch_size,
          "nonzeros"_a = defaults.nonzeros, "repetitions"_a = defaults.repetitions, "seed"_a = defaults.seed)
      .def("update", &BilinearSketch::update, "i"_a, "j"_a, "change"_a, "a_ij += change")
      .def(
          "add_block",
          [](BilinearSketch& s, Index first_row, const RealMatrixArg& block) {
            with_rows(block, [&](const RowMatrix& rows) { interruptible([&] { s.add_block(first_row, rows); }); });
          },
          "first_row"_a, "block"_a.noconvert(), "Adds the block to the rows first_row, first_row + 1, ...")
      .def("merge", &BilinearSketch::merge, "other"_a, "Adds the other sketch's matrix; options must be the same.")
      .def(
          "curve", [](const BilinearSketch& s, std::optional<double> norm) { return s.curve(norm); },
          "frobenius_norm"_a = nb::none(), "frobenius_norm: of the matrix, if it is known; else estimated too.");
}

void bind_vector_sketch(nb::module_& m) {
  const VectorResidualOptions defaults;
  nb::class_<VectorResidualSketch>(
      m, "VectorResidualSketch",
      "Estimates of ||x - x_k||_p, x_k the best k-sparse approximation, p > 2, of a long x that arrives as changes.")
      .def(
          "__init__",
          [](VectorResidualSketch* self, Index size, Index max_terms, double norm_exponent, std::uint64_t seed) {
            new (self) VectorResidualSketch(size, {max_terms, norm_exponent, seed});
          },
          "size"_a, "max_terms"_a, nb::kw_only(), "norm_exponent"_a = defaults.norm_exponent, "seed"_a = defaults.seed)
      .def("update", &VectorResidualSketch::update, "i"_a, "change"_a, "x_i += change")
      .def("merge", &VectorResidualSketch::merge, "other"_a, "Adds the other sketch's vector.")
      .def(
          "estimate",
          [](const VectorResidualSketch& s, Index num_terms) {
            return interruptible([&] { return s.estimate(num_terms); });
          },
          "num_terms"_a, "||x - x_k||_p for k = num_terms.");
}

}  // namespace

void bind_residual_curve(nb::module_& m) {
  nb::class_<ResidualCurve> curve(m, "ResidualCurve");
  curve.def_ro("frobenius_norm", &ResidualCurve::frobenius_norm);
  def_array(curve, "residual", &ResidualCurve::residual, "||A - A_k||_F for k = 0 ... max_rank, estimated");
  def_array(curve, "standard_deviations", &ResidualCurve::standard_deviations,
            "of one sketch's estimates over the repetitions");
  curve.def_ro("sketch_size", &ResidualCurve::sketch_size);

  const ResidualOptions defaults;
  m.def(
      "estimate_residuals",
      [](const RealMatrixArg& a, Index max_rank, Index sketch_size, Index nonzeros, Index repetitions,
         std::uint64_t seed, bool correct_bias) {
        const ResidualOptions options{max_rank, sketch_size, nonzeros, repetitions, seed, correct_bias};
        return with_rows(
            a, [&](const RowMatrix& rows) { return interruptible([&] { return estimate_residuals(rows, options); }); });
      },
      "a"_a.noconvert(), "max_rank"_a, nb::kw_only(), "sketch_size"_a = defaults.sketch_size,
      "nonzeros"_a = defaults.nonzeros, "repetitions"_a = defaults.repetitions, "seed"_a = defaults.seed,
      "correct_bias"_a = defaults.correct_bias,
      "The least error ||A - B||_F of every rank up to max_rank, estimated from one small sketch in one pass.\n\n"
      "sketch_size: m, at least 2 max_rank, 0 for max(64, 5 max_rank); repetitions: 3 for error bars; correct_bias: "
      "for what\n"
      "the leading directions of a sketch take from the others, without which the estimates are too low.");

  nb::class_<ProbedNorm>(m, "ProbedNorm")
      .def_ro("norm", &ProbedNorm::norm)
      .def_ro("standard_error", &ProbedNorm::standard_error);
  m.def(
      "probe_residual",
      [](const RealMatrixArg& a, const MatrixArg<double>& u, const MatrixArg<double>& v, Index probes,
         std::uint64_t seed) {
        const auto left = view_of(u), right = view_of(v);
        return with_rows(a, [&](const RowMatrix& rows) {
          return interruptible([&] {
            const MatrixOperator matrix(rows);
            return probe_frobenius_norm(ResidualOperator(matrix, left, right), probes, seed);
          });
        });
      },
      "a"_a.noconvert(), "u"_a.noconvert(), "v"_a.noconvert(), nb::kw_only(), "probes"_a = 16, "seed"_a = 0,
      "An estimate of ||A - U V^T||_F with its standard error, from products with Gaussian vectors.\n\n"
      "a: n x d; u: n x k; v: d x k.");
  bind_bilinear_sketch(m);
  bind_vector_sketch(m);
}

}  // namespace loewner::python
