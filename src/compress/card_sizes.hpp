// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// Limit of the size of README.md when it is read.
inline constexpr Index kMaxCardBytes = Index{1} << 24;

/// The bytes of one tensor that a model card states.
struct TensorSizes {
  Index before = 0, after = 0;
};

/// The sizes that a model card states.
struct CardSizes {
  std::map<std::string, TensorSizes> tensors;  ///< by name
  std::optional<std::string> weights_after;    ///< as card_megabytes()
};

/// Reads the sizes from a model card: from its tables with columns "bytes before" and "bytes
/// after", and from the line "Weights: A -> B". If a card states a size twice, the last statement
/// counts.
CardSizes sizes_in_card(const std::string& card);

/// "12.34 MB".
std::string card_megabytes(Index bytes);

}  // namespace loewner::detail
