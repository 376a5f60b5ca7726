// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "loewner/plan/encode.hpp"
#include "plan/matrix_survey.hpp"

namespace loewner {

/// What a method must offer to take part; the table in method.cpp is the only place that lists them.
struct MethodEntry {
  Method method;
  std::string_view name;
  std::vector<Candidate> (*curve)(MatrixSurvey& survey);  ///< points smaller than request.source_bytes
  Encoding (*encode)(const EncodeRequest& request);       ///< the best within max_bytes or max_error
  Index (*memory)(Index cols);                            ///< bytes besides the rows
  double zipf_exponent;                                   ///< of row weights that state none
};

const std::vector<MethodEntry>& method_entries();
const MethodEntry& entry_of(Method method);

std::vector<Candidate> svd_curve(MatrixSurvey& survey);
std::vector<Candidate> lp_curve(MatrixSurvey& survey);
Encoding encode_by_svd(const EncodeRequest& request);
Encoding encode_by_lp(const EncodeRequest& request);
Encoding encode_by_svd_or_lp(const EncodeRequest& request);
Index svd_memory(Index cols);
Index lp_memory(Index cols);

std::vector<Candidate> subspaces_curve(MatrixSurvey& survey);
Encoding encode_by_subspaces(const EncodeRequest& request);
Index subspaces_memory(Index cols);

std::vector<Candidate> codes_curve(MatrixSurvey& survey);
Encoding encode_by_codes(const EncodeRequest& request);

std::vector<Candidate> coded_svd_curve(MatrixSurvey& survey);
Encoding encode_by_coded_svd(const EncodeRequest& request);

std::vector<Candidate> archetypes_curve(MatrixSurvey& survey);
Encoding encode_by_archetypes(const EncodeRequest& request);
Index archetypes_memory(Index cols);

/// Whether archetypes could be better than all of the offers.
bool archetypes_compete(MatrixSurvey& survey, std::span<const Candidate> offers);

std::vector<Candidate> int8_curve(MatrixSurvey& survey);
std::vector<Candidate> int4_curve(MatrixSurvey& survey);
Encoding encode_by_int8(const EncodeRequest& request);
Encoding encode_by_int4(const EncodeRequest& request);

std::vector<Candidate> dense_curve(MatrixSurvey& survey);
Encoding encode_dense(const EncodeRequest& request);
Index pass_memory(Index cols);

}  // namespace loewner
