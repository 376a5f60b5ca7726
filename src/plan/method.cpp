// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/method.hpp"

#include <algorithm>

#include "loewner/base/error.hpp"
#include "plan/methods.hpp"

namespace loewner {

const std::vector<MethodEntry>& method_entries() {
  static const std::vector<MethodEntry> kEntries = {
      {Method::svd, "svd", svd_curve, encode_by_svd, svd_memory},
      {Method::lp, "lp", lp_curve, encode_by_lp, lp_memory},
      {Method::dense, "dense", dense_curve, encode_dense, pass_memory},
  };
  return kEntries;
}

const MethodEntry& entry_of(Method method) {
  const auto& entries = method_entries();
  const auto entry = std::ranges::find(entries, method, &MethodEntry::method);
  LOEWNER_ASSERT(entry != entries.end());
  return *entry;
}

const std::vector<Method>& all_methods() {
  static const std::vector<Method> kMethods = [] {
    std::vector<Method> methods = {Method::automatic};
    for (const auto& entry : method_entries()) methods.push_back(entry.method);
    return methods;
  }();
  return kMethods;
}

std::string_view to_string(Method method) {
  return method == Method::automatic ? "auto" : entry_of(method).name;
}

std::optional<Method> method_from_string(std::string_view name) {
  for (const Method method : all_methods()) {
    if (to_string(method) == name) return method;
  }
  return std::nullopt;
}

}  // namespace loewner
