// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loewner/sketch/energy_sample.hpp"

namespace loewner {

/// Estimates the singular values of sqrt(W) A from a sample of its rows.
///
/// Shapes    sample: t x d of sample_rows_by_energy; energy: sum_i w_i ||a_i||^2; result: `count`
///           values, descending, whose squares add up to the energy; count = min(n, d).
/// Method    The eigenvalues l_i of the sample's Gram matrix are spread too widely, by the
///           Marchenko-Pastur law. The estimate l_i / |1 - c sum_{j != i} l_j / (l_j - l_i)|, a
///           little off the real axis, with c = 1/t reduced for a finite population, takes the
///           spread back: it is right for single large values [BaikSilverstein2006] and lies
///           between the sample's variance and that along its eigenvectors [LedoitPeche2011]
///           elsewhere. It gives the first t/4 values; the others follow a power law in their index
///           that makes the sum right.
/// Cost      t d min(t, d) + 4/3 min(t, d)^3 flops.
/// Accuracy  sqrt(sum_{i > k} sigma_i^2) from some 500 rows or more: within 8 % for k <= t/8, 10 %
///           for k = t/4 and 15 % for k = d/2 on spectra that fall no faster than 1/i (statistical
///           test SampledSingularValues.*). For steeper spectra the values are too low once less
///           than a tenth of A remains. Exact up to rounding when no row is missing.
/// Random    none beyond the sample.
/// Errors    InvalidArgument when LAPACK does not converge.
std::vector<double> sampled_singular_values(const EnergySample& sample, double energy, Index count);

}  // namespace loewner
