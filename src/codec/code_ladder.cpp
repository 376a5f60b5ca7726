// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/code_ladder.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "loewner/base/error.hpp"
#include "loewner/codec/trellis_quantizer.hpp"

namespace loewner {
namespace {

constexpr double kBitsBetweenSteps = 0.125;
constexpr double kFallOfVariance = 1.4;  // within a band
constexpr Index kLeastBand = 16, kColsOfAByte = 8;

double variance_of(const CodeLadder::Band& band) {
  return static_cast<double>(band.size) * static_cast<double>(band.size);
}

std::vector<CodeLadder::Band> bands_for(std::span<const double> variances) {
  const auto cols = static_cast<Index>(variances.size());
  double total = 0;
  for (const double v : variances) total += v;
  std::vector<CodeLadder::Band> bands;
  for (Index first = 0, end = 0; first < cols; first = end) {
    end = std::min(first + kLeastBand, cols);
    while (end < cols && variances[end] > variances[first] / kFallOfVariance) ++end;
    end = cols - end < kLeastBand ? cols : (end + kColsOfAByte - 1) / kColsOfAByte * kColsOfAByte;
    double sum = 0;
    for (Index j = first; j < end; ++j) sum += variances[j];
    const double mean = total > 0 ? sum / total * static_cast<double>(cols) / static_cast<double>(end - first) : 0.0;
    bands.push_back({end - first, static_cast<float>(std::sqrt(std::max(mean, 0.0)))});
  }
  return bands;
}

// The band with the largest gain by one more bit per entry. The number of columns cancels, because
// it is a factor of both gain and price.
std::size_t best_band(const std::vector<CodeLadder::Band>& bands, const std::vector<std::uint8_t>& bits) {
  std::size_t best = 0;
  double most = -1;
  for (std::size_t g = 0; g < bands.size(); ++g) {
    if (bits[g] == kMaxCodeBits) continue;
    const double gain = variance_of(bands[g]) * (kTrellisDistortion[bits[g]] - kTrellisDistortion[bits[g] + 1]);
    if (gain > most) {
      most = gain;
      best = g;
    }
  }
  return best;
}

CodeLadder::Steps steps_for(const std::vector<CodeLadder::Band>& bands, Index cols) {
  std::vector<std::uint8_t> bits(bands.size(), 0);
  CodeLadder::Steps steps{bits};
  Index spent = 0;
  double next = kBitsBetweenSteps;
  while (std::ranges::any_of(bits, [](int b) { return b < kMaxCodeBits; })) {
    const std::size_t band = best_band(bands, bits);
    ++bits[band];
    spent += bands[band].cols;
    const double mean = static_cast<double>(spent) / static_cast<double>(cols);
    if (mean < next) continue;
    steps.push_back(bits);
    next = (std::floor(mean / kBitsBetweenSteps) + 1) * kBitsBetweenSteps;
  }
  return steps;
}

void require_ladder(const std::vector<CodeLadder::Band>& bands, const CodeLadder::Steps& steps) {
  require(!bands.empty(), [] { return std::string("CodeLadder: at least one band is needed"); });
  for (const auto& band : bands) {
    require(band.cols >= 1 && std::isfinite(band.size) && band.size >= 0,
            [] { return std::string("CodeLadder: bands need columns and a finite size of at least 0"); });
  }
  require(!steps.empty() && steps.size() <= CodeLadder::kMaxSteps,
          [&] { return "CodeLadder: there must be 1 to 128 steps, got " + std::to_string(steps.size()); });
  for (const auto& step : steps) {
    require(step.size() == bands.size() && std::ranges::max(step) <= kMaxCodeBits,
            [] { return std::string("CodeLadder: a step needs 0 to 8 bits for each band"); });
  }
  require(std::ranges::max(steps.front()) == 0, [] { return std::string("CodeLadder: the first step has no bits"); });
}

}  // namespace

CodeLadder::CodeLadder(std::vector<Band> bands, Steps steps) : bands_(std::move(bands)), steps_(std::move(steps)) {
  require_ladder(bands_, steps_);
  for (const auto& band : bands_) {
    const auto sum = checked_sum(cols_, band.cols);
    require(sum.has_value(), [] { return std::string("CodeLadder: the bands have too many columns"); });
    cols_ = *sum;
  }
  for (const auto& step : steps_) {
    Index bytes = 0;
    for (std::size_t g = 0; g < bands_.size(); ++g) bytes += TrellisQuantizer::bytes(bands_[g].cols, step[g]);
    bytes_.push_back(bytes);
  }
}

CodeLadder CodeLadder::plain(Index cols) {
  Steps steps;
  for (int b = 0; b <= kMaxCodeBits; ++b) steps.push_back({static_cast<std::uint8_t>(b)});
  return {{{cols, 1.0F}}, std::move(steps)};
}

CodeLadder CodeLadder::for_variances(std::span<const double> variances) {
  auto bands = bands_for(variances);
  auto steps = steps_for(bands, static_cast<Index>(variances.size()));
  return {std::move(bands), std::move(steps)};
}

bool CodeLadder::is_plain() const {
  if (bands_.size() != 1 || bands_[0].size != 1 || steps_.size() != kMaxCodeBits + 1) return false;
  for (std::size_t b = 0; b < steps_.size(); ++b) {
    if (steps_[b][0] != b) return false;
  }
  return true;
}

double CodeLadder::mean_bits(int step) const {
  const auto& bits = steps_[static_cast<std::size_t>(step)];
  Index sum = 0;
  for (std::size_t g = 0; g < bands_.size(); ++g) sum += bands_[g].cols * bits[g];
  return static_cast<double>(sum) / static_cast<double>(cols_);
}

std::vector<double> CodeLadder::distortion() const {
  std::vector<double> left;
  for (const auto& step : steps_) {
    double error = 0, total = 0;
    for (std::size_t g = 0; g < bands_.size(); ++g) {
      const double energy = static_cast<double>(bands_[g].cols) * variance_of(bands_[g]);
      error += energy * kTrellisDistortion[step[g]];
      total += energy;
    }
    left.push_back(total > 0 ? error / total : kTrellisDistortion[step[0]]);
  }
  return left;
}

CodeLadder CodeLadder::at_steps(std::span<const int> chosen) const {
  Steps steps;
  for (const int step : chosen) steps.push_back(steps_[static_cast<std::size_t>(step)]);
  return {bands_, std::move(steps)};
}

CodeLadder CodeLadder::up_to(int step) const {
  Steps steps(steps_.begin(), steps_.begin() + step + 1);
  std::size_t used = 1;
  for (const auto& bits : steps) {
    for (std::size_t g = used; g < bands_.size(); ++g) used = bits[g] > 0 ? g + 1 : used;
  }
  for (auto& bits : steps) bits.resize(used);
  return {{bands_.begin(), bands_.begin() + static_cast<std::ptrdiff_t>(used)}, std::move(steps)};
}

}  // namespace loewner
