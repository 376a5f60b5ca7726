// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>

#include "loewner/base/error.hpp"
#include "loewner/model/architecture.hpp"
#include "loewner/model/json.hpp"

// For any config.json the analysis classifies every tensor or throws IoError.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace loewner;
  static const std::vector<TensorDeclaration> kTensors = {{"shared.weight", DType::f32, {50, 8}},
                                                          {"encoder.embed_tokens.weight", DType::f32, {50, 8}},
                                                          {"h.0.attn.c_attn.weight", DType::f32, {8, 8}},
                                                          {"lm_head.weight", DType::f32, {50, 8}},
                                                          {"norm.weight", DType::f32, {8}},
                                                          {"", DType::i64, {}}};
  try {
    const auto config = parse_json_object({reinterpret_cast<const char*>(data), size}, "input");
    if (analyze_architecture(config, kTensors).places.size() != kTensors.size()) std::abort();
  } catch (const IoError&) {
  }
  return 0;
}
