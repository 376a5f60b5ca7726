// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner {

struct HeavyKeyStreamOptions {
  double power = 2;  ///< p, even
  double eps = 0.1;  ///< weight from which a key is heavy, in (0, 1]
};

/// The heavy keys of a stream, in one pass and bounded memory: at any time exactly the keys that
/// select_heavy_keys would return for all keys pushed so far.
///
/// Shapes    keys: b x d, values: b x d_v per push.
/// Method    keeps the Gram matrix of the features (D = C(d + p/2 - 1, p/2) columns) and the
///           candidates. Scores only decrease when keys are added, so a key whose score fell below
///           eps cannot become heavy again and is dropped [KannanBhattacharyyaKachamWoodruff2025].
/// Cost      b D^2 flops per push, and the scores of at most 2 D / eps + b candidates once per
///           D / eps keys; memory D^2 doubles, and the keys and values of the candidates.
/// Accuracy  as select_heavy_keys.
/// Random    none; the same set for any division into blocks and, up to the numbering, any order of
///           the keys.
/// Errors    InvalidArgument on options out of range, shapes that do not match, a non-finite entry,
///           or keys whose powers leave float64; the stream is then unchanged.
class HeavyKeyStream {
 public:
  HeavyKeyStream(Index key_cols, Index value_cols, const HeavyKeyStreamOptions& options = {});

  void push(MatrixView<const float> keys, MatrixView<const float> values);

  /// Appends a stream of the same shapes and options, as if its keys had been pushed after those of
  /// this stream.
  void merge(const HeavyKeyStream& other);

  Index num_keys() const { return count_; }  ///< number of keys pushed so far
  const HeavyKeyStreamOptions& options() const { return options_; }

  /// The heavy keys.
  struct Kept {
    std::vector<Index> indices;  ///< m positions in the stream, ascending
    std::vector<double> scores;  ///< m
    Matrix<float> keys;          ///< m x d
    Matrix<float> values;        ///< m x d_v
    Index rank = 0;              ///< numerical rank of the features of all keys
  };
  Kept current() const;

  /// Attention over the heavy keys with the denominator of all keys:
  /// sum over the kept keys of |<q, k_j>|^p v_j / sum over all pushed keys of |<q, k_l>|^p.
  ///
  /// Shapes    queries: n_q x d; result: n_q x d_v.
  /// Errors    InvalidArgument unless queries have d columns and finite entries.
  Matrix<float> attend(MatrixView<const float> queries) const;

  /// The state as bytes (little-endian), from which from_bytes restores an equal stream.
  std::string to_bytes() const;

  /// Restores a stream that to_bytes stored.
  ///
  /// Errors    IoError that names the violated rule if to_bytes cannot have written the bytes.
  static HeavyKeyStream from_bytes(std::string_view bytes);

 private:
  // The candidates; rows are stored contiguously in vectors, so that appending a key copies no
  // others.
  struct Retained {
    std::vector<Index> indices;
    std::vector<float> keys, values;
  };
  MatrixView<const float> retained_keys() const;
  MatrixView<const float> retained_values() const;
  void compact_when_full();

  Index key_cols_, value_cols_;
  HeavyKeyStreamOptions options_;
  Matrix<double> gram_;  // upper triangle
  Index count_ = 0;
  Retained retained_;
};

}  // namespace loewner
