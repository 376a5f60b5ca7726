// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "loewner/attention/heavy_key_stream.hpp"
#include "loewner/base/error.hpp"

// An accepted state is written back as the same bytes, and the stream can select keys.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loewner;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const HeavyKeyStream stream = HeavyKeyStream::from_bytes(bytes);
    if (stream.to_bytes() != bytes) std::abort();
    (void)stream.current();
  } catch (const IoError&) {
  }
  return 0;
}
