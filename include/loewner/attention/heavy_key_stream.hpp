// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loewner/base/matrix.hpp"

namespace loewner {

struct HeavyKeyStreamOptions {
  double power = 2;  ///< even
  double eps = 0.1;  ///< in (0, 1]
};

/// The heavy keys of everything pushed so far, in one pass and bounded memory, exactly: scores only fall when keys are
/// added, so a key that was dropped once can never be heavy again, and the kept set is at any time that of
/// select_heavy_keys on all keys.
///
/// Shapes    keys: b x d, values: b x d_v.
/// Cost      b D^2 flops a push and, once in D / eps keys, the scores of at most 2 D / eps + b; memory D^2 doubles and
///           these keys and their values.
/// Random    none; the same set for any blocks and, with the keys renumbered, any order.
/// Errors    InvalidArgument on options or shapes that do not fit, or a non-finite entry.
class HeavyKeyStream {
 public:
  HeavyKeyStream(Index key_cols, Index value_cols, const HeavyKeyStreamOptions& options = {});

  void push(MatrixView<const float> keys, MatrixView<const float> values);

  /// Appends a stream of the same shapes and options, as if its keys had been pushed behind ours.
  void merge(const HeavyKeyStream& other);

  Index num_keys() const { return count_; }  ///< pushed so far
  const HeavyKeyStreamOptions& options() const { return options_; }

  /// The kept keys: index in the stream (ascending), score, key and value.
  struct Kept {
    std::vector<Index> indices;
    std::vector<double> scores;
    Matrix<float> keys;    ///< m x d
    Matrix<float> values;  ///< m x d_v
    Index rank = 0;
  };
  Kept current() const;

  /// sum over the kept keys of |<q, k_j>|^p v_j / sum over all keys pushed of |<q, k_l>|^p.
  ///
  /// Shapes    queries: n_q x d; result: n_q x d_v.
  Matrix<float> attend(MatrixView<const float> queries) const;

  /// The whole state as bytes, and back: a stream that goes on as this one would.
  ///
  /// Errors    from_bytes: IoError naming the rule on bytes that to_bytes does not write.
  std::string to_bytes() const;
  static HeavyKeyStream from_bytes(std::string_view bytes);

 private:
  // Candidates, rows one after the other, so that a single key is appended without a copy of the others.
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
