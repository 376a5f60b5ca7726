// SPDX-License-Identifier: Apache-2.0
#include "streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string_view>

namespace loewner::cli {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

Streams standard_streams() {
  const bool colors = environment("NO_COLOR").empty() && environment("TERM") != "dumb";
  const bool out_is_terminal = isatty(STDOUT_FILENO) == 1, err_is_terminal = isatty(STDERR_FILENO) == 1;
  return {.out = std::cout,
          .err = std::cerr,
          .out_in_color = colors && out_is_terminal,
          .err_in_color = colors && err_is_terminal,
          .err_is_terminal = err_is_terminal};
}

void occupy_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    if (open("/dev/null", O_RDONLY) != descriptor) return;  // the lowest free number
  }
}

}  // namespace loewner::cli
