// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "loewner/plan/encode.hpp"

// Requests with a metric M (EncodeRequest::metric). Methods with MethodInfo::weighs_channels get
// them in the metric: `matrix` is T M^1/2 for the given table T, so that a method minimizes the plain
// error and only multiplies its right factor by M^-1/2. Other methods get the table without its
// metric. The error of their codes or of their rounding is about the same in all channels.
namespace loewner {

/// The request in its metric. Its rows are in memory if they fit there.
EncodeRequest in_metric(const EncodeRequest& given);

/// The factor k by which a relative squared error that is the same in all channels grows in the
/// metric:  sum_i u_i |t_i|^2 / sum_i u_i t_i M t_i^T,  because the mean eigenvalue of M is 1.
double factor_of_equal_errors(const EncodeRequest& given, const EncodeRequest& in_metric);

/// The request without its metric; max_error becomes that of errors that are the same in all
/// channels.
EncodeRequest without_metric(const EncodeRequest& given, double factor);

/// A right factor in the metric, as it is stored: V M^-1/2; V without a metric.
Matrix<double> stored_right_factor(const EncodeRequest& request, MatrixView<const double> v);

/// The rows of an encoding of a request in its metric, to compare with request.matrix. Refers to
/// `encoded`.
std::shared_ptr<const RowSource> compared_rows(const EncodeRequest& request, const RowSource& encoded);

}  // namespace loewner
