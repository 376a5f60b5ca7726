// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loewner/codec/channel_metric.hpp"
#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/model/input_moments.hpp"
#include "loewner/plan/allocation.hpp"
#include "loewner/plan/method.hpp"
#include "loewner/plan/method_options.hpp"

namespace loewner {

/// A matrix, and the size or the error that its encoding must meet.
struct EncodeRequest {
  std::shared_ptr<const RowSource> matrix;  ///< n x d
  std::span<const double> row_weights;      ///< n values > 0; empty: all ones
  Index source_bytes = 0;                   ///< of the stored matrix; an encoding must be smaller
  std::optional<Index> max_bytes;           ///< of the stored arrays; set this or max_error
  std::optional<double> max_error;          ///< relative weighted Frobenius error
  std::optional<double> planned_error{};    ///< relative squared error of the plan, if any
  Method method = Method::automatic;
  MethodOptions method_options;  ///< of any method; each method reads its own
  double norm_exponent = 2;      ///< p of the l_p errors
  NumberFormat factor_format = NumberFormat::f32;
  std::uint64_t seed = 0;  ///< random seed

  /// Of the inputs of a linear layer. In methods with MethodInfo::weighs_outputs, all errors are
  /// then those of the layer's outputs (output_error()) instead of the weighted Frobenius error;
  /// other methods ignore the moments. Null: none are known.
  const InputMoments* moments = nullptr;
  InputSide inputs = InputSide::cols;  ///< the side of the matrix that multiplies the inputs

  /// Of the rows of a table. All errors are then those of channel_error() instead of the weighted
  /// Frobenius error; those that coded_svd predicts are within 20 %. Null: the two are the same.
  std::shared_ptr<const ChannelMetric> metric{};

  /// Bytes of memory besides the rows. `automatic` skips the methods that need more.
  Index memory = std::numeric_limits<Index>::max();
};

/// An encoding. Its arrays are computed when they are read.
struct Encoding {
  std::unique_ptr<EncodedMatrix> matrix;
  Method method = Method::automatic;  ///< in results never automatic
  std::optional<Index> rank;
  std::map<std::string, Index> counts;  ///< MethodInfo::report_fields, by specification_field
  std::optional<double> bits;           ///< mean bits of an entry of codes or integers
  double predicted_error = 0;           ///< relative weighted error before rounding of factors
  std::optional<double> lp_error_svd;   ///< relative weighted l_p error of the SVD, if no metric
  std::optional<double> certificate;    ///< proven distortion of the l_p factorization; 1 if p = 2
};

/// A way to encode a matrix, with predicted size and error.
struct Candidate {
  Method method = Method::automatic;  ///< in results never automatic
  RatePoint point;                    ///< bytes of the arrays, relative weighted squared error
  std::optional<Index> rank;
  std::optional<double> bits;  ///< mean bits of an entry
};

/// Predicts size and error of the encodings that request.method can make with fewer bytes than
/// request.source_bytes. max_bytes and max_error of the request are ignored.
///
/// Shapes    result: in the order of the methods, and for each method by increasing bytes.
/// Method    that of request.method. `automatic` collects the candidates of the other methods and
///           skips those that cannot win (docs/design/planning.md).
/// Cost      svd: one Gram matrix and its eigenvalues. lp: also its factorization. dense and
///           integers: one pass over the rows. With a sample of the rows (is_planned_from_sample):
///           one pass, and a Gram matrix and the eigenvalues of 512 rows.
/// Accuracy  predicted errors are within 10 % of the measured ones. From a sample they are within
///           3 %; those of svd are within 15 % up to half of the ranks and within 25 % beyond
///           (tests in encode_test.cpp; sketch/sampled_singular_values.hpp).
/// Random    request.seed. The same bits for any number of threads.
/// Errors    InvalidArgument on a non-finite entry.
std::vector<Candidate> candidates(const EncodeRequest& request);

/// The candidate with the lowest predicted error within request.max_bytes, or with the fewest bytes
/// within request.max_error. The first of several equal ones.
///
/// Shapes    offers: any number, in any order.
/// Method    compares the offers one by one; reads no row of the matrix.
/// Cost      O(offers).
/// Accuracy  that of the predicted errors.
/// Errors    BudgetError if no candidate meets the budget; the message names the smallest size.
///           InvalidArgument unless exactly one of max_bytes and max_error is set.
Candidate best_candidate(const EncodeRequest& request, std::span<const Candidate> offers);

/// Whether candidates() estimates spectra and rounding errors from a sample of the rows: for
/// `automatic` on a matrix whose shorter side has more than 1024 entries. The choice of a method
/// needs no better estimates, and the chosen method computes its encoding from all rows.
///
/// Errors    none.
bool is_planned_from_sample(Method method, Index rows, Index cols);

/// Computes the encoding of one matrix.
///
/// Shapes    result: n x d.
/// Method    svd, lp: the largest rank within max_bytes, or the smallest within max_error. dense:
///           f16; bf16 if the factor format is bf16 or an entry overflows f16. automatic: the best
///           candidate. If it is svd and norm_exponent is not 2, lp is computed as well, and the
///           encoding with the lower relative weighted l_p error is returned.
/// Cost      svd: that of truncated_svd. lp: that of lp_factorization and of one or two passes of
///           4 n d k flops that compare it with the SVD.
/// Accuracy  Encoding::predicted_error is within 10 % of the error of the decoded matrix.
/// Random    request.seed. The same bits for any number of threads.
/// Errors    BudgetError if the smallest encoding is too large or no encoding is smaller than the
///           matrix; the message names the size. InvalidArgument on a non-finite entry, a bad norm
///           exponent or a bad option.
Encoding encode_matrix(const EncodeRequest& request);

/// The relative weighted l_p error of the row-weighted truncated SVD of this rank with factors in
/// the factor format: the value of Encoding::lp_error_svd.
///
/// Shapes    matrix of the request: n x d; rank in [1, min(n, d)].
/// Method    truncated_svd() by the Gram matrix with eps = 1e-4, then the errors of all rows.
/// Cost      that of truncated_svd, and one pass of 4 n d k flops.
/// Accuracy  that of truncated_svd.
/// Random    none.
/// Errors    InvalidArgument on a non-finite entry, a bad norm exponent or a bad rank.
double svd_lp_error(const EncodeRequest& request, Index rank);

/// Bytes of memory that a method needs besides the rows of the matrix. For `automatic`: the least
/// that it can work with.
///
/// Errors    none.
Index solver_bytes(Method method, Index cols);

/// Bytes of memory that a method needs beside these if the layer's inputs have moments: their
/// factors and what the prediction of errors takes from them.
///
/// Errors    none
Index moments_solver_bytes(Index inputs);

}  // namespace loewner
