// SPDX-License-Identifier: Apache-2.0
#include "loewner/base/matrix.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace loewner::detail {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{1} << 21;

}  // namespace

void* allocate_matrix(std::size_t bytes) {
  const std::size_t alignment = bytes >= 2 * kHugePage ? kHugePage : kAlignment;
  void* const data = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!data) throw std::bad_alloc();
  // Large matrices are written once: huge pages cause 512 times fewer page faults. If the system refuses them, only
  // time is lost.
  if (alignment == kHugePage) (void)madvise(data, bytes, MADV_HUGEPAGE);
  return data;
}

void free_matrix(void* data) noexcept {
  std::free(data);
}

}  // namespace loewner::detail
