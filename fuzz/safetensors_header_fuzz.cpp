// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "loewner/base/error.hpp"
#include "loewner/model/safetensors_header.hpp"
#include "loewner/model/safetensors_writer.hpp"

namespace {

using namespace loewner;

// An accepted header is read back as the same tensors after writing.
void require_round_trip(const SafetensorsHeader& header, Index bytes) {
  const auto is_unnamed = [](const TensorInfo& tensor) { return tensor.name.empty(); };
  if (std::ranges::any_of(header.tensors, is_unnamed)) return;  // the reader accepts empty names, the writer does not
  const auto text = safetensors_header({header.tensors.begin(), header.tensors.end()}, header.metadata);
  const auto again = parse_safetensors_header(text.substr(kSafetensorsPrefixBytes), bytes, "again");
  const auto is_same = [](const TensorInfo& a, const TensorInfo& b) {
    return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && a.begin == b.begin && a.end == b.end;
  };
  if (!std::ranges::equal(header.tensors, again.tensors, is_same) || header.metadata != again.metadata) std::abort();
}

}  // namespace

// Input: the length of the data section in one byte, then the header.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  try {
    const auto header = parse_safetensors_header({reinterpret_cast<const char*>(data + 1), size - 1}, data[0], "input");
    require_round_trip(header, data[0]);
  } catch (const IoError&) {
  }
  return 0;
}
