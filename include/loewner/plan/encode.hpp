// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loewner/codec/encoded_matrix.hpp"
#include "loewner/plan/allocation.hpp"
#include "loewner/plan/method.hpp"

namespace loewner {

/// A matrix and what its encoding must achieve.
struct EncodeRequest {
  std::shared_ptr<const RowSource> matrix;  ///< n x d
  std::span<const double> row_weights;      ///< n values > 0, or empty
  Index source_bytes = 0;                   ///< of the matrix as it is stored now; an encoding must be smaller
  std::optional<Index> max_bytes;           ///< of the stored arrays; this or max_error
  std::optional<double> max_error;          ///< relative weighted Frobenius error
  Method method = Method::automatic;
  double norm_exponent = 2;
  NumberFormat factor_format = NumberFormat::f32;
  std::optional<Index> num_subspaces;   ///< none: chosen by the budget
  std::optional<Index> num_archetypes;  ///< none: one for each 256 rows, at most 256
  Index archetypes_per_row = 4;         ///< that every row is a mixture of
  std::uint64_t seed = 0;
  Index memory = std::numeric_limits<Index>::max();  ///< automatic leaves out what needs more than these bytes
};

/// An encoding whose arrays are computed when they are read, and what is known of it before it is stored.
struct Encoding {
  std::unique_ptr<EncodedMatrix> matrix;
  Method method = Method::svd;  ///< never automatic
  std::optional<Index> rank;
  std::optional<Index> subspaces;      ///< number of clusters
  std::optional<double> bits;          ///< mean bits of an entry, of codes and integers; of the residual's codes
  double predicted_error = 0;          ///< relative weighted Frobenius error, before rounding to the factor format
  std::optional<double> lp_error_svd;  ///< relative weighted l_p error of the truncated SVD of the same rank
  std::optional<double> certificate;   ///< proven distortion of the l_p factorisation; 1 for p = 2
};

/// One way to store a matrix, as predicted: bytes of the arrays, and the square of the relative weighted error.
struct Candidate {
  Method method = Method::svd;
  RatePoint point;
  std::optional<Index> rank;
  std::optional<double> bits;  ///< mean bits of an entry
};

/// What request.method offers below the bytes that the matrix takes now; for automatic what every method offers. The
/// budgets of the request are not looked at.
///
/// Cost      svd: one Gram matrix and its eigenvalues. lp: its factorisation besides. dense: one pass over the rows.
///           Planned from a sample: one pass, and a Gram matrix and eigenvalues of 512 rows.
/// Accuracy  predicted errors within 10 % (tests); from a sample within 3 %, of svd within 15 % up to half of the
///           ranks and 25 % beyond (tests; sketch/sampled_singular_values.hpp).
/// Errors    InvalidArgument on a non-finite entry.
std::vector<Candidate> candidates(const EncodeRequest& request);

/// The offer that encode_matrix would take: of the lowest predicted error within request.max_bytes, or of the fewest
/// bytes within request.max_error. BudgetError, naming the smallest size, when there is none.
Candidate best_candidate(const EncodeRequest& request, std::span<const Candidate> offers);

/// Whether candidates() estimates spectra and rounding errors from a sample of the rows: for automatic, where the
/// shorter side has more than 1024 entries. The choice between methods needs no more, and whichever is chosen does its
/// own exact work; a method that is asked for by name is planned exactly.
bool is_planned_from_sample(Method method, Index rows, Index cols);

/// Computes the encoding of one matrix.
///
/// Method    svd, lp: the largest rank within max_bytes, or the smallest within max_error. dense: f16, or bf16 where
///           the factor format says so or halves overflow. automatic: the best candidate; where that is svd and
///           p = norm_exponent is not 2, lp is computed too and the one of lower relative weighted l_p error stays.
/// Cost      that of truncated_svd and lp_factorization; lp and automatic one or two more passes of 4 n d k flops to
///           compare.
/// Errors    BudgetError when even the smallest encoding is too large or none is smaller than the matrix itself; the
///           message names the size. InvalidArgument on a non-finite entry or a bad norm exponent.
Encoding encode_matrix(const EncodeRequest& request);

/// The relative weighted l_p error of the row-weighted truncated SVD of this rank, its factors rounded to the factor
/// format: what Encoding::lp_error_svd states.
///
/// Cost      that of truncated_svd and one pass of 4 n d k flops.
/// Errors    InvalidArgument on a non-finite entry, a bad norm exponent or rank.
double svd_lp_error(const EncodeRequest& request, Index rank);

/// Bytes of memory that a method takes besides the rows of the matrix; automatic: the least that it can do with.
Index solver_bytes(Method method, Index cols);

}  // namespace loewner
