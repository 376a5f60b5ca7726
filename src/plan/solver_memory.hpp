// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// Bytes for a pass over the rows: row blocks and the program itself.
Index pass_memory(Index cols);

/// Bytes for the singular values and the right singular vectors of a matrix with this many columns.
Index svd_memory(Index cols);

}  // namespace loewner
