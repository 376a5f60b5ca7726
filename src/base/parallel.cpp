// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
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
thread_local const ThreadTeam* team_of_thread = nullptr;

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

// One loop: its next index, its failure and the helpers that still run.
class ParallelLoop {
 public:
  ParallelLoop(Index count, const std::function<void(Index)>& body, int helpers)
      : count_(count), body_(body), running_helpers_(helpers) {}

  void work() {
    inside_parallel_loop = true;
    for (Index i = next_++; i < count_ && !failure_.failed(); i = next_++) {
      try {
        throw_if_cancelled();
        body_(i);
      } catch (const Cancelled&) {
        stop(i);
      } catch (...) {
        failure_.capture(i);
      }
    }
    inside_parallel_loop = false;
  }

  // A helper must not ask the scope of the calling thread. It stops, also inside its body, when the calling thread has.
  void help() {
    const CancellationScope scope([this] { return is_cancelled_.load(); });
    work();
  }

  void help_and_say_so() {
    help();
    const std::lock_guard lock(mutex_);
    --running_helpers_;
    helper_ended_.notify_one();
  }

  // The calling thread goes on asking while the helpers finish their last bodies.
  void wait_for_helpers() {
    constexpr std::chrono::milliseconds kBetweenPolls(50);
    std::unique_lock lock(mutex_);
    while (!helper_ended_.wait_for(lock, kBetweenPolls, [&] { return running_helpers_ == 0; })) {
      if (is_cancelled_) continue;
      lock.unlock();
      try {
        throw_if_cancelled();
      } catch (...) {
        stop(count_);
      }
      lock.lock();
    }
  }

  void rethrow_failure() const { failure_.rethrow(); }

 private:
  // Inside a handler.
  void stop(Index index) {
    is_cancelled_ = true;
    failure_.capture(index);
  }

  Index count_;
  const std::function<void(Index)>& body_;
  std::atomic<Index> next_{0};
  FirstFailure failure_;
  std::atomic<bool> is_cancelled_{false};
  std::mutex mutex_;
  std::condition_variable helper_ended_;
  int running_helpers_;
};

}  // namespace

int num_threads() {
  return thread_setting();
}

void set_num_threads(int count) {
  require(count >= 1, [&] { return "number of threads must be at least 1, got " + std::to_string(count); });
  thread_setting() = count;
}

ThreadTeamScope::ThreadTeamScope(const ThreadTeam* team) : surrounding_(std::exchange(team_of_thread, team)) {}

ThreadTeamScope::~ThreadTeamScope() {
  team_of_thread = surrounding_;
}

void parallel_for(Index count, const std::function<void(Index)>& body) {
  if (inside_parallel_loop) {
    for (Index i = 0; i < count; ++i) {
      throw_if_cancelled();
      body(i);
    }
    return;
  }
  const int most = team_of_thread != nullptr ? team_of_thread->size() : num_threads();
  const int helpers = static_cast<int>(std::clamp<Index>(count, 1, std::max(most, 1))) - 1;
  ParallelLoop loop(count, body, helpers);
  if (team_of_thread != nullptr && helpers > 0) {
    const auto caller = std::this_thread::get_id();
    team_of_thread->run(helpers + 1, [&] { std::this_thread::get_id() == caller ? loop.work() : loop.help(); });
  } else {
    // Each loop starts its threads: some 20 us, against loops of milliseconds. A thread pool, such as libgomp's, would
    // not survive a fork; see docs/design/threads.md.
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(helpers));
    for (int t = 0; t < helpers; ++t) threads.emplace_back(&ParallelLoop::help_and_say_so, &loop);
    loop.work();
    loop.wait_for_helpers();
  }
  loop.rethrow_failure();
}

}  // namespace loewner
