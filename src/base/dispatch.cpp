// SPDX-License-Identifier: Apache-2.0
#include "base/dispatch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace loewner::detail {
namespace {

Isa named_limit() {
  constexpr std::array<std::pair<std::string_view, Isa>, 3> kLimits = {
      {{"plain", Isa::scalar}, {"avx2", Isa::avx2}, {"avx512", Isa::avx512}}};
  const char* const value = std::getenv("LOEWNER_ISA");
  const auto* const limit = std::ranges::find(kLimits, std::string_view(value == nullptr ? "" : value),
                                              &std::pair<std::string_view, Isa>::first);
  return limit == kLimits.end() ? Isa::avx512_vnni : limit->second;
}

Isa best_isa() {
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::scalar;
  const bool vnni = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi");
  return !avx512 ? Isa::avx2 : vnni ? Isa::avx512_vnni : Isa::avx512;
#else
  return Isa::scalar;
#endif
}

std::atomic<Isa>& chosen() {
  static std::atomic<Isa> value = std::min(named_limit(), best_isa());
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
