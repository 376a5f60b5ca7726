// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/input_codes_encoding.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "codec/code_bands.hpp"
#include "codec/feedback_loop.hpp"
#include "codec/half_scales.hpp"
#include "codec/row_encoder.hpp"
#include "codec/stored_bytes.hpp"
#include "linalg/input_scale.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/codec/codes.hpp"
#include "loewner/linalg/row_energies.hpp"

namespace loewner {
namespace {

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

// Codes the inputs of a basis.
class FeedbackCoder {
 public:
  FeedbackCoder(const InputBasis& basis, Matrix<float> rows, Codes::Arrays& arrays, const CodeLadder& ladder)
      : basis_(basis),
        arrays_(arrays),
        offsets_(detail::offsets_of(arrays.bits, ladder)),
        planes_(std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(offsets_.back()))),
        exponent_(exponent_for(rows.view())),
        encoder_(ladder),
        loop_(basis, std::move(rows)) {
    arrays_.scales.assign(arrays_.bits.size(), 0);
  }

  void encode() {
    loop_.run(
        detail::ordinary_blocks(basis_.size()), [](Index, MatrixView<const float>) {},
        [&](Index j, std::span<const float> target, std::span<float> decoded) { encode_input(j, target, decoded); });
    arrays_.codes = detail::stored_bytes("codes", DType::u8, std::move(planes_));
  }

  int exponent() const { return exponent_; }
  double error() const { return loop_.error(); }

 private:
  void encode_input(Index j, std::span<const float> target, std::span<float> decoded) {
    const Index stored = basis_.order()[j];
    const int step = arrays_.bits[stored];
    if (step == 0) {
      std::ranges::fill(decoded, 0.0F);
      return;
    }
    std::ranges::copy(target, encoder_.row().begin());
    const double best =
        encoder_.encode_bands(step, encoder_.root_mean_square(step), planes_->data() + offsets_[stored]);
    const double clamped = std::clamp(std::ldexp(best, -exponent_), -kLargestHalf, kLargestHalf);
    arrays_.scales[stored] = float_to_half(static_cast<float>(clamped));
    const float scale = std::ldexp(half_to_float(arrays_.scales[stored]), exponent_);
    std::ranges::transform(encoder_.decoded(), decoded.begin(), [&](float q) { return scale * q; });
  }

  const InputBasis& basis_;
  Codes::Arrays& arrays_;
  std::vector<Index> offsets_;
  std::shared_ptr<std::vector<std::uint8_t>> planes_;
  int exponent_;
  detail::RowEncoder encoder_;
  detail::FeedbackLoop loop_;
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
  parallel_for((rows.rows() + detail::kInputsOfBlock - 1) / detail::kInputsOfBlock, [&](Index task) {
    const Index end = std::min((task + 1) * detail::kInputsOfBlock, rows.rows());
    for (Index i = task * detail::kInputsOfBlock; i < end; ++i) rotation.apply(rows.row(i));
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
  FeedbackCodes result{.matrix = nullptr,
                       .mean_bits = codes->mean_bits(),
                       .error = std::ldexp(coder.error(), 2 * exponent + basis.exponent())};
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
