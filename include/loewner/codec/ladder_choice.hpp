// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "loewner/codec/bit_allocation.hpp"
#include "loewner/codec/code_ladder.hpp"

namespace loewner {

/// Chooses the 16 steps that joined codes store for a number of bytes, among the fine steps of
/// CodeLadder::for_variances().
///
/// Shapes    energies: w_i ||a_i||^2 of n rows; variances: of d columns, decreasing.
/// Method    allocates the bytes among all fine steps. A chosen step then stands for equally many
///           cube roots of rows per step: the density of the best fixed-rate quantizer
///           [GrayNeuhoff1998] of the rows' bits.
/// Cost      constructor: O(n log n). within(): O(n) for a copy, and O(log n) for each step.
/// Accuracy  on the table of all-MiniLM-L6-v2 the error is within 1 % of that of all fine steps.
/// Random    none.
/// Errors    constructor: those of BitAllocation. within(): none.
class LadderChoice {
 public:
  LadderChoice(std::span<const double> energies, std::span<const double> variances);

  /// A ladder and the codes that it gives.
  struct Choice {
    CodeLadder ladder;
    Index code_bytes;  ///< of all rows
    double error;      ///< relative weighted squared error
    bool shared;       ///< some row may be on step 0
  };

  /// Bytes of the codes with all rows on the last step.
  Index most_code_bytes() const { return allocation_.most_price(); }

  /// The choice for at most so many bytes of codes >= 0. Bands without bits are left out.
  Choice within(Index code_bytes) const;

 private:
  CodeLadder fine_;
  BitAllocation allocation_;
  double energy_;
};

}  // namespace loewner
