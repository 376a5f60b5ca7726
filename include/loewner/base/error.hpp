// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <stdexcept>
#include <string>

namespace loewner {

/// A mistake of the caller. The message states the requirement and the received value. ValueError
/// in Python.
class InvalidArgument : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A file that violates its format or cannot be read or written. The message names the file, the
/// tensor and the rule. OSError in Python.
class IoError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A budget of bytes or error that no encoding meets. The message names the smallest possible size
/// or error.
class BudgetError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller asked to stop, by Ctrl-C or a callback. No partial result is visible afterwards.
class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("cancelled") {}
};

/// Checks a requirement on the arguments of a caller. Builds the message only if it is not met.
///
/// Errors    InvalidArgument with message(), unless `condition` holds.
template <typename Message>
void require(bool condition, Message&& message) {
  if (!condition) throw InvalidArgument(message());
}

}  // namespace loewner

/// Checks for bugs of this library, never for input of a user. Active in debug and sanitizer
/// builds.
#define LOEWNER_ASSERT(condition) assert(condition)
