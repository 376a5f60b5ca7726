// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/integers_encoding.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "codec/feedback_loop.hpp"
#include "codec/integer_grid.hpp"
#include "codec/stored_bytes.hpp"

namespace loewner {
namespace {

// Feedback can make the targets of a group larger than its weights.
constexpr int kRoomForTargets = 4;

// The inputs in the reverse order of their turns: groups by their mean second moment, and inputs
// within a group by their own.
std::vector<Index> order_of(const Matrix<double>& second, Index group) {
  const Index inputs = second.rows();
  std::vector<double> of_group(static_cast<std::size_t>((inputs + group - 1) / group));
  for (Index g = 0; g < static_cast<Index>(of_group.size()); ++g) {
    const Index first = g * group, count = std::min(group, inputs - first);
    for (Index i = first; i < first + count; ++i) of_group[g] += second(i, i) / static_cast<double>(count);
  }
  std::vector<Index> order(static_cast<std::size_t>(inputs));
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::stable_sort(order, [&](Index a, Index b) {
    const Index g = a / group, h = b / group;
    if (g == h) return second(a, a) < second(b, b);
    return std::pair(of_group[g], g) < std::pair(of_group[h], h);
  });
  return order;
}

// The blocks of the feedback: groups, unless they are larger than ordinary blocks.
std::vector<Index> blocks_of(const std::vector<Index>& order, Index group) {
  const auto inputs = static_cast<Index>(order.size());
  if (group > detail::kInputsOfBlock) return detail::ordinary_blocks(inputs);
  std::vector<Index> starts;
  for (Index j = 0; j < inputs; ++j) {
    if (j == 0 || order[j] / group != order[j - 1] / group) starts.push_back(j);
  }
  starts.push_back(inputs);
  return starts;
}

class IntegerCoder {
 public:
  IntegerCoder(const Integers::Shape& shape, InputSide side, const InputBasis& basis)
      : shape_(shape),
        side_(side),
        basis_(basis),
        codes_(static_cast<std::size_t>(shape.rows * shape.row_bytes())),
        steps_(static_cast<std::size_t>(shape.rows * shape.groups())),
        offsets_(steps_.size()) {}

  std::unique_ptr<Integers> encode(Matrix<float> rows, const std::vector<Index>& blocks) {
    const bool is_one_group = side_ == InputSide::cols && shape_.groups() == 1;
    if (is_one_group) set_grids(0, std::as_const(rows).view());
    detail::FeedbackLoop loop(basis_, std::move(rows));
    loop.run(
        blocks,
        [&](Index first, MatrixView<const float> targets) {
          if (side_ == InputSide::cols && !is_one_group) set_grids(basis_.order()[first] / shape_.group, targets);
        },
        [&](Index j, std::span<const float> target, std::span<float> decoded) {
          const Index input = basis_.order()[j];
          side_ == InputSide::cols ? round_column(input, target, decoded) : round_row(input, target, decoded);
        });
    return std::make_unique<Integers>(shape_, detail::stored_bytes("codes", DType::u8, codes_, shape_.row_bytes()),
                                      detail::stored_bytes("steps", DType::f16, steps_, shape_.groups()),
                                      detail::stored_bytes("offsets", DType::f16, offsets_, shape_.groups()));
  }

 private:
  // The grid of each output for the inputs of a group.
  void set_grids(Index group, MatrixView<const float> targets) {
    std::vector<detail::ValueRange> ranges;
    for (const float x : targets.row(0)) ranges.push_back({x, x});
    for (Index j = 1; j < targets.rows(); ++j) {
      for (std::size_t o = 0; o < ranges.size(); ++o) {
        const float x = targets.row(j)[o];
        ranges[o] = {std::min(ranges[o].low, x), std::max(ranges[o].high, x)};
      }
    }
    for (std::size_t o = 0; o < ranges.size(); ++o) set_grid(static_cast<Index>(o), group, ranges[o]);
  }

  void set_grid(Index row, Index group, const detail::ValueRange& range) {
    const detail::IntegerGrid grid = detail::integer_grid(range, shape_);
    steps_[row * shape_.groups() + group] = grid.step;
    offsets_[row * shape_.groups() + group] = grid.offset;
  }

  // The value that stands for entry (row, col).
  float round(Index row, Index col, float x) {
    const Index g = row * shape_.groups() + col / shape_.group;
    const float step = detail::grid_value(steps_[g], shape_.scale_exponent),
                offset = detail::grid_value(offsets_[g], shape_.scale_exponent);
    const float code = detail::integer_code(x, step, offset, shape_.bits);
    detail::put_code(codes_.data() + row * shape_.row_bytes(), col, shape_.bits, static_cast<unsigned>(code));
    return offset + step * code;
  }

  void round_column(Index input, std::span<const float> target, std::span<float> decoded) {
    for (std::size_t o = 0; o < target.size(); ++o) decoded[o] = round(static_cast<Index>(o), input, target[o]);
  }

  void round_row(Index input, std::span<const float> target, std::span<float> decoded) {
    for (Index g = 0; g < shape_.groups(); ++g) {
      const Index first = g * shape_.group, count = std::min(shape_.group, shape_.cols - first);
      set_grid(input, g, detail::range_of(target.subspan(first, count)));
    }
    for (std::size_t o = 0; o < target.size(); ++o) decoded[o] = round(input, static_cast<Index>(o), target[o]);
  }

  Integers::Shape shape_;
  InputSide side_;
  const InputBasis& basis_;
  std::vector<std::uint8_t> codes_;
  std::vector<std::uint16_t> steps_, offsets_;
};

}  // namespace

std::unique_ptr<Integers> encode_integers(const RowSource& w, const InputMoments& moments, InputSide inputs, int bits) {
  Integers::Shape shape = integers_shape(w, bits);
  shape.scale_exponent += kRoomForTargets;
  const Index group = inputs == InputSide::cols ? shape.group : moments.inputs();
  const auto order = order_of(moments.second, group);
  const InputBasis basis(moments, {.order = order});
  return IntegerCoder(shape, inputs, basis).encode(basis.coordinates(w, inputs), blocks_of(order, group));
}

}  // namespace loewner
