// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace loewner::detail {

/// 64-bit FNV-1a: distinguishes inputs, but does not resist deliberate collisions.
class Hash64 {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) value_ = (value_ ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3;
  }
  void add(std::uint64_t number) { add(std::as_bytes(std::span(&number, 1))); }
  /// Hashes the length first, so that moving characters between adjacent texts changes the hash.
  void add(std::string_view text) {
    add(static_cast<std::uint64_t>(text.size()));
    add(std::as_bytes(std::span(text.data(), text.size())));
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

}  // namespace loewner::detail
