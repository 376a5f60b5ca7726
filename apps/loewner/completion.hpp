// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string>

#include "command.hpp"

namespace loewner::cli {

/// The shells that completion_script knows.
inline constexpr std::array kShells = {"bash", "zsh", "fish"};

/// A script that makes a shell complete `loewner`: commands, their options, and values that are
/// files, folders or one of several words.
std::string completion_script(const std::string& shell, std::span<const DescribedCommand> commands);

}  // namespace loewner::cli
