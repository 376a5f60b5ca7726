// SPDX-License-Identifier: Apache-2.0
#include "compress/same_bytes.hpp"

#include <algorithm>
#include <fstream>
#include <span>
#include <utility>
#include <vector>

#include "loewner/base/error.hpp"

namespace loewner::detail {

bool have_same_bytes(const Checkpoint& of_a, const CheckpointTensor& a, const Checkpoint& of_b,
                     const CheckpointTensor& b) {
  if (a.info->dtype != b.info->dtype || a.info->shape != b.info->shape) return false;
  constexpr Index kBlock = Index{1} << 20;
  std::vector<std::byte> left(kBlock), right(kBlock);
  for (Index offset = 0; offset < a.info->bytes(); offset += kBlock) {
    const auto count = static_cast<std::size_t>(std::min(kBlock, a.info->bytes() - offset));
    of_a.shard_of(a).file->read(*a.info, offset, std::span(left).first(count));
    of_b.shard_of(b).file->read(*b.info, offset, std::span(right).first(count));
    if (!std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count), right.begin())) return false;
  }
  return true;
}

bool have_same_content(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::ifstream left(a, std::ios::binary), right(b, std::ios::binary);
  for (const auto& [stream, path] : {std::pair(&left, &a), std::pair(&right, &b)}) {
    if (!*stream) throw IoError(path->string() + ": cannot open");
  }
  constexpr std::streamsize kBlock = std::streamsize{1} << 20;
  std::vector<char> left_block(kBlock), right_block(kBlock);
  while (left || right) {
    left.read(left_block.data(), kBlock);
    right.read(right_block.data(), kBlock);
    if (left.gcount() != right.gcount() ||
        !std::equal(left_block.begin(), left_block.begin() + left.gcount(), right_block.begin()))
      return false;
  }
  return true;
}

}  // namespace loewner::detail
