// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>

namespace loewner::cli {

/// Where a command writes: tables and help to `out`, messages and progress to `err`.
struct Streams {
  std::ostream& out;
  std::ostream& err;
  bool out_in_color = false;
  bool err_in_color = false;
  bool err_is_terminal = false;  ///< a progress bar is drawn
};

/// Standard output and standard error. Colors need a terminal, TERM other than "dumb" and no
/// NO_COLOR (https://no-color.org).
Streams standard_streams();

/// Opens standard descriptors that are closed, so that no file of a command gets their number and
/// then receives what a command prints. Writing to them still fails.
void occupy_standard_descriptors();

}  // namespace loewner::cli
