// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "base/dispatch.hpp"

// A register of kBytes full of values, in the vector types of the compilers.
namespace loewner::detail {

template <int kBytes, typename Value>
struct RegisterOf {
  using Type __attribute__((vector_size(kBytes))) = Value;
};
template <int kBytes, typename Value>
using RegisterValues = typename RegisterOf<kBytes, Value>::Type;

template <int kBytes, typename Value>
LOEWNER_INLINE RegisterValues<kBytes, Value> load_register(const Value* p) {
  RegisterValues<kBytes, Value> x;
  std::memcpy(&x, p, sizeof(x));
  return x;
}

template <typename Register, typename Value>
LOEWNER_INLINE void store_register(Value* p, const Register& x) {
  std::memcpy(p, &x, sizeof(x));
}

}  // namespace loewner::detail
