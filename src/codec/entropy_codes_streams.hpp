// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "codec/entropy_row_encoder.hpp"
#include "loewner/base/row_source.hpp"
#include "loewner/codec/entropy_codes.hpp"

namespace loewner::detail {

/// The steps of the rows: the nearest stored ones to step / weight^1/2.
class EntropyRowSteps {
 public:
  /// largest: of the magnitudes of all entries.
  EntropyRowSteps(Index rows, std::span<const double> row_weights, double largest);

  /// Sets the step of a row of weight 1. The exponent is set once: steps that were not foreseen are
  /// clamped.
  void set(double log2_step);

  int exponent() const { return *exponent_; }
  std::uint8_t code_of(Index row) const;

 private:
  std::vector<double> log2_of_weights_;  // of their square roots
  double largest_;
  std::optional<int> exponent_;
  double log2_step_ = 0;
};

/// The streams of all rows, in parts that are encoded one by one. A stream is encoded again when the
/// step of one of its rows changes.
class EntropyStreams {
 public:
  /// Both must outlive this object.
  EntropyStreams(const RowSource& a, std::span<const std::uint8_t> col_scales);

  struct Size {
    Index bytes = 0, stored_entries = 0;
  };

  /// Encodes every `every`-th part by these steps, and returns the size of these parts.
  ///
  /// Errors    InvalidArgument if a stream is too long for its stored length.
  Size encode(const EntropyRowSteps& steps, Index every);

  Index parts() const { return parts_; }
  Index rows_of_stream() const { return rows_of_stream_; }
  Index count() const { return static_cast<Index>(streams_.size()); }

  /// The streams one after another, and their lengths.
  EntropyCodes::Arrays arrays() const;

 private:
  struct Stream {
    std::vector<std::uint8_t> steps, bytes;
    Index stored_entries = 0;
  };

  std::vector<std::uint8_t> steps_of(Index stream, const EntropyRowSteps& steps) const;
  Size encode_part(const EntropyRowSteps& steps, Index part);

  const RowSource& a_;
  std::span<const std::uint8_t> col_scales_;
  Index rows_of_stream_;
  std::vector<Stream> streams_;
  Index streams_of_part_, parts_;
};

}  // namespace loewner::detail
