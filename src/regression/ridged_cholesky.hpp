// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// The Cholesky factor R of  G + ridge I = R^T R,  G positive semidefinite.
///
/// Shapes    gram: r x r, its upper triangle is read; R: r x r, upper triangular.
/// Method    the ridge starts at 1e-14 trace(G) and grows tenfold until the factorization succeeds.
/// Errors    none: returns the identity for a matrix with a non-finite trace.
Matrix<double> ridged_cholesky(const Matrix<double>& gram);

}  // namespace loewner::detail
