// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "loewner/base/parallel.hpp"

// Parallel loops over the pieces of long vectors.
namespace loewner::detail {

/// Entries of a piece: eight vectors have 64 KiB.
inline constexpr Index kPiece = 1024;

inline Index num_pieces(Index length) {
  return (length + kPiece - 1) / kPiece;
}

inline Index length_of_piece(Index piece, Index length) {
  return std::min(kPiece, length - piece * kPiece);
}

/// Calls body(first, count) for all pieces, in parallel.
template <typename Body>
void for_each_piece(Index length, Body&& body) {
  parallel_for(num_pieces(length), [&](Index piece) { body(piece * kPiece, length_of_piece(piece, length)); });
}

}  // namespace loewner::detail
