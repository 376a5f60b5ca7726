// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace loewner {

/// XXH64 with seed 0 of all bytes that were added, at some gigabytes a second: distinguishes inputs
/// and finds damage, but does not resist deliberate collisions. Its specification is
/// doc/xxhash_spec.md of github.com/Cyan4973/xxHash.
class Hash64 {
 public:
  Hash64();
  void add(std::span<const std::byte> bytes);
  void add(std::uint64_t number) { add(std::as_bytes(std::span(&number, 1))); }
  /// Hashes the length first, so that moving characters between adjacent texts changes the hash.
  void add(std::string_view text) {
    add(static_cast<std::uint64_t>(text.size()));
    add(std::as_bytes(std::span(text.data(), text.size())));
  }
  std::uint64_t value() const;
  /// The value as 16 hexadecimal digits.
  std::string hex() const;

 private:
  static constexpr std::size_t kStripe = 32;

  void add_stripe(const std::byte* stripe);

  std::array<std::uint64_t, 4> lanes_;
  std::array<std::byte, kStripe> rest_{};  // the bytes behind the last whole stripe
  std::uint64_t length_ = 0;
};

/// The number as 16 hexadecimal digits.
///
/// Errors    none.
std::string hex_text(std::uint64_t number);

}  // namespace loewner
