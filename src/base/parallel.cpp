// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
namespace {

int available_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

std::atomic<int>& thread_setting() {
  static std::atomic<int> setting{available_processors()};
  return setting;
}

thread_local bool inside_parallel_loop = false;

// Keeps the exception of the lowest index, so that the error depends on timing as little as possible.
class FirstFailure {
 public:
  void capture(Index index) {
    const std::lock_guard lock(mutex_);
    if (index < index_) {
      index_ = index;
      error_ = std::current_exception();
    }
    failed_ = true;
  }
  bool failed() const { return failed_; }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> failed_{false};
  Index index_ = std::numeric_limits<Index>::max();
  std::exception_ptr error_;
};

}  // namespace

int num_threads() {
  return thread_setting();
}

void set_num_threads(int count) {
  require(count >= 1, [&] { return "number of threads must be at least 1, got " + std::to_string(count); });
  thread_setting() = count;
}

void parallel_for(Index count, const std::function<void(Index)>& body) {
  if (inside_parallel_loop) {
    for (Index i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<Index> next{0};
  FirstFailure failure;
  const auto work = [&](bool may_cancel) {
    inside_parallel_loop = true;
    for (Index i = next++; i < count && !failure.failed(); i = next++) {
      try {
        if (may_cancel) throw_if_cancelled();
        body(i);
      } catch (...) {
        failure.capture(i);
      }
    }
    inside_parallel_loop = false;
  };
  {
    // Each loop starts its threads: some 20 us, against loops of milliseconds. A thread pool, such as libgomp's, would
    // not survive a fork; see docs/design/threads.md.
    std::vector<std::jthread> helpers;
    const Index wanted = std::min<Index>(num_threads(), count);
    for (Index t = 1; t < wanted; ++t) helpers.emplace_back(work, false);
    work(true);
  }
  failure.rethrow();
}

}  // namespace loewner
