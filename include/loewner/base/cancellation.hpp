// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace loewner {

/// While it lives, long computations started by this thread ask `stop_wanted` now and then (every parallel loop does)
/// and leave by throwing Cancelled when it says true. Scopes nest; the innermost one is asked.
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

/// Throws Cancelled if the innermost scope of this thread wants it; free when there is none.
void throw_if_cancelled();

}  // namespace loewner
