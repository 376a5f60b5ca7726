// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/random.hpp"

namespace loewner::detail {

/// Orders rows by a tree of medians, so that rows with close coordinates have close places: the
/// halves on the two sides of the median of the coordinate with the largest variance, and so on
/// within each half.
///
/// Cost      n d log n flops for n rows with d coordinates.
void order_by_medians(MatrixView<const double> coordinates, std::span<Index> rows);

/// A sample of rows, each with its given probability, by the pivotal method
/// [ShimizuChengMuscoWeare2024]: rows that are neighbors in the order compete, so the sample is
/// spread over the order.
///
/// Shapes    probabilities: n values in [0, 1]; order: the rows with a positive probability;
///           result: ascending.
/// Accuracy  the size of the sample is the sum of the probabilities, rounded up or down.
std::vector<Index> pivotal_sample(std::vector<double> probabilities, std::span<const Index> order, RandomStream random);

}  // namespace loewner::detail
