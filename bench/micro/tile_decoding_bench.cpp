// SPDX-License-Identifier: Apache-2.0
// The tile decoder of products with encoded layers, on one thread: panels of 64 outputs from trellis codes. LOEWNER_ISA
// limits the instruction set.
#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <vector>

#include "codec/trellis_levels.hpp"
#include "kernel/byte_kernels.hpp"

namespace loewner::detail {
namespace {

constexpr Index kInputs = 1024;

// Any bits are codes. vectors of `entries` entries each, whose codes follow one another.
struct Codes {
  std::vector<std::uint8_t> bytes;
  std::vector<CodedVector> vectors;
  Index entries;

  Codes(Index count, Index entries_of_each, int bits)
      : bytes(static_cast<std::size_t>(count * bits * entries_of_each / 8 + 7)), entries(entries_of_each) {
    std::mt19937 random(1);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    for (Index i = 0; i < count; ++i) {
      vectors.push_back(
          {.planes = bytes.data() + i * bits * entries / 8, .bits = bits, .levels = kByteLevels[bits].values.data()});
    }
  }
  CodedVectors view() const { return {vectors.data(), std::ssize(vectors), entries}; }
};

void report(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * kPanelOutputs * kInputs);  // weights
}

// A vector of codes belongs to an output, as in `codes`.
void decode_outputs(benchmark::State& state) {
  const Codes codes(kPanelOutputs, kInputs, static_cast<int>(state.range(0)));
  std::vector<std::uint8_t> scratch(16 * kInputs), panel(kPanelOutputs * kInputs);
  for (auto _ : state) {
    byte_kernels().panel_of_outputs(codes.view(), scratch.data(), panel.data());
    benchmark::ClobberMemory();
  }
  report(state);
}

// A vector of codes belongs to an input, as in `input_codes`; it has the entries of eight panels.
void decode_inputs(benchmark::State& state) {
  constexpr Index kPanels = 8, kInputsOfPanel = kInputs / kPanels;
  const Codes codes(kInputsOfPanel, kPanels * kPanelOutputs, static_cast<int>(state.range(0)));
  std::vector<std::uint8_t> panels(kPanelOutputs * kInputs);
  for (auto _ : state) {
    byte_kernels().panels_of_inputs(codes.view(), 0, kPanels, kPanelOutputs * kInputsOfPanel, panels.data());
    benchmark::ClobberMemory();
  }
  report(state);
}

// The loads and stores that a decoder needs: the codes once, the panel once.
void load_and_store(benchmark::State& state) {
  const Codes codes(kPanelOutputs, kInputs, static_cast<int>(state.range(0)));
  std::vector<std::uint8_t> panel(kPanelOutputs * kInputs);
  const std::size_t size = codes.bytes.size() - 7;
  for (auto _ : state) {
    for (std::size_t first = 0; first < panel.size(); first += size) {
      std::memcpy(panel.data() + first, codes.bytes.data(), std::min(size, panel.size() - first));
    }
    benchmark::ClobberMemory();
  }
  report(state);
}

BENCHMARK(decode_outputs)->Arg(2)->Arg(3)->Arg(4);
BENCHMARK(decode_inputs)->Arg(2)->Arg(3)->Arg(4);
BENCHMARK(load_and_store)->Arg(2)->Arg(3)->Arg(4);

}  // namespace
}  // namespace loewner::detail
