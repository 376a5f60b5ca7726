// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <exception>
#include <functional>

#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"

namespace loewner::python {

/// Asks Python for signals while a computation runs without the GIL. Not more often than every 50 ms: parallel loops
/// ask before every index, and taking the GIL may have to wait for another thread.
class SignalPoll {
 public:
  bool stop_wanted() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return false;
    next_ = now + std::chrono::milliseconds(50);
    const nanobind::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() == 0) return false;
    raised_ = std::make_exception_ptr(nanobind::python_error());
    return true;
  }

  /// What the signal's handler raised, KeyboardInterrupt as a rule.
  void rethrow() const {
    if (raised_) std::rethrow_exception(raised_);
  }

 private:
  std::chrono::steady_clock::time_point next_{};
  std::exception_ptr raised_;
};

/// Returns work(), run without the GIL; Ctrl-C stops it and arrives as the exception that Python made of it.
template <typename Work>
auto interruptible(Work&& work) {
  SignalPoll poll;
  try {
    const nanobind::gil_scoped_release release;
    const CancellationScope scope([&poll] { return poll.stop_wanted(); });
    return work();
  } catch (const Cancelled&) {
    poll.rethrow();
    throw;
  }
}

}  // namespace loewner::python
