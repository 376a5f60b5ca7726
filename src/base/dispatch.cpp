// SPDX-License-Identifier: Apache-2.0
#include "base/dispatch.hpp"

#include <algorithm>
#include <atomic>

namespace loewner::detail {
namespace {

Isa best_isa() {
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::scalar;
  return avx512 ? Isa::avx512 : Isa::avx2;
#else
  return Isa::scalar;
#endif
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
