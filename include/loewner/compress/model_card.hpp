// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "loewner/compress/options.hpp"
#include "loewner/compress/report_data.hpp"

namespace loewner {

/// README.md of an output: what was done, with which command, sizes and measured errors, how to load it. Depends on
/// options and results only, so equal runs give equal bytes.
std::string model_card(const CompressOptions& options, const CompressReport& report);

/// The command that repeats a run, with MODEL and OUT by their last name only: a card must not tell the paths of a
/// machine.
std::string command_of(const CompressOptions& options);

}  // namespace loewner
