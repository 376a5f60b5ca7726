// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "loewner/base/error.hpp"

namespace loewner::detail {

/// A field of a message in the wire format of protocol buffers.
struct ProtobufField {
  std::uint64_t number = 0;
  std::uint64_t integer = 0;  ///< of the types varint, fixed64, fixed32
  std::string_view bytes;     ///< of the type length-delimited
  bool is_fixed32 = false;

  float as_float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(integer)); }
};

/// Iterates over the fields of one message. IoError "<file>: ..." when the bytes break the wire
/// format.
class ProtobufReader {
 public:
  ProtobufReader(std::string_view message, const std::string& file) : rest_(message), file_(file) {}

  /// The next field, or nothing at the end of the message.
  std::optional<ProtobufField> next() {
    if (rest_.empty()) return std::nullopt;
    const std::uint64_t tag = read_varint();
    ProtobufField field{.number = tag >> 3, .bytes = {}};
    switch (tag & 7) {
      case 0:
        field.integer = read_varint();
        break;
      case 1:
        field.integer = read_fixed(8);
        break;
      case 2:
        field.bytes = take(read_varint());
        break;
      case 5:
        field.integer = read_fixed(4);
        field.is_fixed32 = true;
        break;
      default:
        fail();
    }
    return field;
  }

 private:
  [[noreturn]] void fail() const { throw IoError(file_ + ": must be a protocol buffer, got other bytes"); }

  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) fail();
    const auto bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }

  std::uint64_t read_fixed(int count) {
    const auto bytes = take(count);
    std::uint64_t value = 0;
    for (int i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  }

  std::uint64_t read_varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }

  std::string_view rest_;
  const std::string& file_;
};

}  // namespace loewner::detail
