// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "loewner/base/error.hpp"
#include "loewner/model/row_weights.hpp"

namespace {

using namespace loewner;

Vocabulary parse(char kind, std::string_view bytes) {
  switch (kind) {
    case 'j':
      return parse_tokenizer_json(bytes, "input");
    case 'v':
      return parse_vocab_json(bytes, "input");
    case 't':
      return parse_vocab_txt(bytes, "input");
    default:
      return parse_sentencepiece_model(bytes, "input");
  }
}

void require_good_weights(const std::vector<double>& weights) {
  if (!std::ranges::all_of(weights, [](double w) { return w > 0 && w <= 1; })) std::abort();
}

}  // namespace

// Input: one byte that selects the reader, then its text. Accepted text gives weights in (0, 1].
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr Index kRows = 20;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    if (data[0] == 'c') {
      require_good_weights(count_row_weights(parse_token_counts(bytes, kRows, "input"), std::nullopt, 0.5).values);
    } else {
      require_good_weights(zipf_row_weights(parse(static_cast<char>(data[0]), bytes), kRows, 1).values);
    }
  } catch (const IoError&) {
  }
  return 0;
}
