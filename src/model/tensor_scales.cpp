// SPDX-License-Identifier: Apache-2.0
#include "model/tensor_scales.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "loewner/base/error.hpp"
#include "model/quoted.hpp"

namespace loewner::detail {
namespace {

// Names of scales: behind that of the tensor, and in the module of a tensor M.weight (DeepSeek-V4, Mistral).
constexpr std::array<std::string_view, 2> kOfTensor = {"_scale_inv", "_scale"};
constexpr std::array<std::string_view, 2> kOfModule = {"scale", "qscale_weight"};
constexpr std::array<std::string_view, 4> kInputScales = {"input_scale", "activation_scale", "input_scale_inv",
                                                          "qscale_act"};
constexpr const char* kBlockField = "weight_block_size";
constexpr Index kMxBlock = 32;  // entries of a row with one scale in the MX formats

struct Size {
  Index rows = 0, cols = 0;
  bool operator==(const Size&) const = default;
};

// A tensor of 8-bit floats holds matrices of one size, below each other. Entry (i, j) of matrix m is scaled by entry
// (i / block.rows, j / block.cols) of its grid; the grids lie below each other too.
struct Scales {
  Matrix<float> values;
  Size matrix, grid, block;
};

class BlockScaledRows final : public RowSource {
 public:
  BlockScaledRows(std::shared_ptr<const RowSource> rows, Scales scales)
      : rows_(std::move(rows)), scales_(std::move(scales)) {}

  Index rows() const override { return rows_->rows(); }
  Index cols() const override { return rows_->cols(); }
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override {
    rows_->read_rows(first, count, buffer);
    const auto& [values, matrix, grid, block] = scales_;
    for (Index i = 0; i < count; ++i) {
      const Index number = (first + i) / matrix.rows, row_in_matrix = (first + i) % matrix.rows;
      const auto scales = values.row(number * grid.rows + row_in_matrix / block.rows);
      const auto row = buffer.row(i);
      for (Index j = 0; j < cols(); ++j)
        row[static_cast<std::size_t>(j)] *= scales[static_cast<std::size_t>(j / block.cols)];
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

// The number of an exponent without sign and mantissa (E8M0 of the MX formats).
float power_of_two(std::byte exponent) {
  constexpr int kBias = 127, kNan = 255;
  const int bits = std::to_integer<int>(exponent);
  return bits == kNan ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0F, bits - kBias);
}

// All numbers of a tensor, whatever its shape is. Some checkpoints state E8M0 as U8, which transformers takes for it.
std::vector<float> numbers_of(const Checkpoint& checkpoint, const CheckpointTensor& tensor) {
  const TensorInfo& info = *tensor.info;
  const bool has_exponents = info.dtype == DType::f8_e8m0 || info.dtype == DType::u8;
  if (!is_float_readable(info.dtype) && !has_exponents)
    throw IoError(checkpoint.folder().string() + ": scales must be floating-point numbers, got " + shape_text(info) +
                  " of " + std::string(to_string(info.dtype)));
  std::vector<std::byte> stored(static_cast<std::size_t>(info.bytes()));
  checkpoint.shard_of(tensor).file->read(info, 0, stored);
  std::vector<float> values(stored.size() / static_cast<std::size_t>(size_of(info.dtype)));
  if (has_exponents) {
    std::ranges::transform(stored, values.begin(), power_of_two);
  } else {
    decode_to_float(stored.data(), info.dtype, values);
  }
  return values;
}

// `weight_block_size` of the configuration, if it has one.
std::optional<Size> stated_block(const Checkpoint& checkpoint) {
  const Json quantization = checkpoint.config().value("quantization_config", Json::object());
  const Json block = quantization.is_object() ? quantization.value(kBlockField, Json()) : Json();
  const bool is_pair = block.is_array() && block.size() == 2 && block[0].is_number_integer() &&
                       block[1].is_number_integer() && block[0].get<Index>() > 0 && block[1].get<Index>() > 0;
  if (!is_pair) return std::nullopt;
  return Size{block[0].get<Index>(), block[1].get<Index>()};
}

Size grid_by(const Size& matrix, const Size& block) {
  return {(matrix.rows - 1) / block.rows + 1, (matrix.cols - 1) / block.cols + 1};
}

// The grid of each matrix, by the shape of the scales; nothing for shapes without a published meaning.
std::optional<Size> grid_in(const std::vector<Index>& scales, const std::vector<Index>& tensor) {
  const bool is_stack = tensor.size() == 3;
  if (is_stack && (scales.empty() || scales[0] != tensor[0])) return std::nullopt;
  if (scales.size() == tensor.size()) return Size{scales[scales.size() - 2], scales.back()};
  if (scales.size() != 1) return std::nullopt;
  return is_stack ? Size{1, 1} : Size{scales[0], 1};
}

// The blocks whose scales are published: those of the configuration, MX, rows, whole matrices, and both halves of
// gate_up_proj.
std::optional<Size> block_for(const Size& grid, const Size& matrix, const std::optional<Size>& stated, bool is_stack) {
  std::vector<Size> blocks = {{matrix.rows, matrix.cols}, {1, matrix.cols}, {1, kMxBlock}};
  if (stated) blocks.insert(blocks.begin(), *stated);
  if (is_stack && matrix.rows % 2 == 0) blocks.push_back({matrix.rows / 2, matrix.cols});
  const auto found = std::ranges::find_if(blocks, [&](const Size& block) { return grid_by(matrix, block) == grid; });
  return found == blocks.end() ? std::nullopt : std::optional(*found);
}

Scales read_scales(const Checkpoint& checkpoint, const CheckpointTensor& tensor, const CheckpointTensor& scale) {
  const auto& shape = tensor.info->shape;
  const std::vector<float> numbers = numbers_of(checkpoint, scale);
  const auto count = static_cast<Index>(numbers.size());
  const Size whole = {*matrix_rows(*tensor.info), shape.back()};
  Scales scales{.values = {}, .matrix = {shape[shape.size() - 2], shape.back()}, .grid = {1, 1}, .block = whole};
  const auto stated = stated_block(checkpoint);
  if (count == 1) {
    scales.matrix = whole;
  } else {
    const auto grid = grid_in(scale.info->shape, shape);
    const auto block = grid ? block_for(*grid, scales.matrix, stated, shape.size() == 3) : std::nullopt;
    if (!block || count == 0) {
      throw IoError(checkpoint.folder().string() + ": " + shape_text(*scale.info) + " must be one scale for " +
                    shape_text(*tensor.info) + ", or for each matrix, row, block of " + std::to_string(kMxBlock) +
                    " entries of a row, or block of " + kBlockField + " " +
                    (stated ? Json({stated->rows, stated->cols}) : Json()).dump() + " in config.json");
    }
    scales.grid = *grid;
    scales.block = *block;
  }
  scales.values = Matrix<float>(count / scales.grid.cols, scales.grid.cols);
  std::ranges::copy(numbers, scales.values.data());
  return scales;
}

}  // namespace

std::string scale_of(const Checkpoint& checkpoint, const std::string& tensor) {
  constexpr std::string_view kWeight = ".weight";
  const auto exists = [&](const std::string& name) { return checkpoint.find(name) != nullptr; };
  for (const auto ending : kOfTensor) {
    if (std::string name = tensor + std::string(ending); exists(name)) return name;
  }
  if (!tensor.ends_with(kWeight)) return "";
  const std::string module = tensor.substr(0, tensor.size() - kWeight.size() + 1);
  for (const auto leaf : kOfModule) {
    if (std::string name = module + std::string(leaf); exists(name)) return name;
  }
  return "";
}

std::vector<std::string> scales_of(const Checkpoint& checkpoint, const TensorInfo& tensor) {
  std::vector<std::string> names;
  if (!is_float8(tensor.dtype) || checkpoint.quantization_method() != kFloat8Method) return names;
  const auto add = [&](std::string name) {
    if (checkpoint.find(name) != nullptr) names.push_back(std::move(name));
  };
  if (std::string name = scale_of(checkpoint, tensor.name); !name.empty()) names.push_back(std::move(name));
  const std::string module = tensor.name.substr(0, tensor.name.rfind('.') + 1);
  for (const auto leaf : kInputScales) {
    add(module + std::string(leaf));
    add(tensor.name + "_" + std::string(leaf));
  }
  return names;
}

std::shared_ptr<const RowSource> scaled_rows(const Checkpoint& checkpoint, const CheckpointTensor& tensor) {
  auto rows = std::make_shared<TensorRows>(checkpoint.shard_of(tensor).file, *tensor.info);
  if (!is_float8(tensor.info->dtype) || checkpoint.quantization_method() != kFloat8Method) return rows;
  const std::string scale = scale_of(checkpoint, tensor.info->name);
  if (scale.empty()) {
    throw IoError(checkpoint.folder().string() + ": " + shape_text(*tensor.info) +
                  " must have scales in a tensor of the same name with _scale_inv or _scale behind it, or in M.scale");
  }
  return std::make_shared<BlockScaledRows>(std::move(rows), read_scales(checkpoint, tensor, checkpoint.at(scale)));
}

}  // namespace loewner::detail
