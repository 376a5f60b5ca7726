// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/archetype_search.hpp"
#include "loewner/codec/archetypes.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/linalg/row_energies.hpp"
#include "loewner/norms/lp_error.hpp"
#include "plan/error_search.hpp"
#include "plan/methods.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerArchetype = 256;  // 2 k d bytes are then a sixteenth of a bit of every entry
constexpr Index kMostByDefault = 256;     // indices of one byte
constexpr Index kRowsToMeasure = 1024;

Index count_of(const EncodeRequest& request) {
  const Index rows = request.matrix->rows();
  const Index count = request.num_archetypes.value_or(std::clamp<Index>(rows / kRowsPerArchetype, 1, kMostByDefault));
  return std::min(count, rows);
}

Archetypes::Shape shape_of(const EncodeRequest& request) {
  return {.rows = request.matrix->rows(),
          .cols = request.matrix->cols(),
          .count = count_of(request),
          .per_row = request.archetypes_per_row};
}

// These rows, which may be some that stand for the matrix, in archetypes of the matrix.
std::unique_ptr<Archetypes> mixtures_of(const RowSource& rows, const EncodeRequest& request) {
  const Matrix<float> archetypes = find_archetypes(*request.matrix, {.row_weights = request.row_weights,
                                                                     .count = count_of(request),
                                                                     .per_row = request.archetypes_per_row,
                                                                     .seed = request.seed});
  return encode_archetypes(rows, archetypes.view(), request.archetypes_per_row);
}

// What the mixtures leave of the rows.
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
  const Archetypes& mixtures_;  // whose rows are decoded into the buffer
};

double sum_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

// Mixtures alone, which leave `share` of the energy, then with ever more codes of residuals of these energies.
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

// The matrix in mixtures, its residual, and what both offer.
class Mixed {
 public:
  explicit Mixed(const EncodeRequest& request)
      : request_(request), mixtures_(mixtures_of(*request.matrix, request)), residual_(*request.matrix, *mixtures_) {
    const auto energies = row_energies(residual_, request.row_weights);
    const double energy = sum_of(row_energies(*request.matrix, request.row_weights));
    rates_ = rates_of(request, energy > 0 ? sum_of(energies) / energy : 0.0, energies);
  }

  const std::vector<RatePoint>& rates() const { return rates_; }

  // Codes of the residual take what the mixtures leave of the bytes, if that is enough for any.
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

}  // namespace

// Rows that the archetypes were not learnt from say what they leave of all.
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

// Archetypes take seconds to find, where planning takes one. What they leave is no less than what the best subspace of
// as many dimensions leaves, and unless the rows are sparse mixtures indeed, several times as much: they are looked for
// only where nothing else leaves less than kSparse times that in the bytes of the mixtures. Codes of the residual,
// which lower the error at much the same rate as codes of the rows, do not change who is ahead.
bool archetypes_compete(MatrixSurvey& survey, std::span<const Candidate> offers) {
  constexpr double kSparse = 4;
  const auto& request = survey.request();
  if (svd_memory(request.matrix->cols()) > request.memory) return false;  // no room for the singular values
  const Index bytes = shape_of(request).bytes();
  const auto& values = survey.singular_values();
  const auto square = [](double sum, double x) { return sum + x * x; };
  const double energy = std::accumulate(values.begin(), values.end(), 0.0, square);
  const auto rank = std::min(static_cast<std::size_t>(count_of(request)), values.size());
  const double least = std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(rank), values.end(), 0.0, square);
  return std::ranges::none_of(offers, [&](const Candidate& other) {
    return other.point.bytes <= bytes && other.point.error * energy <= kSparse * least;
  });
}

}  // namespace loewner
