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
  double tolerance = 1e-9;                ///< in [0, 1): of gap / objective
  int max_iterations = 500;               ///< >= 0: steps and exchanges per right-hand side
};

struct HuberRegressionOptions {
  double scale = 1;                       ///< c > 0: the loss of larger residuals is linear
  std::span<const double> row_weights{};  ///< u: n values >= 0, or empty for all ones
  double tolerance = 1e-9;                ///< in [0, 1): of gap / objective
  int max_iterations = 500;               ///< >= 0: Newton steps per right-hand side
};

/// Regressions on one design, one for each column of B, each with a lower bound of its objective.
struct RobustRegression {
  Matrix<double> x;                  ///< d x t
  std::vector<double> objectives;    ///< t: of x and A as they are, at most that of x = 0
  std::vector<double> lower_bounds;  ///< t: no x has a smaller objective; on ranks see there
  std::vector<Status> statuses;      ///< t
  Index rank = 0;                    ///< numerical rank of the rows of A with positive weight
  int iterations = 0;                ///< the largest number over the columns

  /// All columns converged.
  bool converged() const;
};

/// min over x of  (sum_i u_i |a_i^T x - b_ij|^p)^(1/p),  for every column j of B; for p = infinity
/// min over x of  max_i u_i |a_i^T x - b_ij|.
///
/// Shapes    a: n x d, any n, d and rank; b: n x t; x: d x t. If there are several minimizers, x is
///           one of them: for rank(A) < d and a unique A x the one of least norm after the columns
///           of A are scaled to entries of at most 1.
/// Units     objectives: those of b times those of u^(1/p).
/// Method    in orthonormal coordinates of the design, which all columns share.
///           1 < p < infinity: Newton steps with line search on several columns at once, with a
///           decreasing smoothing for p < 2 and a sequence of exponents from 4 to p for p > 4; the
///           systems are solved by conjugate gradients where these converge fast, otherwise by
///           Cholesky factorization.
///           p = 1: an interior point method [PortnoyKoenker1997], for tall designs on the rows
///           whose sign a sample leaves open, then the simplex method until the vertex is optimal
///           [BarrodaleRoberts1973].
///           p = infinity: exchanges of rows of a reference [Stiefel1959].
///           Lower bounds: a dual vector z, projected on the orthogonal complement of the design,
///           by z^T (b - A x) = z^T (b - A x') - z^T A (x - x') with the returned x'. The last term
///           is measured against A itself in twice the working precision, and bounded for all x
///           that are no worse than x'. Columns of A, the weights and b are scaled by powers of
///           two.
/// Cost      5 n d^2 flops for the design, 25 for an ill-conditioned one; per column about 10 to 30
///           steps of n d^2 flops, fewer flops with conjugate gradients; for p = infinity a few
///           passes over A and exchanges of d^2 flops, a few per column of A. A proof takes two
///           passes. Memory 2 n d doubles, 3 n d for a moment with row weights, and up to 2^23
///           per thread.
/// Accuracy  objectives to a few eps64, and never above that of x = 0, which is the answer where x
///           would not be finite. Lower bounds hold for A as given, up to a few eps64 of the bound,
///           for any condition and scale. If the rank is below d they hold for every x of at most
///           500 times the size of the returned one or of b, where sizes are those after the
///           columns of A and b are scaled to entries of at most 1; and they are 0 if more than the
///           rounding of A was dropped. Status converged: objective - lower bound <= tolerance
///           objective, or all residuals are below 1e-12 of the largest entry of the column, an
///           exact fit. The rounding of x alone may leave a larger gap for an ill-conditioned A:
///           status stalled. For p = 1 with a tolerance below 1e-4, and for p = infinity, x is a
///           vertex that is optimal to rounding, unless rows are so nearly dependent (sines below
///           1e-7) that none can be computed; the gap shows it. Directions of A below d eps64 of
///           the largest, after the scaling of the columns, count as rank deficiency.
/// Random    none; the same bits for any number of threads. Columns are solved in blocks, so the
///           rounding of a column may depend on its neighbors.
/// Errors    InvalidArgument on p < 1 or NaN, bad row weights, tolerance or limit, a wrong number
///           of rows in b, a non-finite entry (the message names its row and column), and a column
///           of b whose objective at x = 0 is not finite.
RobustRegression lp_regression(const RowMatrix& a, MatrixView<const double> b, const LpRegressionOptions& options = {});

/// min over x of  sum_i u_i rho(a_i^T x - b_ij),  for every column j of B, where rho is the Huber
/// loss [Huber1964]: rho(r) = r^2/2 for |r| <= c, c (|r| - c/2) beyond.
///
/// Shapes    as lp_regression.
/// Units     c: those of b. objectives: those of b squared.
/// Method    as lp_regression for p = 2 [MadsenNielsen1990].
/// Cost      as lp_regression for 1 < p < infinity.
/// Accuracy  as lp_regression.
/// Random    as lp_regression.
/// Errors    as lp_regression; InvalidArgument unless c is positive and finite.
RobustRegression huber_regression(const RowMatrix& a, MatrixView<const double> b,
                                  const HuberRegressionOptions& options = {});

}  // namespace loewner
