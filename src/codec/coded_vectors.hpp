// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernel/byte_kernels.hpp"
#include "loewner/codec/codes.hpp"

namespace loewner::detail {

/// The rows of plain Codes as the kernels take them.
class CodedRows {
 public:
  /// Takes codes, which must outlive this object. Their array is copied unless it lies in memory.
  explicit CodedRows(const Codes& codes);

  std::span<const CodedVector> vectors() const { return vectors_; }
  /// The factor of the levels of each row; 0 for rows on step 0.
  std::span<const float> scales() const { return scales_; }
  /// The factor of the shared row in each row; empty if no row has one.
  std::span<const float> shared_scales() const { return shared_scales_; }

 private:
  std::vector<std::uint8_t> copies_;  // of planes that the kernels must not read where they are
  std::vector<CodedVector> vectors_;
  std::vector<float> scales_, shared_scales_;
};

}  // namespace loewner::detail
