// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/method.hpp"

#include <algorithm>

#include "loewner/base/error.hpp"
#include "plan/methods.hpp"

namespace loewner {

namespace {

// What kept most of sentence encoders (docs/results-compression.md): a single subspace must give up directions for everybody and
// does best to follow the frequent tokens alone; where rows get bits or subspaces of their own, the root is better.
constexpr double kZipfOfOneSubspace = 1, kZipf = 0.5;

}  // namespace

const std::vector<MethodEntry>& method_entries() {
  static const std::vector<MethodEntry> kEntries = {
      {Method::svd, "svd", svd_curve, encode_by_svd, svd_memory, kZipfOfOneSubspace},
      {Method::lp, "lp", lp_curve, encode_by_lp, lp_memory, kZipfOfOneSubspace},
      {Method::subspaces, "subspaces", subspaces_curve, encode_by_subspaces, subspaces_memory, kZipf},
      {Method::codes, "codes", codes_curve, encode_by_codes, pass_memory, kZipf},
      {Method::coded_svd, "coded-svd", coded_svd_curve, encode_by_coded_svd, svd_memory, kZipf},
      {Method::archetypes, "archetypes", archetypes_curve, encode_by_archetypes, archetypes_memory, kZipf},
      {Method::int8, "int8", int8_curve, encode_by_int8, pass_memory, kZipf},
      {Method::int4, "int4", int4_curve, encode_by_int4, pass_memory, kZipf},
      {Method::dense, "dense", dense_curve, encode_dense, pass_memory, kZipf},
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

double default_zipf_exponent(Method method) {
  return method == Method::automatic ? kZipf : entry_of(method).zipf_exponent;
}

std::optional<Method> method_from_string(std::string_view name) {
  for (const Method method : all_methods()) {
    if (to_string(method) == name) return method;
  }
  return std::nullopt;
}

}  // namespace loewner
