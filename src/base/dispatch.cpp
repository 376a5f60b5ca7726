// SPDX-License-Identifier: Apache-2.0
#include "base/dispatch.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
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
unsigned register_of_leaf7(unsigned leaf, bool is_a) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, leaf, &a, &b, &c, &d) == 0) return 0;
  return is_a ? a : d;
}

// Linux gives the state of tiles only to processes that ask for it, and not to those with signal stacks too small for it.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  constexpr unsigned kTileAndInt8 = 3U << 24;
  return (register_of_leaf7(0, false) & kTileAndInt8) == kTileAndInt8 &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

bool has(Isa isa) {
  constexpr unsigned kAvxVnni = 1U << 4;  // clang 14 does not know its name
  switch (isa) {
    case Isa::scalar:
      return true;
    case Isa::neon_dot:
      return false;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx_vnni:
      return has(Isa::avx2) && __builtin_cpu_supports("gfni") && (register_of_leaf7(1, true) & kAvxVnni) != 0;
    case Isa::avx512:
      return has(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case Isa::avx512_vnni:
      return has(Isa::avx512) && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi") &&
             __builtin_cpu_supports("gfni");
    case Isa::amx:
      return has(Isa::avx512_vnni) && may_use_tiles();
  }
  return false;
}
#else
bool has(Isa isa) {
#if defined(__aarch64__) && defined(__linux__)
  constexpr unsigned long kDotProducts = 1UL << 20;  // HWCAP_ASIMDDP
  if (isa == Isa::neon_dot) return (getauxval(AT_HWCAP) & kDotProducts) != 0;
#endif
  return isa == Isa::scalar;
}
#endif

// The last that the processor has, up to `most`.
Isa isa_within(Isa most) {
  constexpr std::array kAll = {Isa::amx,  Isa::avx512_vnni, Isa::avx512, Isa::avx_vnni,
                               Isa::avx2, Isa::neon_dot,    Isa::scalar};
  return *std::ranges::find_if(kAll, [&](Isa isa) { return isa <= most && has(isa); });
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
