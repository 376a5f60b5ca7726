// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "kernel/byte_kernels.hpp"
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
  /// Where the rows of a panel, which are 64 from a multiple of 64 on, may be decoded: 64 rows of `stride` bytes, in which
  /// each part takes a multiple of 64 bytes; parts x 64 scales; features x 64 offsets.
  struct Buffers {
    std::uint8_t* levels;
    Index stride;
    float *scales, *offsets;
  };
  /// Decoded rows, with the scales and offsets of their panel.
  struct Decoded {
    LevelRows levels;
    const float *scales, *offsets;
  };

  virtual ~PartedRows() = default;

  virtual Index rows() const = 0;
  virtual Index cols() const = 0;
  virtual std::span<const Part> parts() const = 0;
  virtual Index features() const = 0;
  /// Bytes for each entry of a vector: one if a rotation has evened out large entries, otherwise two.
  virtual Index bytes_of_entry() const = 0;
  /// As EncodedProduct::is_preferable.
  virtual bool is_preferable() const = 0;
  /// in_basis (cols entries): x in the bases of the parts. The features: features() entries.
  virtual void prepare(std::span<const float> x, std::span<float> in_basis, std::span<float> features) const = 0;
  /// Decodes `count` rows of a panel to levels of 8 bits. The caller may read the levels of `read` rows. Those past
  /// `count`, and past the entries of a part, are arbitrary, as scales and offsets of rows that have not been decoded are.
  virtual Decoded decode(Index first, Index count, Index read, const Buffers& buffers) const = 0;
  /// As decode() with read = count, for products that take levels of 4 bits too.
  virtual Decoded decode_for_one_token(Index first, Index count, const Buffers& buffers) const {
    return decode(first, count, count, buffers);
  }
};

}  // namespace loewner::detail
