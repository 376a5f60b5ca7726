// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include "loewner/base/matrix.hpp"

namespace loewner::detail {

/// Bytes of memory of this machine.
inline Index physical_memory() {
  return static_cast<Index>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE);
}

}  // namespace loewner::detail
