// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "loewner/plan/encode.hpp"
#include "loewner/plan/method.hpp"
#include "plan/matrix_survey.hpp"

namespace loewner {

/// When `automatic` asks a method for its candidates.
enum class AutomaticTurn {
  never,  ///< only a user selects the method, by its name
  first,
  last,  ///< after the methods of the first turn, because its search takes longer than theirs
};

/// Everything that the library knows about a method. Each method defines its own descriptor beside
/// its implementation; method.cpp lists them.
struct MethodDescriptor {
  MethodInfo info;

  /// Candidates with fewer bytes than request.source_bytes.
  std::vector<Candidate> (*curve)(MatrixSurvey& survey) = nullptr;

  /// The encoding with the lowest error within max_bytes, or with the fewest bytes within
  /// max_error.
  Encoding (*encode)(const EncodeRequest& request) = nullptr;

  /// Bytes of memory for a matrix with this number of columns, without its rows.
  Index (*memory)(Index cols) = nullptr;

  AutomaticTurn turn = AutomaticTurn::first;

  /// Whether a candidate of this method may win against those found so far. Null: always.
  bool (*competes)(MatrixSurvey& survey, std::span<const Candidate> others) = nullptr;

  /// Encodes the candidate that `automatic` chose. Null: `encode`.
  Encoding (*encode_candidate)(const EncodeRequest& request, const Candidate& candidate) = nullptr;
};

/// For `competes` of methods that lose to codes below 8 bits an entry if errors are those of outputs
/// (docs/design/activation-aware-codes.md).
inline bool only_without_moments(MatrixSurvey& survey, std::span<const Candidate>) {
  return survey.request().moments == nullptr;
}

/// The candidates of a method for a request that may have a metric, which only `automatic` and this
/// function know: other curves and encodings take a request in its metric, or one without.
std::vector<Candidate> curve_of(const MethodDescriptor& method, MatrixSurvey& survey);

/// The same for an encoding. candidate: what `automatic` chose, or null.
Encoding encoding_of(const MethodDescriptor& method, const EncodeRequest& request, const Candidate* candidate);

/// The descriptors of all methods, in the order of all_methods().
const std::vector<MethodDescriptor>& method_descriptors();
const MethodDescriptor& descriptor_of(Method method);

}  // namespace loewner
