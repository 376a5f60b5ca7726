// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// What is measured of one encoded tensor on the stored numbers. Errors are relative: (sum_i u_i sum_j |a_ij - b_ij|^q
/// / sum_i u_i sum_j |a_ij|^q)^(1/q).
struct TensorErrors {
  double relative_error = 0;           ///< q = 2, u = 1
  double weighted_relative_error = 0;  ///< q = 2, u = the row weights
  double lp_error = 0;                 ///< q = norm_exponent, u = the row weights
};

/// One row of the report: what was done to a tensor and what it cost.
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
  std::string row_weights;             ///< where the row weights came from
  Index bytes_before = 0;              ///< data and header entry
  Index bytes_after = 0;               ///< data, header entries and specification
  double predicted_error = 0;          ///< weighted_relative_error before rounding to the factor format
  TensorErrors errors;                 ///< zero in a dry run
  std::optional<double> lp_error_svd;  ///< lp_error of the truncated SVD of the same rank
  std::optional<double> certificate;   ///< proven distortion of the l_p factorisation (1 for the SVD)
  double seconds = 0;
};

struct CompressReport {
  std::vector<TensorReport> tensors;
  Index weights_before = 0;  ///< bytes of all weight files
  Index weights_after = 0;
  Index folder_before = 0;  ///< bytes of all files
  Index folder_after = 0;
  double seconds = 0;
  std::vector<std::string> notes;  ///< what a user should know: skipped tensors, resumed parts
};

/// The stable form of --json; documented in docs/report.md.
Json to_json(const TensorReport& tensor);
Json to_json(const CompressReport& report);

/// The errors as they are stored in the output's specification and compared by verify.
Json claims_to_json(const TensorReport& tensor);

/// The row of a finished output, from its specification; bytes and seconds are left at zero. IoError when a field is
/// missing.
TensorReport report_from_specification(const std::string& name, const Json& spec);

}  // namespace loewner
