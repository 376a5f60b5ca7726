// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// Threads that parallel loops use: at first the processors this process may run on.
int num_threads();

/// Sets it for the whole process; InvalidArgument unless count >= 1.
void set_num_threads(int count);

/// Calls body(0) ... body(count - 1), in any order, from up to num_threads() threads, and returns when all are done.
///
/// Random    Which thread runs an index is left open: a body must write only to places of its own index, and a
///           reduction adds per-index results in index order afterwards. Then results are the same bits for any number
///           of threads.
/// Errors    An exception of a body stops the hand-out of further indices and is rethrown here after every thread has
///           ended; of several, the one of the lowest index. A loop inside a loop runs on the calling thread. Cancelled
///           when the surrounding CancellationScope says so; asked on the calling thread before each of its indices.
void parallel_for(Index count, const std::function<void(Index)>& body);

}  // namespace loewner
