// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// A matrix W whose rows are cut into parts with scales of their own: part p of row i is, in the basis of the part,
/// scale_pi times levels in [-128, 127]. Features are linear functions f_k of a vector x:
///   <w_i, x> = sum_p scale_pi <levels_pi, basis_p x_p> + sum_k offset_ki f_k(x).
class PartedRows {
 public:
  /// Entries `first` to `first + count` of a row.
  struct Part {
    Index first, count;
  };
  /// Where rows are decoded: their levels as bytes 128 + level, in rows of `stride` bytes, in which each part takes a
  /// multiple of 64 bytes; scales: parts x 64; offsets: features x 64.
  struct Decoded {
    std::uint8_t* levels;
    Index stride;
    float *scales, *offsets;
  };
  /// Where the levels of decoded rows are.
  struct Levels {
    const std::uint8_t* values;
    Index stride;
  };

  virtual ~PartedRows() = default;

  virtual Index rows() const = 0;
  virtual Index cols() const = 0;
  virtual std::span<const Part> parts() const = 0;
  virtual Index features() const = 0;
  /// Bytes for each entry of a vector: one if a rotation has evened out large entries, otherwise two, of which the second
  /// rounds what the first leaves.
  virtual Index bytes_of_entry() const = 0;
  /// As EncodedProduct::is_preferable.
  virtual bool is_preferable() const = 0;
  /// in_basis (cols entries): x in the bases of the parts. The features: features() entries.
  virtual void prepare(std::span<const float> x, std::span<float> in_basis, std::span<float> features) const = 0;
  /// Decodes up to 64 rows. Bytes past the entries of a part are arbitrary. 64 rows whose stored bytes are their levels
  /// are not copied.
  virtual Levels decode(Index first, Index count, const Decoded& to) const = 0;
};

}  // namespace loewner::detail
