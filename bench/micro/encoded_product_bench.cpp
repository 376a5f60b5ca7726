// SPDX-License-Identifier: Apache-2.0
// Products of vectors with a layer that stays in codes, on one thread. LOEWNER_ISA limits the instruction set.
#include "loewner/codec/encoded_product.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loewner/base/matrix.hpp"
#include "loewner/codec/structures.hpp"

namespace loewner {
namespace {

constexpr Index kInputs = 4096;

// Any bits are codes: the time of a product does not depend on them. transposed: a row of codes belongs to an output.
class Layer {
 public:
  Layer(Index outputs, int bits, ProductSide side, std::uint32_t seed)
      : Layer(side == ProductSide::transposed ? outputs : kInputs, side == ProductSide::transposed ? kInputs : outputs,
              bits, side, seed) {}

  const EncodedProduct& product() const { return *product_; }

 private:
  Layer(Index rows, Index cols, int bits, ProductSide side, std::uint32_t seed)
      : codes_(static_cast<std::size_t>(rows * bits * ((cols + 7) / 8))),
        bits_(static_cast<std::size_t>((rows + 1) / 2), static_cast<std::uint8_t>(17 * bits)),
        scales_(static_cast<std::size_t>(rows), std::uint16_t{0x3c00}) {
    std::mt19937 random(seed);
    for (std::uint8_t& byte : codes_) byte = static_cast<std::uint8_t>(random());
    const Json spec = {{"structure", "codes"}, {"rows", rows},        {"cols", cols},
                       {"rotation_seed", 0U},  {"scale_exponent", 0}, {"code_bytes", codes_.size()},
                       {"has_shared", false}};
    matrix_ = encoded_matrix_from_tensors(spec, [this](std::string_view name) {
      if (name == "codes") return in_memory(name, codes_, DType::u8);
      return name == "bits" ? in_memory(name, bits_, DType::u8) : in_memory(name, scales_, DType::f16);
    });
    product_ = encoded_product(*matrix_, side);
  }

  template <typename Value>
  static StoredArray in_memory(std::string_view name, const std::vector<Value>& values, DType dtype) {
    const auto* const memory = reinterpret_cast<const std::byte*>(values.data());
    const auto read = [memory](Index first, Index count, std::byte* out) {
      std::copy_n(memory + first * Index{sizeof(Value)}, count * Index{sizeof(Value)}, out);
    };
    return {.name = std::string(name),
            .dtype = dtype,
            .rows = std::ssize(values),
            .cols = 1,
            .read_rows = read,
            .memory = memory};
  }

  std::vector<std::uint8_t> codes_, bits_;
  std::vector<std::uint16_t> scales_;
  std::unique_ptr<EncodedMatrix> matrix_;
  std::unique_ptr<EncodedProduct> product_;
};

// Layers in turn, as in a model: their codes come from memory. Two outputs: the time of what is done once for a vector.
void multiply_vectors(benchmark::State& state) {
  const Index count = state.range(0), outputs = state.range(2);
  const auto side = state.range(3) == 0 ? ProductSide::transposed : ProductSide::plain;
  std::vector<std::unique_ptr<Layer>> layers;
  for (std::uint32_t seed = 0; seed < 8; ++seed) {
    layers.push_back(std::make_unique<Layer>(outputs, static_cast<int>(state.range(1)), side, seed));
  }
  Matrix<float> x = Matrix<float>::uninitialized(count, kInputs), y = Matrix<float>::uninitialized(count, outputs);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::generate_n(x.data(), count * kInputs, [&] { return normal(random); });
  std::size_t turn = 0;
  for (auto _ : state) {
    layers[turn++ % layers.size()]->product().apply(std::as_const(x).view(), {}, y.view(), 1);
    benchmark::DoNotOptimize(y.data());
  }
}

BENCHMARK(multiply_vectors)
    ->ArgNames({"vectors", "bits", "outputs", "by_input"})
    ->ArgsProduct({{1, 16, 128}, {2, 3, 4}, {4096}, {0, 1}})
    ->Args({1, 3, 2, 0})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace loewner
