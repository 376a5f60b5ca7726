// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace loewner {

/// The BLAS library that this process uses.
struct BlasLibrary {
  std::string name;  ///< with its version, such as "OpenBLAS 0.3.21"
  std::string core;  ///< processor whose kernels it chose at start, such as "SkylakeX"
};

/// Asks OpenBLAS for its version and for the kernels that it chose.
///
/// Errors    none.
BlasLibrary blas_library();

}  // namespace loewner
