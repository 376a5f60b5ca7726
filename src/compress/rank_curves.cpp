// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/rank_curves.hpp"

#include <algorithm>

#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/compress/selection.hpp"
#include "loewner/linalg/singular_values.hpp"
#include "loewner/sketch/residual_curve.hpp"

namespace loewner {
namespace {

constexpr Index kMostExactSide = 1024, kSketchSize = 2048, kMostSketchedRank = 512;

bool is_exact(const SelectedTensor& tensor) {
  return std::min(tensor.rows(), tensor.cols()) <= kMostExactSide;
}

std::vector<double> sketched_error(const RowSource& rows, std::uint64_t seed) {
  const ResidualCurve curve =
      estimate_residuals(rows, {.max_rank = kMostSketchedRank, .sketch_size = kSketchSize, .seed = seed});
  std::vector<double> error;
  for (const double residual : curve.residual) {
    error.push_back(curve.frobenius_norm > 0 ? residual / curve.frobenius_norm : 0.0);
  }
  return error;
}

RankCurve curve_of(const Checkpoint& checkpoint, const SelectedTensor& tensor, std::uint64_t seed) {
  const auto rows = checkpoint.rows_of(tensor.name());
  try {
    require_finite(*rows,
                   checkpoint.shard_of(*tensor.tensor).file->path().string() + ": tensor '" + tensor.name() + "'");
  } catch (const InvalidArgument& error) {
    throw IoError(error.what());  // here it is the file's fault, not the caller's
  }
  const bool exact = is_exact(tensor);
  return {.name = tensor.name(),
          .rows = tensor.rows(),
          .cols = tensor.cols(),
          .error = exact ? relative_residuals(singular_values(*rows)) : sketched_error(*rows, seed),
          .exact = exact};
}

}  // namespace

std::vector<RankCurve> rank_curves(const Checkpoint& checkpoint, const Architecture& architecture, std::uint64_t seed,
                                   const ProgressCallback& progress) {
  CompressOptions everything;
  everything.selection = Selection::all;
  const auto tensors = select_tensors(checkpoint, architecture, everything).tensors;
  std::vector<RankCurve> curves(tensors.size());
  std::vector<Index> exact;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (is_exact(tensors[i])) exact.push_back(static_cast<Index>(i));
  }
  // Small matrices side by side, the longest first; large ones one by one, with all threads inside.
  std::ranges::stable_sort(exact, std::ranges::greater(),
                           [&](Index i) { return tensors[i].rows() * tensors[i].cols(); });
  parallel_for(static_cast<Index>(exact.size()),
               [&](Index i) { curves[exact[i]] = curve_of(checkpoint, tensors[exact[i]], seed); });
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (is_exact(tensors[i])) continue;
    if (progress) progress(tensors[i].name(), static_cast<double>(i) / static_cast<double>(tensors.size()));
    curves[i] = curve_of(checkpoint, tensors[i], seed);
  }
  return curves;
}

std::optional<Index> rank_for_error(const RankCurve& curve, double error) {
  const auto first = std::ranges::find_if(curve.error, [&](double left) { return left <= error; });
  if (first == curve.error.end()) return std::nullopt;
  return first - curve.error.begin();
}

}  // namespace loewner
