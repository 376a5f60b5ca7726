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

/// How much of a matrix each rank leaves.
struct RankCurve {
  std::string name;
  Index rows = 0, cols = 0;
  std::vector<double>
      error;          ///< ||A - A_k||_F / ||A||_F for k = 0, 1, ...; ends early where only a sketch is affordable
  bool exact = true;  ///< false: from a sketch, within some 15 % (residual_curve.hpp)
};

/// The curve of one matrix of a checkpoint.
///
/// Method    singular values, in float32, where the smaller side has at most 1024 entries: errors below 1e-3 are noise;
///           longer ones from one bilinear sketch with 2048 rows and columns, up to rank 512.
/// Cost      one pass over the matrix; memory: a Gram matrix, or one sketch and its row blocks.
/// Random    the sketch, from seed.
/// Errors    IoError on a non-finite entry, naming tensor and index.
RankCurve rank_curve(const Checkpoint& checkpoint, const std::string& name, std::uint64_t seed);

/// The curves of all encodable matrices (embeddings, linear layers, heads), in the order of their data.
///
/// Cost      that of each; as many Gram matrices as threads are in memory, or one sketch.
std::vector<RankCurve> rank_curves(const Checkpoint& checkpoint, const Architecture& architecture, std::uint64_t seed,
                                   const ProgressCallback& progress);

/// The smallest rank whose error is at most this; nothing when the curve ends above it.
std::optional<Index> rank_for_error(const RankCurve& curve, double error);

}  // namespace loewner
