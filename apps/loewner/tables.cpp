// SPDX-License-Identifier: Apache-2.0
#include "tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join, in fmt 11 and later

#include <algorithm>
#include <array>
#include <string>

namespace loewner::cli {
namespace {

std::string shape_text(const std::vector<Index>& shape) {
  return fmt::format("{}", fmt::join(shape, " x "));
}

std::string megabytes(Index bytes) {
  return fmt::format("{:.2f}", static_cast<double>(bytes) / 1e6);
}

double percent(Index part, Index whole) {
  return whole > 0 ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

template <typename Tensors, typename Name>
std::size_t name_width(const Tensors& tensors, Name name) {
  std::size_t width = 6;
  for (const auto& tensor : tensors) width = std::max(width, name(tensor).size());
  return width;
}

std::string optional_number(const char* format, const std::optional<double>& value) {
  return value ? fmt::format(fmt::runtime(format), *value) : "-";
}

// The size that the method chose: a rank, a count of its own, or bits per entry.
std::string size_text(const TensorReport& tensor) {
  if (tensor.rank) return fmt::format("rank {}", *tensor.rank);
  if (!tensor.counts.empty()) return fmt::format("k = {}", tensor.counts.begin()->second);
  return tensor.bits ? fmt::format("{:.2f} bits", *tensor.bits) : "-";
}

constexpr std::array kCurveErrors = {0.5, 0.3, 0.2, 0.1, 0.05, 0.01};

// The curve as sixteen bars of eight heights.
std::string bars_of(const RankCurve& curve) {
  static constexpr std::array kBars = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
  constexpr std::size_t kCount = 16;
  std::string bars;
  for (std::size_t i = 0; i < kCount; ++i) {
    const double error = curve.error[i * (curve.error.size() - 1) / (kCount - 1)];
    bars += kBars[static_cast<std::size_t>(std::clamp(error * 8, 0.0, 7.0))];
  }
  return bars;
}

}  // namespace

void print_curves(const std::vector<RankCurve>& curves, std::ostream& out) {
  const auto width = name_width(curves, [](const auto& curve) -> const std::string& { return curve.name; });
  out << fmt::format(
      "\nrank at which the relative error is at most; bars: error at ranks from 0 to the last\n{:{}}  {:>16}", "",
      width, "");
  for (const double error : kCurveErrors) out << fmt::format("  {:>6}", error);
  out << "\n";
  for (const auto& curve : curves) {
    out << fmt::format("{:{}}  {:>16}", curve.name, width, fmt::format("{} x {}", curve.rows, curve.cols));
    for (const double error : kCurveErrors) {
      const auto rank = rank_for_error(curve, error);
      out << fmt::format("  {:>6}", rank ? fmt::format("{}", *rank) : fmt::format("> {}", curve.error.size() - 1));
    }
    out << fmt::format("  {}{}\n", bars_of(curve), curve.exact ? "" : "  estimated");
  }
}

void print_inspection(const Checkpoint& checkpoint, const Architecture& architecture, std::ostream& out) {
  const auto width =
      name_width(checkpoint.tensors(), [](const auto& tensor) -> const std::string& { return tensor.info->name; });
  const Index total = checkpoint.weight_bytes();
  out << fmt::format("{:{}}  {:18}  {:>16}  {:7}  {:>10}  {:>6}  {}\n", "tensor", width, "role", "shape", "type", "MB",
                     "share", "tied to");
  for (std::size_t i = 0; i < checkpoint.tensors().size(); ++i) {
    const auto& info = *checkpoint.tensors()[i].info;
    const auto& place = architecture.places[i];
    out << fmt::format("{:{}}  {:18}  {:>16}  {:7}  {:>10}  {:>5.1f}%  {}\n", info.name, width,
                       fmt::format("{}{}", to_string(place.role), place.transposed ? " (transposed)" : ""),
                       shape_text(info.shape), to_string(info.dtype), megabytes(info.bytes()),
                       percent(info.bytes(), total), place.tied_to);
  }
  out << fmt::format("{} tensors, {} MB of weights in {} file(s), model type {}\n", checkpoint.tensors().size(),
                     megabytes(total), checkpoint.shards().size(), architecture.model_type);
}

Json curves_to_json(const std::vector<RankCurve>& curves) {
  Json result = Json::array();
  for (const auto& curve : curves) {
    result.push_back({{"name", curve.name}, {"relative_error", curve.error}, {"exact", curve.exact}});
  }
  return result;
}

Json inspection_to_json(const Checkpoint& checkpoint, const Architecture& architecture) {
  Json tensors = Json::array();
  for (std::size_t i = 0; i < checkpoint.tensors().size(); ++i) {
    const auto& info = *checkpoint.tensors()[i].info;
    const auto& place = architecture.places[i];
    tensors.push_back({{"name", info.name},
                       {"role", to_string(place.role)},
                       {"transposed", place.transposed},
                       {"tied_to", place.tied_to},
                       {"shape", info.shape},
                       {"dtype", to_string(info.dtype)},
                       {"bytes", info.bytes()}});
  }
  return {{"model_type", architecture.model_type},
          {"tensors", std::move(tensors)},
          {"weights_bytes", checkpoint.weight_bytes()}};
}

void print_report(const CompressReport& report, bool dry_run, std::ostream& out) {
  const auto width = name_width(report.tensors, [](const auto& tensor) -> const std::string& { return tensor.name; });
  out << fmt::format("{:{}}  {:>16}  {:10}  {:>9}  {:>10}  {:>10}  {:>6}  {:>9}  {:>9}  {:>11}\n", "tensor", width,
                     "shape", "method", "size", "MB before", "MB after", "kept", dry_run ? "predicted" : "error",
                     dry_run ? "" : "weighted", "certificate");
  for (const auto& tensor : report.tensors) {
    out << fmt::format("{:{}}  {:>16}  {:10}  {:>9}  {:>10}  {:>10}  {:>5.1f}%  {:>9.4f}  {:>9}  {:>11}\n", tensor.name,
                       width, fmt::format("{} x {}", tensor.rows, tensor.cols), tensor.method, size_text(tensor),
                       megabytes(tensor.bytes_before), megabytes(tensor.bytes_after),
                       percent(tensor.bytes_after, tensor.bytes_before),
                       dry_run ? tensor.predicted_error : tensor.errors.relative_error,
                       dry_run ? "" : fmt::format("{:.4f}", tensor.errors.weighted_relative_error),
                       optional_number("{:.3f}", tensor.certificate));
  }
  out << fmt::format("weights {} -> {} MB ({:.1f}% kept), folder {} -> {} MB, {:.2f} s{}\n",
                     megabytes(report.weights_before), megabytes(report.weights_after),
                     percent(report.weights_after, report.weights_before), megabytes(report.folder_before),
                     megabytes(report.folder_after), report.seconds, dry_run ? "; nothing written" : "");
  for (const auto& note : report.notes) out << "note: " << note << "\n";
}

void print_report(const VerifyReport& report, std::ostream& out, const Colors& colors) {
  const auto width =
      name_width(report.tensors, [](const auto& tensor) -> const std::string& { return tensor.claimed.name; });
  const bool compared = std::ranges::any_of(report.tensors, &CheckedTensor::compared);
  out << fmt::format("{:{}}  {:>10}  {:>10}  {:>9}  {:>9}  {:>9}  {:>11}  {}\n", "tensor", width, "MB before",
                     "MB after", "error", "weighted", "lp error", "certificate", compared ? "claims" : "checksum");
  for (const auto& tensor : report.tensors) {
    const auto& errors = tensor.compared ? tensor.found : tensor.claimed.errors;
    out << fmt::format("{:{}}  {:>10}  {:>10}  {:>9.4f}  {:>9.4f}  {:>9.4f}  {:>11}  {}\n", tensor.claimed.name, width,
                       tensor.compared ? megabytes(tensor.claimed.bytes_before) : "-",
                       megabytes(tensor.claimed.bytes_after), errors.relative_error, errors.weighted_relative_error,
                       errors.lp_error,
                       optional_number("{:.3f}", tensor.compared ? tensor.certificate : tensor.claimed.certificate),
                       tensor.failures.empty() ? colors.good(compared ? "hold" : "holds")
                                               : colors.bad(fmt::format("{}", fmt::join(tensor.failures, "; "))));
  }
  if (compared) {
    out << fmt::format("{} other tensors equal the original's byte for byte; weights {} -> {} MB\n",
                       report.untouched_tensors, megabytes(report.weights_before), megabytes(report.weights_after));
  } else {
    out << "the errors are the stored claims; --against MODEL measures them again\n";
  }
  out << fmt::format("{} files have checksums\n", report.checked_files);
  for (const auto& failure : report.failures) out << colors.bad("FAILED:") << " " << failure << "\n";
  for (const auto& note : report.notes) out << "note: " << note << "\n";
}

}  // namespace loewner::cli
