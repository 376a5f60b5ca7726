// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace loewner::cli {

/// ANSI colors, or the plain text.
class Colors {
 public:
  explicit Colors(bool wanted) : wanted_(wanted) {}

  std::string heading(const std::string& text) const { return in("1", text); }
  std::string good(const std::string& text) const { return in("32", text); }
  std::string bad(const std::string& text) const { return in("1;31", text); }

 private:
  std::string in(const char* code, const std::string& text) const {
    return wanted_ ? "\033[" + std::string(code) + "m" + text + "\033[0m" : text;
  }

  bool wanted_;
};

}  // namespace loewner::cli
