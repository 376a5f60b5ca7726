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
  return method.competes == nullptr || method.competes(survey, others);
}

std::vector<Candidate> automatic_curve(MatrixSurvey& survey) {
  std::vector<Candidate> all;
  for (const AutomaticTurn turn : {AutomaticTurn::first, AutomaticTurn::last}) {
    for (const auto& method : method_descriptors()) {
      if (takes_part(method, turn, survey, all)) std::ranges::move(method.curve(survey), std::back_inserter(all));
    }
  }
  return all;
}

Encoding encode_automatically(const EncodeRequest& request) {
  const Candidate best = best_candidate(request, candidates(request));
  EncodeRequest named = request;
  named.method = best.method;
  const auto& method = descriptor_of(best.method);
  return method.encode_candidate != nullptr ? method.encode_candidate(named, best) : method.encode(named);
}

}  // namespace

MethodDescriptor automatic_method() {
  return {.info = {.method = Method::automatic,
                   .name = "auto",
                   .description = "the other method with the lowest predicted weighted error at the given size",
                   .weighs_outputs = true},
          .curve = automatic_curve,
          .encode = encode_automatically,
          .memory = pass_memory,
          .turn = AutomaticTurn::never};
}

}  // namespace loewner
