// SPDX-License-Identifier: Apache-2.0
#include "loewner/plan/method.hpp"

#include <algorithm>

#include "loewner/base/error.hpp"
#include "plan/method_descriptor.hpp"

namespace loewner {

// The registry of methods: a declaration and an entry of the table for each method. Help texts and
// reports list them in this order, and `automatic` takes the first of candidates with equal errors.
MethodDescriptor automatic_method();
MethodDescriptor svd_method();
MethodDescriptor lp_method();
MethodDescriptor subspaces_method();
MethodDescriptor codes_method();
MethodDescriptor coded_svd_method();
MethodDescriptor archetypes_method();
MethodDescriptor int8_method();
MethodDescriptor int4_method();
MethodDescriptor dense_method();

const std::vector<MethodDescriptor>& method_descriptors() {
  static const std::vector<MethodDescriptor> kMethods = {
      automatic_method(), svd_method(),        lp_method(),   subspaces_method(), codes_method(),
      coded_svd_method(), archetypes_method(), int8_method(), int4_method(),      dense_method(),
  };
  return kMethods;
}

const MethodDescriptor& descriptor_of(Method method) {
  const auto& all = method_descriptors();
  const auto found = std::ranges::find_if(all, [&](const auto& one) { return one.info.method == method; });
  LOEWNER_ASSERT(found != all.end());
  return *found;
}

const std::vector<Method>& all_methods() {
  static const std::vector<Method> kMethods = [] {
    std::vector<Method> methods;
    for (const auto& descriptor : method_descriptors()) methods.push_back(descriptor.info.method);
    return methods;
  }();
  return kMethods;
}

const MethodInfo& info_of(Method method) {
  return descriptor_of(method).info;
}

std::string_view to_string(Method method) {
  return info_of(method).name;
}

std::optional<Method> method_from_string(std::string_view name) {
  for (const Method method : all_methods()) {
    if (to_string(method) == name) return method;
  }
  return std::nullopt;
}

}  // namespace loewner
