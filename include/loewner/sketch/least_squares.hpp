// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/status.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

struct LeastSquaresOptions {
  double tolerance = 1e-14;  ///< in (0, 1): backward error of every column, relative to ||A||_F
  int max_iterations = 200;  ///< >= 1: LSQR steps, one pass over A each
  Index sketch_rows = 0;     ///< m >= d; 0: 3 n / d, but at least 4 d and at most 32 d
  Index nonzeros = 0;        ///< s in [1, m] per column of S; 0: default_nonzeros
  std::uint64_t seed = 0;
};

struct LeastSquaresResult {
  Matrix<double> x;                     // d x k
  std::vector<double> residual_norms;   // k: ||A x - b||_2 of each column, recomputed from x
  std::vector<double> backward_errors;  // k: relative to ||A||_F, estimated
  Index rank = 0;                       // numerical rank of A
  FitReport report;                     // objective: ||A X - B||_F; initial: for X = 0
};

/// The X of least norm among the minimizers of ||A X - B||_F.
///
/// Shapes    a: n x d, any n, d and rank; b: n x k; x: d x k.
/// Units     tolerance and backward errors are relative: they do not depend on the scales of A and
///           B. A column of B is divided by a power of two, and so is A if ||A|| is far from 1.
/// Method    sketch and precondition: T from the SVD of a sketch S A makes A T well conditioned
///           [RokhlinTygert2008, AvronMaymounkovToledo2010]. LSQR [PaigeSaunders1982] runs on all
///           columns at once from the solution of the sketched problem, and again on the recomputed
///           residual until the backward error is small, which the sketch estimates
///           [EpperlyMeierNakatsukasa2024].
/// Cost      s nnz(A) additions and O(m d^2) flops for T, then a pass over A and 4 nnz(A) k flops
///           per step. A step reduces the error by a factor sqrt(d/m): about 20 steps at m = 25 d.
///           Memory m d + 3 d^2 + 9 d k + 3 n k doubles.
/// Accuracy  that of a backward stable method for cond(A) up to 1 / (d eps64); smaller directions
///           are treated as rank deficiency (test LeastSquaresOfCondition.IsBackwardStable).
/// Random    the result depends on `seed` within the tolerance only. The same bits for any number
///           of threads.
/// Errors    InvalidArgument on invalid options, another number of rows in b, a non-finite entry
///           (row and column named), or if X, the residual or ||B||_F leaves float64. A missed
///           tolerance is no error: report.status is stalled or max_iterations.
LeastSquaresResult least_squares(const RowMatrix& a, MatrixView<const double> b,
                                 const LeastSquaresOptions& options = {});

}  // namespace loewner
