// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "base/dispatch.hpp"

namespace loewner::test {

inline constexpr std::array kInstructionSets = {detail::Isa::scalar,   detail::Isa::neon_dot, detail::Isa::avx2,
                                                detail::Isa::avx_vnni, detail::Isa::avx512,   detail::Isa::avx512_vnni,
                                                detail::Isa::amx};

/// Limits the instruction set for one scope.
class IsaLimit {
 public:
  explicit IsaLimit(detail::Isa most) { detail::limit_isa(most); }
  ~IsaLimit() { detail::limit_isa(detail::Isa::amx); }
  IsaLimit(const IsaLimit&) = delete;
  IsaLimit& operator=(const IsaLimit&) = delete;
};

}  // namespace loewner::test
