// SPDX-License-Identifier: Apache-2.0
#include "loewner/linalg/blas_library.hpp"

#include "linalg/blas.hpp"

namespace loewner {

BlasLibrary blas_library() {
  const std::string config = blas::configuration();  // "OpenBLAS 0.3.21 NO_AFFINITY ... Haswell MAX_THREADS=64"
  const auto name_end = config.find(' ');
  return {.name = config.substr(0, config.find(' ', name_end + 1)), .core = blas::core_name()};
}

}  // namespace loewner
