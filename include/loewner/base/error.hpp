// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cassert>
#include <stdexcept>
#include <string>

namespace loewner {

/// A mistake of the caller: the message names the requirement and what came instead. ValueError in Python.
class InvalidArgument : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A file that breaks a rule of its format or cannot be read or written; names the file, the tensor and the rule.
/// OSError in Python.
class IoError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A byte or error budget that no encoding meets; names the smallest size (or error) that is possible.
class BudgetError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller asked to stop (Ctrl-C, a progress callback that said no). Nothing half-made is visible afterwards.
class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("cancelled") {}
};

/// Throws InvalidArgument with `message()` unless `condition` holds; the message is built only when it is needed.
template <typename Message>
void require(bool condition, Message&& message) {
  if (!condition) throw InvalidArgument(message());
}

}  // namespace loewner

/// Our own bugs only, never a user's input: on in debug and sanitizer builds.
#define LOEWNER_ASSERT(condition) assert(condition)
