// SPDX-License-Identifier: Apache-2.0
#include "detail/dispatch.hpp"

#include <algorithm>
#include <atomic>

namespace loewner::detail {
namespace {

Isa best_isa() {
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512 && __builtin_cpu_supports("avx2")) return Isa::avx512;
  if (__builtin_cpu_supports("avx2")) return Isa::avx2;
#endif
  return Isa::scalar;
}

std::atomic<Isa>& chosen() {
  static std::atomic<Isa> value = best_isa();
  return value;
}

}  // namespace

Isa isa() {
  return chosen().load(std::memory_order_relaxed);
}

void limit_isa(Isa most) {
  chosen() = std::min(most, best_isa());
}

}  // namespace loewner::detail
