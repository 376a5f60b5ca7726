// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/input_codes_encoding.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "codec/code_bands.hpp"
#include "codec/half_scales.hpp"
#include "codec/row_encoder.hpp"
#include "codec/stored_bytes.hpp"
#include "linalg/blas.hpp"
#include "linalg/input_scale.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/linalg/row_energies.hpp"

namespace loewner {
namespace {

constexpr Index kInputsOfBlock = 64, kOutputsOfTask = 128;

// Feedback can make an input's vector much larger than its weights: the exponent leaves 8 binary
// places for that. Larger scales are clamped, and the error that remains is fed back as well.
constexpr int kRoomForFeedback = 8;
constexpr double kLargestHalf = 65504;

int exponent_for(MatrixView<const float> rows) {
  double largest = 0;
  for (Index i = 0; i < rows.rows(); ++i) {
    const double energy = detail::dot_of_floats(rows.row(i), rows.row(i));
    largest = std::max(largest, std::sqrt(energy / static_cast<double>(rows.cols())));
  }
  return detail::half_exponent(largest) + kRoomForFeedback;
}

// Codes the inputs of a basis from the last to the first. Rows hold weights before, and errors
// after they are coded.
class FeedbackCoder {
 public:
  FeedbackCoder(const InputBasis& basis, Matrix<float> rows, Codes::Arrays& arrays, const CodeLadder& ladder)
      : basis_(basis),
        rows_(std::move(rows)),
        arrays_(arrays),
        offsets_(detail::offsets_of(arrays.bits, ladder)),
        planes_(std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(offsets_.back()))),
        exponent_(exponent_for(rows_.view())),
        encoder_(ladder),
        targets_(Matrix<float>::uninitialized(std::min(kInputsOfBlock, rows_.rows()), rows_.cols())) {
    arrays_.scales.assign(arrays_.bits.size(), 0);
  }

  void encode() {
    for (Index end = rows_.rows(); end > 0;) {
      const Index begin = (end - 1) / kInputsOfBlock * kInputsOfBlock;
      add_feedback_of_later_blocks(begin, end);
      for (Index j = end - 1; j >= begin; --j) encode_input(j, begin);
      end = begin;
    }
    arrays_.codes = detail::stored_bytes("codes", DType::u8, std::move(planes_));
  }

  int exponent() const { return exponent_; }
  double error() const { return error_; }

 private:
  // L_ij for i > j
  float feedback(Index i, Index j) const { return static_cast<float>(basis_.factor()(j, i) / basis_.factor()(j, j)); }

  // The targets of the block: its weights, and the errors of all inputs after it times L.
  void add_feedback_of_later_blocks(Index begin, Index end) {
    const Index later = rows_.rows() - end;
    Matrix<float> weights = Matrix<float>::uninitialized(end - begin, later);
    for (Index j = begin; j < end; ++j) {
      for (Index i = 0; i < later; ++i) weights(j - begin, i) = feedback(end + i, j);
    }
    parallel_for((rows_.cols() + kOutputsOfTask - 1) / kOutputsOfTask, [&](Index task) {
      const Index first = task * kOutputsOfTask, count = std::min(kOutputsOfTask, rows_.cols() - first);
      const auto targets = targets_.view().row_block(0, end - begin).col_block(first, count);
      for (Index j = begin; j < end; ++j) {
        std::copy_n(rows_.row(j).begin() + first, count, targets.row(j - begin).begin());
      }
      if (later == 0) return;
      blas::gemm(blas::Op::none, blas::Op::none, 1.0F, std::as_const(weights).view(),
                 std::as_const(rows_).view().row_block(end, later).col_block(first, count), 1.0F, targets);
    });
  }

  void encode_input(Index j, Index begin) {
    const auto target = targets_.row(j - begin), error = rows_.row(j);
    const Index stored = basis_.order()[j];
    const int step = arrays_.bits[stored];
    float scale = 0;
    if (step > 0) {
      std::ranges::copy(target, encoder_.row().begin());
      const double best = encoder_.encode(step, planes_->data() + offsets_[stored]);
      const double clamped = std::clamp(std::ldexp(best, -exponent_), -kLargestHalf, kLargestHalf);
      arrays_.scales[stored] = float_to_half(static_cast<float>(clamped));
      scale = std::ldexp(half_to_float(arrays_.scales[stored]), exponent_);
      const auto q = encoder_.decoded();
      for (std::size_t o = 0; o < q.size(); ++o) {
        error[o] -= scale * q[o];
        target[o] -= scale * q[o];
      }
    }
    error_ += basis_.pivots()[j] * detail::dot_of_floats(target, target);
    for (Index k = begin; k < j; ++k) {
      const float weight = feedback(j, k);
      const auto other = targets_.row(k - begin);
      for (std::size_t o = 0; o < error.size(); ++o) other[o] += weight * error[o];
    }
  }

  const InputBasis& basis_;
  Matrix<float> rows_;
  Codes::Arrays& arrays_;
  std::vector<Index> offsets_;
  std::shared_ptr<std::vector<std::uint8_t>> planes_;
  int exponent_;
  detail::RowEncoder encoder_;
  Matrix<float> targets_;  // of the block
  double error_ = 0;
};

// In the order of the rotated inputs.
std::vector<std::uint8_t> bits_within(MatrixView<const float> rows, const InputBasis& basis, const CodeLadder& ladder,
                                      Index max_bytes) {
  const auto energies = row_energies(DenseRows(rows), basis.pivots());
  std::vector<double> stored(energies.size());
  for (std::size_t j = 0; j < stored.size(); ++j) stored[basis.order()[j]] = energies[j];
  const BitAllocation allocation = detail::allocation_of(stored, ladder);
  const Index fixed = Codes::bytes_at(rows.rows(), rows.cols(), 0, false), rest = max_bytes - fixed;
  if (rest < allocation.least_price()) {
    throw BudgetError("input codes take at least " + std::to_string(fixed) + " bytes, the budget leaves " +
                      std::to_string(max_bytes));
  }
  return allocation.steps(allocation.within(std::min(rest, allocation.most_price())));
}

void rotate_outputs(MatrixView<float> rows, const Rotation& rotation) {
  parallel_for((rows.rows() + kInputsOfBlock - 1) / kInputsOfBlock, [&](Index task) {
    const Index end = std::min((task + 1) * kInputsOfBlock, rows.rows());
    for (Index i = task * kInputsOfBlock; i < end; ++i) rotation.apply(rows.row(i));
  });
}

// The encoding of 2^-exponent W, whose scales are multiplied by 2^exponent.
FeedbackCodes encode_scaled(const RowSource& w, int exponent, const InputBasis& basis,
                            const InputCodesOptions& options) {
  Matrix<float> rows = basis.coordinates(w, options.inputs);
  const CodeLadder ladder = CodeLadder::plain(rows.cols());
  Codes::Arrays arrays;
  arrays.bits = bits_within(rows.view(), basis, ladder, options.max_bytes);
  rotate_outputs(rows.view(), Rotation(rows.cols(), options.seed));
  FeedbackCoder coder(basis, std::move(rows), arrays, ladder);
  coder.encode();
  auto codes = std::make_unique<Codes>(ladder, options.seed, coder.exponent() + exponent, std::move(arrays));
  FeedbackCodes result{
      .matrix = nullptr, .mean_bits = codes->mean_bits(), .error = std::ldexp(coder.error(), 2 * exponent)};
  result.matrix = std::make_unique<InputCodes>(std::move(codes), options.inputs, basis.rotation_seed());
  return result;
}

}  // namespace

FeedbackCodes encode_input_codes(const RowSource& w, const InputBasis& basis, const InputCodesOptions& options) {
  constexpr int kOrdinary = 80;  // sums over rotated rows and columns, with corrections and feedback, stay in float32
  const double largest = detail::largest_magnitude(w, "encode_input_codes: the matrix");
  const int exponent = detail::input_exponent(largest, kOrdinary);
  if (exponent == 0) return encode_scaled(w, 0, basis, options);
  return encode_scaled(detail::ScaledRows(w, exponent), exponent, basis, options);
}

}  // namespace loewner
