// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

namespace loewner::detail {

/// Holds some file descriptors, so that a process that has used up all others can still remove its
/// files after release().
class SpareDescriptors {
 public:
  /// Errors    IoError when the process may not open so many files.
  SpareDescriptors();
  ~SpareDescriptors() { release(); }
  SpareDescriptors(const SpareDescriptors&) = delete;
  SpareDescriptors& operator=(const SpareDescriptors&) = delete;

  void release() noexcept;

 private:
  std::array<int, 4> descriptors_;  // folders that a recursive removal has open at a time
};

}  // namespace loewner::detail
