// SPDX-License-Identifier: Apache-2.0
#include "base/dispatch.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
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
  constexpr std::array<std::pair<std::string_view, Isa>, 5> kLimits = {{{"plain", Isa::scalar},
                                                                        {"avx2", Isa::avx2},
                                                                        {"avx_vnni", Isa::avx_vnni},
                                                                        {"avx512", Isa::avx512},
                                                                        {"avx512_vnni", Isa::avx512_vnni}}};
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

// Also on processors with AVX-512. clang 14 does not know the name avxvnni.
bool has_avx_vnni() {
#if defined(__x86_64__)
  constexpr unsigned kAvxVnni = 1U << 4;  // of register a of leaf 7, 1
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("gfni") && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvxVnni) != 0;
#else
  return false;
#endif
}

Isa best_isa() {
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::scalar;
  if (!avx512) return has_avx_vnni() ? Isa::avx_vnni : Isa::avx2;
  const bool vnni = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi");
  if (!vnni || !__builtin_cpu_supports("gfni")) return Isa::avx512;
  return may_use_tiles() ? Isa::amx : Isa::avx512_vnni;
#else
  return Isa::scalar;
#endif
}

// The best instruction set up to `most`.
Isa isa_within(Isa most) {
  static const Isa best = best_isa();
  const Isa found = std::min(most, best);
  return found == Isa::avx_vnni && !has_avx_vnni() ? Isa::avx2 : found;
}

std::atomic<Isa>& chosen() {
  static std::atomic<Isa> value = isa_within(named_limit());
  return value;
}

}  // namespace

Isa isa() {
  return chosen().load(std::memory_order_relaxed);
}

void limit_isa(Isa most) {
  chosen() = isa_within(most);
}

}  // namespace loewner::detail
