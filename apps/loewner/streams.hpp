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

}  // namespace loewner::cli
