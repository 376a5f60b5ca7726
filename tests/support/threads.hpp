// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loewner/base/parallel.hpp"

namespace loewner::test {

/// Sets the number of threads for one scope and restores the old number, so that tests do not affect each other.
class ThreadCount {
 public:
  explicit ThreadCount(int count) : before_(num_threads()) { set_num_threads(count); }
  ~ThreadCount() { set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

}  // namespace loewner::test
