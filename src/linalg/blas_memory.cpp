// SPDX-License-Identifier: Apache-2.0
#include "linalg/blas_memory.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <vector>

#include "loewner/base/checked_size.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"

// Of OpenBLAS; other libraries lack them.
extern "C" void* blas_memory_alloc(int) __attribute__((weak));
extern "C" void blas_memory_free(void*) __attribute__((weak));

namespace loewner::blas {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{129} << 20;  // of OpenBLAS on x86-64, with alignment
constexpr std::size_t kOwnBytes = std::size_t{32} << 20;      // the least that a run needs besides
constexpr int kMostBuffers = 32;                              // more threads share the rest of its table

bool has_address_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

bool can_map(std::size_t bytes) {
  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  ::munmap(memory, bytes);
  return true;
}

}  // namespace

void reserve_memory() {
  if (!has_address_limit()) return;
  const int threads = std::min(num_threads(), kMostBuffers);
  const std::size_t bytes = static_cast<std::size_t>(threads) * kBufferBytes + kOwnBytes;
  if (!can_map(bytes)) {
    throw IoError("not enough memory: " + std::to_string(threads) + " threads need " + std::to_string(bytes >> 20) +
                  " MiB of address space; raise the limit (ulimit -v) or use fewer threads");
  }
  if (blas_memory_alloc == nullptr || blas_memory_free == nullptr) return;
  std::vector<void*> buffers;
  buffers.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) buffers.push_back(blas_memory_alloc(0));
  for (void* const buffer : buffers) blas_memory_free(buffer);
}

}  // namespace loewner::blas
