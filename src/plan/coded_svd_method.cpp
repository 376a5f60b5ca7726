// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "linalg/blas.hpp"
#include "linalg/matrix_copies.hpp"
#include "linalg/row_kernels.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/codec/entropy_codes.hpp"
#include "loewner/codec/ladder_choice.hpp"
#include "loewner/codec/product.hpp"
#include "loewner/codec/trellis_quantizer.hpp"
#include "loewner/linalg/row_projection.hpp"
#include "loewner/linalg/truncated_svd.hpp"
#include "plan/error_search.hpp"
#include "plan/method_descriptor.hpp"
#include "plan/metric_request.hpp"
#include "plan/solver_memory.hpp"
#include "plan/tall_matrix.hpp"

namespace loewner {
namespace {

constexpr std::array<std::string_view, 2> kWordsOfCodes = {"trellis", "entropy"};
constexpr MethodOption kCodesOfCoordinates{.name = "codes",
                                           .meaning =
                                               "how coordinates are coded; entropy codes are smaller, and ONNX "
                                               "cannot decode them",
                                           .least = 0,
                                           .most = 1,
                                           .default_value = 0,
                                           .words = kWordsOfCodes};

bool wants_entropy_codes(const EncodeRequest& request) {
  return value_of(kCodesOfCoordinates, request.method_options) == 1;
}

double growth_in_metric(const EncodeRequest& request) {
  if (request.metric == nullptr) return 1;
  const auto root = request.metric->inverse_root();
  double trace = 0;
  for (Index i = 0; i < root.rows(); ++i) trace += detail::dot(root.row(i), root.row(i));
  return trace / static_cast<double>(root.rows());
}

// The variances of the coordinates along directions in so many bits.
struct RoundedDirections {
  int bits;
  std::vector<double> variances;
};

// All directions together span the space before and after rounding, so rounding only mixes
// coordinates: each takes up a share of the mean variance. In a metric M, rounding a direction
// v M^-1/2 moves |v M^-1/2|^2 times that share, on the mean over the directions the trace of M^-1
// over its size.
// The bits are those with the least sum of their own bytes and of what the mixing costs, which is
// log2(1 + share / variance) / 2 bits for a coordinate.
RoundedDirections rounded_directions(const EncodeRequest& request, std::vector<double> singular_values) {
  constexpr int kLeast = 4;  // with fewer the rounded directions might not be independent
  const double cols = static_cast<double>(request.matrix->cols()), rows = static_cast<double>(request.matrix->rows());
  double mean = 0;
  for (double& value : singular_values) {
    value *= value;
    mean += value / cols;
  }
  const double growth = growth_in_metric(request);
  const auto bits_of_an_entry = [&](int bits) {
    double sum = bits * cols / rows;
    for (const double variance : singular_values) {
      if (variance > 0) sum += std::log2(1 + growth * kTrellisDistortion[bits] * mean / variance) / (2 * cols);
    }
    return sum;
  };
  int best = kLeast;
  for (int bits = kLeast + 1; bits <= kMaxCodeBits; ++bits) {
    if (bits_of_an_entry(bits) < bits_of_an_entry(best)) best = bits;
  }
  for (double& variance : singular_values) variance += growth * kTrellisDistortion[best] * mean;
  return {best, std::move(singular_values)};
}

Index direction_bytes(Index rank, const EncodeRequest& request, int bits) {
  const Index cols = request.matrix->cols();
  return Codes::bytes_at(rank, cols, rank * TrellisQuantizer::bytes(cols, bits), false);
}

// An upper bound of the text of a ladder in a specification: the columns and the size of each band,
// and one digit for its bits on each step.
Index text_bytes(const CodeLadder& ladder) {
  constexpr Index kBytesOfBand = 32, kBytesOfDigit = 2, kBytesOfStep = 3;
  const auto steps = static_cast<Index>(ladder.steps().size()), bands = static_cast<Index>(ladder.bands().size());
  return bands * (kBytesOfBand + kBytesOfDigit * steps) + kBytesOfStep * steps;
}

// All principal directions of the weighted rows.
RightSingularVectors components_of(const EncodeRequest& request) {
  return truncated_svd(*request.matrix, {.rank = std::min(request.matrix->rows(), request.matrix->cols()),
                                         .row_weights = request.row_weights,
                                         .route = SvdRoute::gram});
}

// How the coordinates along the first directions can be coded.
struct CoordinateCodes {
  Index rank = 0;
  Index fixed_bytes = 0;               // of the directions and of texts
  std::optional<CodeLadder> ladder{};  // none: entropy codes
};

// The points of the curve, and the codes of each.
struct Rates {
  std::vector<RatePoint> points;
  std::vector<CoordinateCodes> codes;
  int direction_bits = 0;

  // Points must take more and more bytes.
  void add(Index bytes, double error, CoordinateCodes coordinates) {
    if (!points.empty() && bytes <= points.back().bytes) return;
    points.push_back({bytes, error});
    codes.push_back(std::move(coordinates));
  }
};

void add_trellis_rates(MatrixSurvey& survey, std::span<const double> variances, Rates& rates) {
  const auto& request = survey.request();
  const LadderChoice choice(survey.energies(), variances);
  for (int k = 0; k <= kPointsOfCodesCurve; ++k) {
    const auto at = choice.within(choice.most_code_bytes() * k / kPointsOfCodesCurve);
    const Index rank = at.ladder.cols();
    const Index fixed = direction_bytes(rank, request, rates.direction_bits) + text_bytes(at.ladder);
    const Index bytes =
        fixed + Codes::bytes_at(request.matrix->rows(), rank, at.code_bytes, at.shared, CodesForm::joined);
    if (bytes >= request.source_bytes) break;
    rates.add(bytes, at.error, {rank, fixed, at.ladder});
  }
}

void add_entropy_rates(MatrixSurvey& survey, std::span<const double> variances, Rates& rates) {
  const auto& request = survey.request();
  const Index of_column = direction_bytes(1, request, rates.direction_bits);
  for (const auto& rate : entropy_codes_curve(survey.energies(), variances, of_column, kPointsOfCodesCurve)) {
    const Index fixed = direction_bytes(rate.cols, request, rates.direction_bits);
    if (fixed + rate.bytes >= request.source_bytes) break;
    rates.add(fixed + rate.bytes, rate.error, {rate.cols, fixed});
  }
}

Rates rates_of(MatrixSurvey& survey, std::vector<double> singular_values) {
  const RoundedDirections directions = rounded_directions(survey.request(), std::move(singular_values));
  Rates rates{.points = {}, .codes = {}, .direction_bits = directions.bits};
  if (wants_entropy_codes(survey.request())) {
    add_entropy_rates(survey, directions.variances, rates);
  } else {
    add_trellis_rates(survey, directions.variances, rates);
  }
  return rates;
}

// Codes of the directions with one number of bits for all: the ladder has no other step besides 0.
std::unique_ptr<EncodedMatrix> directions(const EncodeRequest& request, MatrixView<const double> vt, int bits) {
  const Matrix<double> stored = stored_right_factor(request, vt);
  const Matrix<float> rows = detail::narrowed(stored.view());
  return encode_codes(DenseRows(rows.view()),
                      {.max_bytes = direction_bytes(vt.rows(), request, bits),
                       .seed = request.seed,
                       .ladder = CodeLadder({{vt.cols(), 1.0F}}, {{0}, {static_cast<std::uint8_t>(bits)}})});
}

// (V V^T)^-1 V, which maps a row x to the coordinates c that minimize ||x - c V||, for the decoded
// directions V in the metric of the request.
Matrix<double> coordinate_map(const EncodeRequest& request, const EncodedMatrix& directions) {
  const Matrix<float> rounded = read_all(*compared_rows(request, directions));
  const Index rank = rounded.rows();
  Matrix<double> v = Matrix<double>::uninitialized(rank, rounded.cols());
  for (Index i = 0; i < rank; ++i) std::ranges::copy(rounded.row(i), v.row(i).begin());
  Matrix<double> gram(rank, rank);
  blas::gemm(blas::Op::none, blas::Op::transpose, 1.0, v.view(), v.view(), 0.0, gram.view());
  [[maybe_unused]] const bool independent = blas::cholesky_upper(gram.view());
  LOEWNER_ASSERT(independent);  // rounding moves the orthonormal rows by at most a twelfth of their length
  const Matrix<double> inverse = blas::inverse_of_upper(gram.view());
  Matrix<double> half = Matrix<double>::uninitialized(rank, v.cols()),
                 map = Matrix<double>::uninitialized(rank, v.cols());
  blas::gemm(blas::Op::transpose, blas::Op::none, 1.0, inverse.view(), v.view(), 0.0, half.view());
  blas::gemm(blas::Op::none, blas::Op::none, 1.0, inverse.view(), half.view(), 0.0, map.view());
  return map;
}

// The coordinates and their mean bits.
struct CodedCoordinates {
  std::unique_ptr<EncodedMatrix> matrix;
  double mean_bits;
};

CodedCoordinates coded_coordinates(const EncodeRequest& request, const RowSource& coordinates,
                                   const std::optional<CodeLadder>& ladder, Index max_bytes) {
  if (!ladder) {
    auto codes = encode_entropy_codes(coordinates, {.row_weights = request.row_weights, .max_bytes = max_bytes});
    const double bits = codes->mean_bits();
    return {std::move(codes), bits};
  }
  auto codes = encode_codes(coordinates, {.row_weights = request.row_weights,
                                          .max_bytes = max_bytes,
                                          .seed = request.seed,
                                          .ladder = ladder,
                                          .form = CodesForm::joined});
  const double bits = codes->mean_bits();
  return {std::move(codes), bits};
}

Encoding encode_at(const EncodeRequest& request, MatrixView<const double> components, const CoordinateCodes& codes,
                   int direction_bits, Index max_bytes, double predicted_error) {
  auto right = directions(request, components.row_block(0, codes.rank), direction_bits);
  const Matrix<double> map = coordinate_map(request, *right);
  const ProjectedRows coordinates(request.matrix, map.view());
  auto left = coded_coordinates(request, coordinates, codes.ladder, max_bytes - codes.fixed_bytes);
  const double share = static_cast<double>(codes.rank) / static_cast<double>(request.matrix->cols());
  return {.matrix = std::make_unique<Product>(std::move(left.matrix), std::move(right)),
          .method = Method::coded_svd,
          .rank = codes.rank,
          .counts = {},
          .bits = share * left.mean_bits,
          .predicted_error = predicted_error,
          .lp_error_svd = std::nullopt,
          .certificate = std::nullopt};
}

[[noreturn]] void refuse_bytes(const EncodeRequest& request, const Rates& rates) {
  if (rates.points.empty()) throw BudgetError("codes of principal components are not smaller than the matrix itself");
  throw BudgetError("codes of principal components take at least " + std::to_string(rates.points.front().bytes) +
                    " bytes, the budget leaves " + std::to_string(*request.max_bytes));
}

std::vector<Candidate> coded_svd_curve(MatrixSurvey& survey) {
  const auto& request = survey.request();
  const double entries = static_cast<double>(request.matrix->rows()) * static_cast<double>(request.matrix->cols());
  const Rates rates = rates_of(survey, survey.singular_values());
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < rates.points.size(); ++i) {
    candidates.push_back({.method = Method::coded_svd,
                          .point = rates.points[i],
                          .rank = rates.codes[i].rank,
                          .bits = 8 * static_cast<double>(rates.points[i].bytes) / entries});
  }
  return candidates;
}

Encoding encode_by_coded_svd(const EncodeRequest& request) {
  const auto components = components_of(request);
  MatrixSurvey survey(request);
  const Rates rates = rates_of(survey, components.singular_values);
  const auto encode = [&](std::size_t i, Index bytes) {
    return encode_at(request, components.vt.view(), rates.codes[i], rates.direction_bits, bytes,
                     std::sqrt(rates.points[i].error));
  };
  if (request.max_error) {
    return first_within_error(request, rates.points, [&](std::size_t i) { return encode(i, rates.points[i].bytes); });
  }
  const Index bytes = std::min(*request.max_bytes, request.source_bytes - 1);
  const auto above = std::ranges::upper_bound(rates.points, bytes, {}, &RatePoint::bytes);
  if (above == rates.points.begin()) refuse_bytes(request, rates);
  return encode(static_cast<std::size_t>(above - rates.points.begin()) - 1, bytes);
}

bool coded_svd_competes(MatrixSurvey& survey, std::span<const Candidate>) {
  return is_tall(*survey.request().matrix);
}

}  // namespace

MethodDescriptor coded_svd_method() {
  return {.info = {.method = Method::coded_svd,
                   .name = "coded-svd",
                   .description = "codes of the coordinates along the principal directions, more bits for larger ones",
                   .weighs_channels = true,
                   .flag = "--codes",
                   .flag_help = "trellis or entropy: codes of --method coded-svd, and of auto where it takes that "
                                "method; entropy codes are smaller, and ONNX cannot decode them",
                   .options = {kCodesOfCoordinates}},
          .curve = coded_svd_curve,
          .encode = encode_by_coded_svd,
          .memory = svd_memory,
          .competes = coded_svd_competes};
}

}  // namespace loewner
