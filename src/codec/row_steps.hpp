// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/codec/code_ladder.hpp"

namespace loewner::detail {

/// The energy of each band of each row, times the weight of the row: rows x bands.
Matrix<double> band_energies(const RowSource& a, const CodeLadder& ladder, std::span<const double> row_weights);

/// The step of each row with the least error in at most max_bytes of codes:
/// min sum_i sum_g energies_ig distortion(bits of band g on step_i).
///
/// Method    one multiplier for all rows, found by bisection; rows that are equal to the last bit fill
///           what is left in their order. BitAllocation knows the energy of a row only; rows whose
///           bands differ from the mean of all rows need other steps.
/// Cost      O(rows steps (bands + 64)); memory for rows x steps numbers.
/// Accuracy  optimal for every size that it spends exactly.
/// Random    none.
std::vector<std::uint8_t> row_steps(MatrixView<const double> energies, const CodeLadder& ladder, Index max_bytes);

}  // namespace loewner::detail
