// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "loewner/base/checked_size.hpp"

namespace loewner {

/// The number of threads of parallel loops. Initially the number of processors that this process
/// may use.
///
/// Errors    none.
int num_threads();

/// Sets the number of threads for the whole process.
///
/// Errors    InvalidArgument unless count >= 1.
void set_num_threads(int count);

/// Calls body(0) ... body(count - 1) in any order on up to num_threads() threads, and returns when
/// all calls have returned. A loop inside a loop runs on the calling thread.
///
/// Random    any thread may run any index. Results have the same bits for any number of threads if
///           a body writes only to memory of its own index and reductions add the results in the
///           order of the indices afterwards.
/// Errors    after an exception no further index starts; when all threads have ended the exception
///           of the lowest index is rethrown. Cancelled when the surrounding CancellationScope
///           wants to stop: the calling thread asks it before each of its indices, also in a loop
///           inside a loop, and while it waits for the others. Then these stop at their next index
///           or their next throw_if_cancelled().
void parallel_for(Index count, const std::function<void(Index)>& body);

}  // namespace loewner
