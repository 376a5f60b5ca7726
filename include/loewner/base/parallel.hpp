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

/// Threads of the program that uses the library. Idle threads of OpenMP spin for a while, so short
/// loops that come between parallel regions of the program must run on the same threads.
class ThreadTeam {
 public:
  virtual ~ThreadTeam() = default;

  /// How many threads a loop may use.
  virtual int size() const = 0;

  /// Calls work() once on each of at most `count` threads, among them the calling one, and returns
  /// when all calls have returned. work() throws nothing.
  virtual void run(int count, const std::function<void()>& work) const = 0;
};

/// While it exists, the loops of the thread that made it run on the threads of a team, or on
/// threads of their own if it is null.
class ThreadTeamScope {
 public:
  explicit ThreadTeamScope(const ThreadTeam* team);
  ~ThreadTeamScope();
  ThreadTeamScope(const ThreadTeamScope&) = delete;
  ThreadTeamScope& operator=(const ThreadTeamScope&) = delete;

 private:
  const ThreadTeam* surrounding_;
};

/// Calls body(0) ... body(count - 1) in any order and returns when all calls have returned. The
/// threads are those of the surrounding ThreadTeamScope, otherwise up to num_threads(). A loop
/// inside a loop runs on the calling thread.
///
/// Random    any thread may run any index. Results have the same bits for any number of threads if
///           a body writes only to memory of its own index and reductions add the results in the
///           order of the indices afterwards.
/// Errors    after an exception no further index starts; when all threads have ended the exception
///           of the lowest index is rethrown. Cancelled if the surrounding CancellationScope
///           requests it: the calling thread checks before each of its indices, also in a loop
///           inside a loop, and while it waits for the others, unless they are of a team. Then
///           these stop at their next index or their next throw_if_cancelled().
void parallel_for(Index count, const std::function<void(Index)>& body);

}  // namespace loewner
