// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/parallel.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "support/threads.hpp"

namespace loewner {
namespace {

TEST(ParallelFor, VisitsEveryIndexOnce) {
  const test::ThreadCount threads(4);
  std::vector<int> visits(1000);
  parallel_for(1000, [&](Index i) { ++visits[i]; });
  EXPECT_EQ(visits, std::vector<int>(1000, 1));
}

TEST(ParallelFor, UsesTheRequestedNumberOfThreads) {
  const test::ThreadCount threads(3);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  std::atomic<int> arrived{0};
  parallel_for(3, [&](Index) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();  // holds every thread until all three are inside
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(seen.size(), 3U);
}

// Two threads: the calling one and one more.
class PairOfThreads final : public ThreadTeam {
 public:
  explicit PairOfThreads(int size) : size_(size) {}
  int size() const override { return size_; }
  void run(int count, const std::function<void()>& work) const override {
    wanted = count;
    std::thread other([&] {
      id = std::this_thread::get_id();
      work();
    });
    work();
    other.join();
  }
  mutable int wanted = 0;
  mutable std::thread::id id;

 private:
  int size_;
};

TEST(ParallelFor, UsesTheThreadsOfATeam) {
  const test::ThreadCount threads(3);
  const PairOfThreads team(4);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  std::atomic<int> arrived{0};
  const auto note = [&](Index) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  };
  {
    const ThreadTeamScope scope(&team);
    parallel_for(6, note);
  }
  EXPECT_EQ(team.wanted, 4);
  EXPECT_EQ(arrived, 6);
  EXPECT_EQ(seen, (std::set{std::this_thread::get_id(), team.id}));
}

TEST(ParallelFor, RethrowsTheExceptionOfAThreadOfATeam) {
  const test::ThreadCount threads(2);
  const PairOfThreads team(2);
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> has_thrown{false};
  const auto throw_in_the_other = [&](Index) {
    if (std::this_thread::get_id() != caller) {
      has_thrown = true;
      throw std::runtime_error("of the other thread");
    }
    while (!has_thrown) std::this_thread::yield();
  };
  const ThreadTeamScope scope(&team);
  EXPECT_THROW(parallel_for(2, throw_in_the_other), std::runtime_error);
}

TEST(ParallelFor, RethrowsAnExceptionAndStartsNoFurtherWork) {
  const test::ThreadCount threads(2);
  std::atomic<int> calls{0};
  try {
    parallel_for(1000000, [&](Index i) {
      ++calls;
      if (i == 5) throw std::runtime_error("five");
    });
    FAIL() << "the exception was lost";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "five");
  }
  EXPECT_LT(calls, 1000000);
}

TEST(ParallelFor, NestedLoopRunsOnTheCallingThread) {
  const test::ThreadCount threads(4);
  std::atomic<bool> moved{false};
  parallel_for(4, [&](Index) {
    const auto outer = std::this_thread::get_id();
    parallel_for(8, [&](Index) {
      if (std::this_thread::get_id() != outer) moved = true;
    });
  });
  EXPECT_FALSE(moved);
}

TEST(ParallelFor, StopsWhenTheCancellationScopeWantsIt) {
  const test::ThreadCount threads(2);
  int polls = 0;
  const CancellationScope scope([&] { return ++polls > 10; });
  // Only the calling thread polls; bodies that take time keep the other thread from finishing the loop alone.
  const auto body = [](Index) { std::this_thread::sleep_for(std::chrono::microseconds(10)); };
  EXPECT_THROW(parallel_for(1000000, body), Cancelled);
}

// With one thread the only index is the loop's; with two, the helper's body can only end by being stopped.
TEST(ParallelFor, ALoopInsideALoopStopsOnEveryThread) {
  for (const int count : {1, 2}) {
    const test::ThreadCount threads(count);
    int polls = 0;
    const CancellationScope scope([&] { return ++polls > 10; });
    const auto body = [](Index) { std::this_thread::sleep_for(std::chrono::microseconds(10)); };
    EXPECT_THROW(parallel_for(count, [&](Index) { parallel_for(10000000, body); }), Cancelled) << count;
  }
}

TEST(ParallelFor, StopsHelpersWhileTheCallingThreadWaitsForThem) {
  const test::ThreadCount threads(2);
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> is_helper_inside{false};
  const CancellationScope scope([&] { return is_helper_inside.load(); });
  EXPECT_THROW(parallel_for(2,
                            [&](Index) {
                              while (std::this_thread::get_id() == caller && !is_helper_inside)
                                std::this_thread::yield();
                              if (std::this_thread::get_id() == caller) return;
                              is_helper_inside = true;
                              for (;;) throw_if_cancelled();
                            }),
               Cancelled);
}

TEST(ParallelFor, WorksAgainAfterAnException) {
  EXPECT_THROW(parallel_for(10, [](Index) { throw std::runtime_error("x"); }), std::runtime_error);
  std::atomic<int> calls{0};
  parallel_for(10, [&](Index) { ++calls; });
  EXPECT_EQ(calls, 10);
}

TEST(Threads, CountBelowOneIsRejected) {
  EXPECT_THROW(set_num_threads(0), InvalidArgument);
}

}  // namespace
}  // namespace loewner
