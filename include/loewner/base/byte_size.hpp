// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace loewner {

/// Number of bytes that a text such as "1.5GB", "800 MiB" or "24000000" states.
///
/// Units     kB, MB, GB and TB are powers of 1000; KiB, MiB, GiB and TiB are powers of 1024. Case
///           does not matter.
/// Errors    InvalidArgument, beginning with `name`, unless the text is a number and one of these
///           units, and the size lies in [1, 2^62).
std::int64_t parse_byte_size(const std::string& name, const std::string& text);

}  // namespace loewner
