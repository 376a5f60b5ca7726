// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>

#include "loewner/base/error.hpp"
#include "loewner/model/safetensors_index.hpp"

// An accepted index names files without folders, and is read back as the same map after writing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loewner;
  try {
    const auto index = parse_safetensors_index({reinterpret_cast<const char*>(data), size}, "input");
    for (const auto& [tensor, shard] : index.weight_map) {
      if (shard.find('/') != shard.npos || shard.find("..") != shard.npos) std::abort();
    }
    if (parse_safetensors_index(to_text(index), "again").weight_map != index.weight_map) std::abort();
  } catch (const IoError&) {
  }
  return 0;
}
