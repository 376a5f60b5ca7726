// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/model/json.hpp"

namespace loewner {

/// Errors of one encoded tensor, measured on the stored numbers. Each is relative:
/// (sum_i u_i sum_j |a_ij - b_ij|^q / sum_i u_i sum_j |a_ij|^q)^(1/q).
struct TensorErrors {
  double relative_error = 0;           ///< q = 2, u = 1
  double weighted_relative_error = 0;  ///< q = 2, u = the row weights
  double lp_error = 0;                 ///< q = norm_exponent, u = the row weights
};

/// One row of the report: the encoding of a tensor, its bytes and its errors.
struct TensorReport {
  std::string name;
  std::string role;
  Index rows = 0, cols = 0;
  std::string method;     ///< name of a Method
  std::string structure;  ///< name of a structure in docs/format.md
  std::optional<Index> rank;
  std::map<std::string, Index> counts;  ///< MethodInfo::report_fields by name, where they are known
  std::optional<double> bits;           ///< mean bits of an entry, of codes and integers
  double norm_exponent = 2;
  std::string row_weights;             ///< source of the row weights
  Index bytes_before = 0;              ///< data and header entry
  Index bytes_after = 0;               ///< data, header entries and specification
  double predicted_error = 0;          ///< weighted_relative_error before rounding
  TensorErrors errors;                 ///< zero in a dry run
  std::optional<double> lp_error_svd;  ///< lp_error of the truncated SVD of the same rank
  std::optional<double> certificate;   ///< proven distortion; 1 for the SVD with p = 2
  std::optional<double> output_error;  ///< of the layer's outputs; none without moments
  double seconds = 0;
  Json calibration;  ///< given to CompressSession::finish(); null without
};

struct CompressReport {
  std::vector<TensorReport> tensors;
  Index weights_before = 0;  ///< bytes of all weight files
  Index weights_after = 0;
  Index folder_before = 0;  ///< bytes of all files
  Index folder_after = 0;
  double seconds = 0;
  Json calibration;                ///< given to CompressSession::finish(); null without
  std::vector<std::string> notes;  ///< messages to the user: skipped tensors, resumed parts
};

/// The report as JSON; its fields are documented in docs/report.md.
///
/// Errors    none.
Json to_json(const TensorReport& tensor);
Json to_json(const CompressReport& report);

/// The errors as the output's specification stores them.
///
/// Errors    none.
Json claims_to_json(const TensorReport& tensor);

/// The report of an encoded tensor from its specification. Bytes and seconds are zero.
///
/// Errors    IoError when a field is missing or has the wrong type.
TensorReport report_from_specification(const std::string& name, const Json& spec);

}  // namespace loewner
