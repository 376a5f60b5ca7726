// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/status.hpp"
#include "loewner/linalg/row_matrix.hpp"

namespace loewner {

struct LpRegressionOptions {
  double norm_exponent = 1;               ///< p >= 1; infinity: the largest residual
  std::span<const double> row_weights{};  ///< u: n values >= 0, or empty for all ones
  double tolerance = 1e-9;                ///< of the duality gap, relative to the objective
  int max_iterations = 500;               ///< per right-hand side: Newton or interior point steps, exchanges of rows
};

struct HuberRegressionOptions {
  double scale = 1;                       ///< c > 0: residuals beyond count linearly
  std::span<const double> row_weights{};  ///< u: n values >= 0, or empty for all ones
  double tolerance = 1e-9;                ///< of the duality gap, relative to the objective
  int max_iterations = 500;               ///< Newton steps per right-hand side
};

/// Regressions on one design, one per column of B, each with the proof of how good it is.
struct RobustRegression {
  Matrix<double> x;                  // d x t
  std::vector<double> objectives;    // t: recomputed from x and A
  std::vector<double> lower_bounds;  // t: no x has a smaller objective, up to rounding
  std::vector<Status> statuses;      // t
  Index rank = 0;                    // numerical rank of the rows of A with weight
  int iterations = 0;                // the most that a column took

  /// All columns converged.
  bool converged() const;
};

/// min over x of  (sum_i u_i |a_i^T x - b_ij|^p)^(1/p),  for p = infinity  max_i u_i |a_i^T x - b_ij|,  for every
/// column j of B.
///
/// Shapes    a: n x d, any n, d and rank; b: n x t. Where the minimisers are many, one of them: for rank(A) < d and a
///           unique A x that of least norm in columns scaled to entries of at most 1.
/// Units     objectives: those of b, times those of u^(1/p).
/// Method    in orthonormal coordinates of the design, which all columns share. 1 < p < infinity: Newton steps with
///           line search on columns side by side, a shrinking smoothing for p < 2, exponents between 4 and p on the way
///           to p > 4; systems by conjugate gradients where these are fast, else by Cholesky factorisation. p = 1: an
///           interior point method [PortnoyKoenker1997], for tall designs on the rows whose sign a sample leaves open,
///           then exchanges of rows until the vertex is optimal [BarrodaleRoberts1973]. p = infinity: exchanges of rows
///           of a reference [Stiefel1959]. Lower bounds: the residuals' dual vector, projected to the orthogonal
///           complement of the design.
/// Cost      5 n d^2 flops for the design; per column some 10 to 30 steps of n d^2 flops, fewer flops where conjugate
///           gradients serve; p = infinity: some passes, and exchanges of d^2 flops, a few per column of A. Memory 2 n
///           d doubles and up to 2^23 per thread.
/// Accuracy  status converged: (objective - lower bound) <= tolerance objective, or all residuals below 1e-12 of the
///           largest entry of the column: an exact fit. p = 1 with a tolerance below 1e-4, and infinity: a vertex,
///           optimal to rounding, unless rows depend on each other so nearly (sines below 1e-7) that none can be
///           computed; the gap tells. Directions of A below d eps64 of the largest, after scaling of the columns, count
///           as rank deficiency.
/// Random    none; the same bits for any number of threads. Columns are solved in blocks, so rounding may differ with
///           the columns beside.
/// Errors    InvalidArgument on p < 1 or NaN, bad row weights, tolerance or limit, another number of rows in b, or a
///           non-finite entry (row and column named).
RobustRegression lp_regression(const RowMatrix& a, MatrixView<const double> b, const LpRegressionOptions& options = {});

/// min over x of  sum_i u_i rho(a_i^T x - b_ij),  rho(r) = r^2/2 for |r| <= c, c (|r| - c/2) beyond: the Huber loss,
/// for every column j of B.
///
/// Units     c: those of b. objectives: those of b squared.
/// Method, Cost, Accuracy, Random, Errors    as lp_regression for p = 2; InvalidArgument unless c > 0 is finite.
RobustRegression huber_regression(const RowMatrix& a, MatrixView<const double> b,
                                  const HuberRegressionOptions& options = {});

}  // namespace loewner
