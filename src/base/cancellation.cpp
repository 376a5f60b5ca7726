// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/cancellation.hpp"

#include "loewner/base/error.hpp"

namespace loewner {
namespace {

thread_local const std::function<bool()>* innermost = nullptr;

}  // namespace

CancellationScope::CancellationScope(std::function<bool()> stop_wanted)
    : stop_wanted_(std::move(stop_wanted)), outer_(innermost) {
  innermost = &stop_wanted_;
}

CancellationScope::~CancellationScope() {
  innermost = outer_;
}

void throw_if_cancelled() {
  if (innermost != nullptr && (*innermost)()) throw Cancelled();
}

}  // namespace loewner
