// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "compress/progress_of_run.hpp"
#include "loewner/compress/compress_session.hpp"
#include "loewner/compress/workers.hpp"

namespace loewner {

/// Encodes tensors of a session that has planned, in the given order, with their moments in the
/// file of the options. Those whose parts exist, and those that the plan copies, are passed over.
///
/// Errors    those of CompressSession::encode(); Cancelled.
ShareReport encode_share(CompressSession& session, std::span<const std::size_t> tensors, ProgressOfRun& progress);

}  // namespace loewner
