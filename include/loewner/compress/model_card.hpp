// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "loewner/compress/options.hpp"
#include "loewner/compress/report_data.hpp"

namespace loewner {

/// The text of an output's README.md: the command, sizes, measured errors, and how to load the
/// model. It depends on options and results only, so equal runs give equal bytes.
///
/// Method    command_of(), then one row of a table for each tensor of the report.
/// Cost      O(tensors); reads no file.
/// Errors    IoError if the report names an unknown structure.
std::string model_card(const CompressOptions& options, const CompressReport& report);

/// The command that repeats a run. Folders appear by their last name only, because a published card
/// should not show the paths of a machine.
///
/// Method    one flag for each option that differs from its default.
/// Cost      O(options); reads no file.
/// Errors    none.
std::string command_of(const CompressOptions& options);

}  // namespace loewner
