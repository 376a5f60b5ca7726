// SPDX-License-Identifier: Apache-2.0
#include "base/dispatch.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace loewner::detail {
namespace {

Isa named_limit() {
  constexpr std::array<std::pair<std::string_view, Isa>, 4> kLimits = {
      {{"plain", Isa::scalar}, {"avx2", Isa::avx2}, {"avx512", Isa::avx512}, {"avx512_vnni", Isa::avx512_vnni}}};
  const char* const value = std::getenv("LOEWNER_ISA");
  const auto* const limit = std::ranges::find(kLimits, std::string_view(value == nullptr ? "" : value),
                                              &std::pair<std::string_view, Isa>::first);
  return limit == kLimits.end() ? Isa::amx : limit->second;
}

#if defined(__x86_64__)
// Linux gives the state of tiles only to processes that ask for it, and not to those with signal stacks too small for it.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  constexpr unsigned kTileAndInt8 = 3U << 24;                  // of register d of leaf 7
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kTileAndInt8) == kTileAndInt8 &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

Isa best_isa() {
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::scalar;
  if (!avx512) return Isa::avx2;
  if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512vbmi")) return Isa::avx512;
  return may_use_tiles() ? Isa::amx : Isa::avx512_vnni;
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
  static const Isa best = best_isa();
  chosen() = std::min(most, best);
}

}  // namespace loewner::detail
