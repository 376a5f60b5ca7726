// SPDX-License-Identifier: Apache-2.0
#include "model/tensor_scales.hpp"

#include <array>
#include <utility>

#include "loewner/base/error.hpp"
#include "model/quoted.hpp"

namespace loewner::detail {
namespace {

constexpr std::array<std::string_view, 2> kScales = {"_scale_inv", "_scale"};
constexpr std::array<std::string_view, 3> kInputScales = {"input_scale", "activation_scale", "input_scale_inv"};
constexpr const char* kBlockField = "weight_block_size";

// The scale of entry (i, j) is values(i / block_rows, j / block_cols).
struct Scales {
  Matrix<float> values;
  Index block_rows = 1, block_cols = 1;
};

class BlockScaledRows final : public RowSource {
 public:
  BlockScaledRows(std::shared_ptr<const RowSource> rows, Scales scales)
      : rows_(std::move(rows)), scales_(std::move(scales)) {}

  Index rows() const override { return rows_->rows(); }
  Index cols() const override { return rows_->cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    rows_->read_rows(first, count, buffer);
    for (Index i = 0; i < count; ++i) {
      const auto scales = scales_.values.row((first + i) / scales_.block_rows);
      const auto row = buffer.row(i);
      for (Index j = 0; j < cols(); ++j)
        row[static_cast<std::size_t>(j)] *= scales[static_cast<std::size_t>(j / scales_.block_cols)];
    }
    return buffer.view();
  }

 private:
  std::shared_ptr<const RowSource> rows_;
  Scales scales_;
};

std::string shape_text(const TensorInfo& tensor) {
  return tensor.name + " " + Json(tensor.shape).dump();
}

// All numbers of a tensor, whatever its shape is.
std::vector<float> numbers_of(const Checkpoint& checkpoint, const CheckpointTensor& tensor) {
  const TensorInfo& info = *tensor.info;
  if (!is_float_readable(info.dtype))
    throw IoError(checkpoint.folder().string() + ": scales must be floating-point numbers, got " + shape_text(info) +
                  " of " + std::string(to_string(info.dtype)));
  std::vector<std::byte> stored(static_cast<std::size_t>(info.bytes()));
  checkpoint.shard_of(tensor).file->read(info, 0, stored);
  std::vector<float> values(stored.size() / static_cast<std::size_t>(size_of(info.dtype)));
  decode_to_float(stored.data(), info.dtype, values);
  return values;
}

// {rows, cols} of `weight_block_size`; zeros if the configuration has none.
std::array<Index, 2> block_size(const Checkpoint& checkpoint) {
  const Json quantization = checkpoint.config().value("quantization_config", Json::object());
  const Json block = quantization.is_object() ? quantization.value(kBlockField, Json()) : Json();
  const bool is_pair = block.is_array() && block.size() == 2 && block[0].is_number_integer() &&
                       block[1].is_number_integer() && block[0].get<Index>() > 0 && block[1].get<Index>() > 0;
  if (is_pair) return {block[0].get<Index>(), block[1].get<Index>()};
  return {0, 0};
}

Index blocks(Index size, Index block) {
  return block == 0 ? 0 : (size + block - 1) / block;
}

Scales read_scales(const Checkpoint& checkpoint, const CheckpointTensor& tensor, const CheckpointTensor& scale) {
  const Index rows = tensor.info->shape[0], cols = tensor.info->shape[1];
  const std::vector<float> numbers = numbers_of(checkpoint, scale);
  const auto count = static_cast<Index>(numbers.size());
  const auto [block_rows, block_cols] = block_size(checkpoint);
  const std::vector<Index> of_blocks = {blocks(rows, block_rows), blocks(cols, block_cols)};
  const auto filled = [&](Index height, Index width, Index of_rows, Index of_cols) {
    Scales scales{.values = Matrix<float>(height, width), .block_rows = of_rows, .block_cols = of_cols};
    for (Index i = 0; i < count; ++i) scales.values(i / width, i % width) = numbers[static_cast<std::size_t>(i)];
    return scales;
  };
  if (count == 1) return filled(1, 1, rows, cols);
  if (scale.info->shape == of_blocks) return filled(of_blocks[0], of_blocks[1], block_rows, block_cols);
  if (count == rows && scale.info->shape.front() == rows) return filled(rows, 1, 1, cols);
  throw IoError(checkpoint.folder().string() + ": " + shape_text(*scale.info) + " must be one scale for " +
                shape_text(*tensor.info) + ", one for each row, or one for each block of " + kBlockField + " " +
                Json({block_rows, block_cols}).dump() + " in config.json");
}

}  // namespace

std::vector<std::string> scales_of(const Checkpoint& checkpoint, const TensorInfo& tensor) {
  std::vector<std::string> names;
  if (!is_float8(tensor.dtype) || checkpoint.quantization_method() != kFloat8Method) return names;
  const auto add = [&](std::string name) {
    if (checkpoint.find(name) != nullptr) names.push_back(std::move(name));
  };
  for (const auto ending : kScales) add(tensor.name + std::string(ending));
  const std::string module = tensor.name.substr(0, tensor.name.rfind('.') + 1);
  for (const auto leaf : kInputScales) add(module + std::string(leaf));
  return names;
}

std::shared_ptr<const RowSource> scaled_rows(const Checkpoint& checkpoint, const CheckpointTensor& tensor) {
  auto rows = std::make_shared<TensorRows>(checkpoint.shard_of(tensor).file, *tensor.info);
  if (!is_float8(tensor.info->dtype) || checkpoint.quantization_method() != kFloat8Method) return rows;
  const auto names = scales_of(checkpoint, *tensor.info);
  if (names.empty() || !names.front().starts_with(tensor.info->name) || tensor.info->shape.size() != 2) {
    throw IoError(checkpoint.folder().string() + ": " + shape_text(*tensor.info) +
                  " must be a matrix with scales in M.weight_scale_inv or M.weight_scale");
  }
  return std::make_shared<BlockScaledRows>(std::move(rows),
                                           read_scales(checkpoint, tensor, checkpoint.at(names.front())));
}

}  // namespace loewner::detail
