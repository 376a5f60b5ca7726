// SPDX-License-Identifier: Apache-2.0
#include "version.hpp"

#include <fmt/format.h>

#include "loewner/linalg/blas_library.hpp"

namespace loewner::cli {

std::string version_text() {
  const BlasLibrary blas = blas_library();
  return fmt::format("loewner {} (commit {})\n{}, {} kernels\n", LOEWNER_VERSION, kBuildCommit, blas.name, blas.core);
}

}  // namespace loewner::cli
