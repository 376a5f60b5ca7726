// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loewner/base/progress.hpp"
#include "loewner/model/architecture.hpp"
#include "loewner/model/checkpoint.hpp"

namespace loewner {

/// Error against rank for one matrix.
struct RankCurve {
  std::string name;
  Index rows = 0, cols = 0;
  /// ||A - A_k||_F / ||A||_F for k = 0, 1, ..., A_k the best approximation of rank k. A curve from
  /// a sketch ends before full rank.
  std::vector<double> error;
  bool exact = true;  ///< false: from a sketch, within some 15 % (residual_curve.hpp)
};

/// Computes error against rank for one matrix of a checkpoint.
///
/// Method    singular values in float32 if the smaller side has at most 1024 entries; otherwise one
///           bilinear sketch with 2048 rows and columns, up to rank 512.
/// Cost      one pass over the matrix; memory for a Gram matrix, or for one sketch and its row
///           blocks.
/// Accuracy  exact curves: errors below 1e-3 are noise of float32. Sketched curves: within some 15
///           %.
/// Random    the sketch, from `seed`.
/// Errors    IoError on a non-finite entry, naming tensor, row and column.
RankCurve rank_curve(const Checkpoint& checkpoint, const std::string& name, std::uint64_t seed);

/// Computes the curves of all encodable matrices (embeddings, linear layers, heads), in the order
/// of their data.
///
/// Method    rank_curve() for each.
/// Cost      the sum of theirs; memory for as many Gram matrices as threads, or for one sketch.
/// Accuracy  that of rank_curve().
/// Random    as rank_curve().
/// Errors    those of rank_curve().
std::vector<RankCurve> rank_curves(const Checkpoint& checkpoint, const Architecture& architecture, std::uint64_t seed,
                                   const ProgressCallback& progress);

/// The smallest rank whose error is at most `error`; nothing if the curve ends above it.
///
/// Errors    none.
std::optional<Index> rank_for_error(const RankCurve& curve, double error);

}  // namespace loewner
