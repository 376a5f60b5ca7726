// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace loewner {

/// Lets a caller stop long computations of its thread. While an object lives, every parallel loop
/// that the thread starts calls `stop_wanted` and throws Cancelled when it returns true. Scopes
/// nest; the innermost one is asked.
class CancellationScope {
 public:
  explicit CancellationScope(std::function<bool()> stop_wanted);
  ~CancellationScope();
  CancellationScope(const CancellationScope&) = delete;
  CancellationScope& operator=(const CancellationScope&) = delete;

 private:
  std::function<bool()> stop_wanted_;
  const std::function<bool()>* outer_;
};

/// Throws Cancelled if the innermost scope of this thread is asked to stop. Free without a scope.
///
/// Errors    Cancelled, as said.
void throw_if_cancelled();

}  // namespace loewner
