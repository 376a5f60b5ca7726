// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>

#include "plan/method_descriptor.hpp"
#include "plan/solver_memory.hpp"

namespace loewner {
namespace {

bool takes_part(const MethodDescriptor& method, AutomaticTurn turn, MatrixSurvey& survey,
                std::span<const Candidate> others) {
  const EncodeRequest& request = survey.request();
  if (request.moments != nullptr && !method.info.weighs_outputs) return false;
  if (method.turn != turn || method.memory(request.matrix->cols()) > request.memory) return false;
  // Errors of candidates are those of the request's metric, and so are the singular values here.
  MatrixSurvey& compared = request.metric == nullptr ? survey : survey.for_method(descriptor_of(Method::svd).info);
  return method.competes == nullptr || method.competes(compared, others);
}

std::vector<Candidate> automatic_curve(MatrixSurvey& survey) {
  std::vector<Candidate> all;
  for (const AutomaticTurn turn : {AutomaticTurn::first, AutomaticTurn::last}) {
    for (const auto& method : method_descriptors()) {
      if (takes_part(method, turn, survey, all)) std::ranges::move(curve_of(method, survey), std::back_inserter(all));
    }
  }
  return all;
}

// The method of a request with moments, if no other one takes part: its candidates then decide nothing, and for many
// inputs they take as long as the codes.
const MethodDescriptor* only_method(const EncodeRequest& request) {
  if (request.moments == nullptr) return nullptr;
  MatrixSurvey survey(request);
  const MethodDescriptor* only = nullptr;
  for (const auto& method : method_descriptors()) {
    const bool is_asked = method.turn != AutomaticTurn::never && takes_part(method, method.turn, survey, {});
    if (is_asked && only != nullptr) return nullptr;
    if (is_asked) only = &method;
  }
  return only;
}

Encoding encode_automatically(const EncodeRequest& request) {
  EncodeRequest named = request;
  if (const auto* method = only_method(request)) {
    named.method = method->info.method;
    return encoding_of(*method, named, nullptr);
  }
  const Candidate best = best_candidate(request, candidates(request));
  named.method = best.method;
  return encoding_of(descriptor_of(best.method), named, &best);
}

}  // namespace

MethodDescriptor automatic_method() {
  return {.info = {.method = Method::automatic,
                   .name = "auto",
                   .description = "the other method with the lowest predicted weighted error at the given size",
                   .weighs_outputs = true,
                   .weighs_channels = true},
          .curve = automatic_curve,
          .encode = encode_automatically,
          .memory = pass_memory,
          .turn = AutomaticTurn::never};
}

}  // namespace loewner
