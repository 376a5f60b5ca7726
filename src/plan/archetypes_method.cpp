// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "loewner/base/error.hpp"
#include "loewner/codec/archetype_search.hpp"
#include "loewner/codec/archetypes.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "loewner/norms/lp_error.hpp"
#include "plan/error_search.hpp"
#include "plan/method_descriptor.hpp"
#include "plan/solver_memory.hpp"
#include "plan/tall_matrix.hpp"

#include "loewner/model/json.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerArchetype = 256;  // the 2 k d bytes of the archetypes are a sixteenth of a bit per entry
constexpr Index kMostByDefault = 256;     // an index takes one byte
constexpr Index kRowsToMeasure = 1024;

constexpr MethodOption kNumArchetypes{.name = "num_archetypes",
                                      .meaning = "number of archetypes; by default one per 256 rows, at most 256",
                                      .least = 1,
                                      .most = Archetypes::kMostArchetypes,
                                      .default_value = std::nullopt};
constexpr MethodOption kArchetypesPerRow{.name = "archetypes_per_row",
                                         .meaning = "number of archetypes that a row is a mixture of",
                                         .least = 1,
                                         .most = Archetypes::kMostPerRow,
                                         .default_value = 4};

Index count_of(const EncodeRequest& request) {
  const Index rows = request.matrix->rows();
  const auto given = value_of(kNumArchetypes, request.method_options);
  return std::min(given.value_or(std::clamp<Index>(rows / kRowsPerArchetype, 1, kMostByDefault)), rows);
}

Index per_row_of(const EncodeRequest& request) {
  return *value_of(kArchetypesPerRow, request.method_options);
}

Archetypes::Shape shape_of(const EncodeRequest& request) {
  return {.rows = request.matrix->rows(),
          .cols = request.matrix->cols(),
          .count = count_of(request),
          .per_row = per_row_of(request)};
}

// Mixtures of archetypes of the whole matrix for these rows, which may be a sample.
std::unique_ptr<Archetypes> mixtures_of(const RowSource& rows, const EncodeRequest& request) {
  const Matrix<float> archetypes = find_archetypes(*request.matrix, {.row_weights = request.row_weights,
                                                                     .count = count_of(request),
                                                                     .per_row = per_row_of(request),
                                                                     .seed = request.seed});
  return encode_archetypes(rows, archetypes.view(), per_row_of(request));
}

// The rows minus their mixtures.
class Residual final : public RowSource {
 public:
  Residual(const RowSource& a, const Archetypes& mixtures) : a_(a), mixtures_(mixtures) {}

  Index rows() const override { return a_.rows(); }
  Index cols() const override { return a_.cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    Matrix<float> own;
    const auto rows = a_.read_rows(first, count, own);
    (void)mixtures_.read_rows(first, count, buffer);
    for (Index i = 0; i < count; ++i) {
      for (Index j = 0; j < cols(); ++j) buffer(i, j) = rows(i, j) - buffer(i, j);
    }
    return std::as_const(buffer).view();
  }

 private:
  const RowSource& a_;
  const Archetypes& mixtures_;
};

double sum_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// The mixtures alone, which leave `share` of the squared norm; then the mixtures with more and more
// bytes of codes of the residual, whose rows have these energies.
std::vector<RatePoint> rates_of(const EncodeRequest& request, double share, std::span<const double> energies) {
  const Index mixtures = shape_of(request).bytes();
  std::vector<RatePoint> rates = {{mixtures, share}};
  const auto ladder = CodeLadder::plain(request.matrix->cols());
  for (const auto& rate : codes_curve(energies, ladder, kPointsOfCodesCurve)) {
    rates.push_back({mixtures + rate.bytes, share * rate.error});
  }
  std::erase_if(rates, [&](const RatePoint& rate) { return rate.bytes >= request.source_bytes; });
  return rates;
}

// The mixtures of a matrix, their residual, and the sizes and errors of both together.
class Mixed {
 public:
  explicit Mixed(const EncodeRequest& request)
      : request_(request), mixtures_(mixtures_of(*request.matrix, request)), residual_(*request.matrix, *mixtures_) {
    const auto energies = row_energies(residual_, request.row_weights);
    const double energy = sum_of(row_energies(*request.matrix, request.row_weights));
    rates_ = rates_of(request, energy > 0 ? sum_of(energies) / energy : 0.0, energies);
  }

  const std::vector<RatePoint>& rates() const { return rates_; }

  // The codes of the residual get the bytes that the mixtures do not need, if those are enough for
  // codes.
  Encoding encoding(Index bytes, double error) const {
    Encoding encoding;
    encoding.method = Method::archetypes;
    encoding.predicted_error = std::sqrt(error);
    const Index left = bytes - mixtures_->bytes();
    if (left >= Codes::bytes_at(residual_.rows(), residual_.cols(), 0, true)) {
      auto codes =
          encode_codes(residual_, {.row_weights = request_.row_weights, .max_bytes = left, .seed = request_.seed});
      encoding.bits = codes->mean_bits();
      encoding.matrix = mixtures_->with_residual(std::move(codes));
    } else {
      encoding.matrix = mixtures_->with_residual(nullptr);
    }
    return encoding;
  }

 private:
  const EncodeRequest& request_;
  std::unique_ptr<Archetypes> mixtures_;
  Residual residual_;
  std::vector<RatePoint> rates_;
};

[[noreturn]] void refuse(const EncodeRequest& request, Index bytes) {
  throw BudgetError("archetypes take at least " + std::to_string(shape_of(request).bytes()) +
                    " bytes, the budget leaves " + std::to_string(bytes));
}

// The error is measured on a sample of rows other than the sample from which the archetypes are
// computed.
std::vector<Candidate> archetypes_curve(MatrixSurvey& survey) {
  const auto& request = survey.request();
  if (shape_of(request).bytes() >= request.source_bytes) return {};
  const EnergySample sample =
      sample_rows_by_energy(*request.matrix, request.row_weights, survey.energies(), kRowsToMeasure, request.seed + 1);
  double share = 0;
  if (sample.rows.rows() > 0) {
    const DenseRows rows(sample.rows.view());
    const auto mixtures = mixtures_of(rows, request);
    share = std::pow(approximation_errors(rows, *mixtures, sample.weights, 2).weighted_relative_error(), 2);
  }
  const double entries = static_cast<double>(request.matrix->rows()) * static_cast<double>(request.matrix->cols());
  std::vector<Candidate> points;
  for (const auto& rate : rates_of(request, share, survey.energies())) {
    points.push_back({.method = Method::archetypes,
                      .point = rate,
                      .rank = std::nullopt,
                      .bits = 8 * static_cast<double>(rate.bytes) / entries});
  }
  return points;
}

Encoding encode_by_archetypes(const EncodeRequest& request) {
  const Index most =
      request.max_bytes ? std::min(*request.max_bytes, request.source_bytes - 1) : request.source_bytes - 1;
  if (shape_of(request).bytes() > most) refuse(request, most);
  const Mixed mixed(request);
  const auto& rates = mixed.rates();
  if (request.max_error) {
    return first_within_error(request, rates,
                              [&](std::size_t i) { return mixed.encoding(rates[i].bytes, rates[i].error); });
  }
  const auto above = std::ranges::upper_bound(rates, most, {}, &RatePoint::bytes);
  return mixed.encoding(most, (above - 1)->error);
}

Index archetypes_memory(Index cols) {
  constexpr Index kSampleCopies = 4, kRows = 4096;
  return kSampleCopies * kRows * cols * Index{sizeof(double)} + pass_memory(cols);
}

// The search for archetypes takes seconds, all other planning about one. k archetypes leave at
// least the squared error of the best subspace with k dimensions, and several times as much unless
// the rows are sparse mixtures. So they are tried only if no other method has an error below
// kSparse times that bound at the size of the mixtures. Codes of the residual lower the error at
// about the same rate as codes of the rows, so they do not change the order.
bool archetypes_compete(MatrixSurvey& survey, std::span<const Candidate> others) {
  constexpr double kSparse = 4;
  const auto& request = survey.request();
  if (!is_tall(*request.matrix) || svd_memory(request.matrix->cols()) > request.memory) return false;
  const Index bytes = shape_of(request).bytes();
  const auto& values = survey.singular_values();
  const auto square = [](double sum, double x) { return sum + x * x; };
  const double energy = std::accumulate(values.begin(), values.end(), 0.0, square);
  const auto rank = std::min(static_cast<std::size_t>(count_of(request)), values.size());
  const double least = std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(rank), values.end(), 0.0, square);
  return std::ranges::none_of(others, [&](const Candidate& other) {
    return other.point.bytes <= bytes && other.point.error * energy <= kSparse * least;
  });
}

}  // namespace

MethodDescriptor archetypes_method() {
  return {.info = {.method = Method::archetypes,
                   .name = "archetypes",
                   .description = "rows as scaled convex mixtures of a few archetypes, and codes of the residual",
                   .flag = "--archetypes",
                   .flag_help = "K or K:T: number of archetypes of --method archetypes, 1 to 65536 or auto (one per "
                                "256 rows, at most 256), and number of archetypes in each row, 1 to 255",
                   .options = {kNumArchetypes, kArchetypesPerRow},
                   .report_fields = {{.name = "archetypes",
                                      .specification_field = "archetypes",
                                      .meaning = "number of archetypes"}}},
          .curve = archetypes_curve,
          .encode = encode_by_archetypes,
          .memory = archetypes_memory,
          .turn = AutomaticTurn::last,
          .competes = archetypes_compete};
}

}  // namespace loewner
